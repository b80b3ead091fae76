"""Where the API of a fleet listens, and under which address people reach it."""

import socket
from dataclasses import dataclass

from storage_site.fleet.errors import FleetError
from storage_site.settings import environment as env

DEFAULT = "127.0.0.1:8776"
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how such a bind is reached from here


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on."""

    host: str
    port: int

    @property
    def bind(self) -> str:
        """Return it as gunicorn wants it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the URL under which this machine reaches it."""
        host = _EVERYWHERE.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def refuse_if_taken(self) -> None:
        """Raise FleetError if nobody could listen there now."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
                probe.listen()
            except OSError as error:
                raise FleetError(
                    f"Nobody can listen on {self.bind}: {error.strerror}. Choose another address in CELINDER_BIND"
                ) from error


def parse(text: str) -> Address:
    """Return the address that `text` means, host:port. :raises FleetError: if it means none."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise FleetError(f"CELINDER_BIND must be host:port, such as {DEFAULT}, not {text!r}")
    return Address(host.strip("[]"), int(port))


def from_environment() -> Address:
    """Return the address that CELINDER_BIND or PORT names. :raises FleetError: if it is none."""
    return parse(bind_of_environment())


def bind_of_environment() -> str:
    """Return the address that the environment names, as it is written there.

    CELINDER_BIND says exactly where. A platform that hands out PORT reaches the process from outside.
    """
    port = env.text("PORT")
    return env.text("CELINDER_BIND") or (f"0.0.0.0:{port}" if port else DEFAULT)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
