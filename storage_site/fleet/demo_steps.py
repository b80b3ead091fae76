"""What the demonstration shows, step by step, from outside: through the API and the connection information it gives."""

import hashlib
import os
import shlex
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cinderclient import client as cinder
from cinderclient.exceptions import NotFound
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from drivers.connect import open_connection

MIB = 1024**2
BLOCK = 4 * MIB
RANDOM_BYTES = 256 * MIB
FILE_SYSTEM_BYTES = 64 * MIB
MICROVERSION = "3.71"
LIMIT_S = 60


class DemoFailed(Exception):
    """A step did not do what it shows."""


@dataclass
class Stage:
    """Where the demonstration plays, and what its steps leave to the next ones."""

    root: Path
    url: str
    volume_id: str = ""
    attachment_id: str = ""
    connection_info: dict[str, Any] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def credentials(self, user: str) -> dict[str, str]:
        """Return what the user's openrc sets."""
        path = shlex.quote(str(self.root / f"{user}-openrc"))
        told = subprocess.run(["sh", "-c", f". {path} && env -0"], check=True, capture_output=True, text=True).stdout
        return dict(pair.split("=", 1) for pair in told.split("\0") if pair.startswith("OS_"))

    def command(self, user: str, *words: str) -> str:
        """Run `cinder` as a person would, and return what it prints. :raises DemoFailed: if it fails."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("cinder")), "--os-volume-api-version", MICROVERSION, *words],
            env={**os.environ, **self.credentials(user)},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(f"cinder {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def client(self, user: str) -> Any:
        """Return the library's client for the user."""
        given = self.credentials(user)
        login = Password(
            auth_url=given["OS_AUTH_URL"],
            username=given["OS_USERNAME"],
            password=given["OS_PASSWORD"],
            project_name=given["OS_PROJECT_NAME"],
            user_domain_name=given["OS_USER_DOMAIN_NAME"],
            project_domain_name=given["OS_PROJECT_DOMAIN_NAME"],
        )
        return cinder.Client(MICROVERSION, session=Session(login), region_name=given["OS_REGION_NAME"])


def create_type(stage: Stage) -> None:
    """As the administrator, make a volume type: cinder type-create."""
    stage.command("admin", "type-create", "demo")


def create_volume(stage: Stage) -> None:
    """As a member, make a volume of 1 GiB of that type: cinder create."""
    stage.command("demo", "create", "--name", "demo", "--volume-type", "demo", "1")
    client = stage.client("demo")
    (volume,) = client.volumes.list()
    _expect("the volume's type", volume.volume_type, "demo")
    stage.volume_id = volume.id
    _wait(lambda: client.volumes.get(volume.id).status != "creating", "the volume is still being made")
    _expect("the volume's status", client.volumes.get(volume.id).status, "available")


def attach(stage: Stage) -> None:
    """Attach the volume to this host; the API says how to reach it."""
    client = stage.client("demo")
    connector = {
        "host": socket.gethostname(),
        "ip": "127.0.0.1",
        "platform": os.uname().machine,
        "os_type": sys.platform,
    }
    stage.attachment_id = client.attachments.create(stage.volume_id, connector, mode="rw")["id"]
    stage.connection_info = client.attachments.show(stage.attachment_id).connection_info
    client.attachments.complete(stage.attachment_id)
    _expect("the volume's status", client.volumes.get(stage.volume_id).status, "in-use")


def write_random(stage: Stage) -> None:
    """Write 256 MiB of random data over NBD."""
    digest = hashlib.sha256()
    with open_connection(stage.connection_info) as connection:
        for offset in range(0, RANDOM_BYTES, BLOCK):
            block = os.urandom(BLOCK)
            digest.update(block)
            connection.pwrite(block, offset)
        connection.flush()
    stage.checksums["random data"] = digest.hexdigest()


def write_file_system(stage: Stage) -> None:
    """Write an ext4 file system behind them."""
    content = stage.root / "content"
    content.mkdir()
    (content / "hello").write_text("written by the demonstration\n")
    image = stage.root / "ext4"
    with image.open("wb") as file:
        file.truncate(FILE_SYSTEM_BYTES)
    _run("mke2fs", "-q", "-t", "ext4", "-d", str(content), str(image))
    digest = hashlib.sha256()
    with image.open("rb") as file, open_connection(stage.connection_info) as connection:
        for offset in range(0, FILE_SYSTEM_BYTES, BLOCK):
            block = file.read(BLOCK)
            digest.update(block)
            connection.pwrite(block, RANDOM_BYTES + offset)
        connection.flush()
    image.unlink()
    stage.checksums["file system"] = digest.hexdigest()


def detach(stage: Stage) -> None:
    """Detach the volume, which can then be reached no more."""
    client = stage.client("demo")
    client.attachments.delete(stage.attachment_id)
    _expect("the volume's status", client.volumes.get(stage.volume_id).status, "available")
    if Path(stage.connection_info["path"]).exists():
        raise DemoFailed("the socket of the export is still there")


def compare(stage: Stage) -> None:
    """Read both back, compare the checksums, and let e2fsck look at the file system."""
    copy = stage.root / "copy"
    with open_connection(stage.connection_info) as connection:
        found = {"random data": _checksum(connection, 0, RANDOM_BYTES)}
        with copy.open("wb") as file:
            found["file system"] = _checksum(connection, RANDOM_BYTES, FILE_SYSTEM_BYTES, file.write)
    for what, checksum in stage.checksums.items():
        _expect(f"the checksum of the {what}", found[what], checksum)
    _run("e2fsck", "-f", "-n", str(copy))
    copy.unlink()


def delete_volume(stage: Stage) -> None:
    """Delete the volume: cinder delete."""
    stage.command("demo", "delete", "demo")
    client = stage.client("demo")
    _wait(lambda: not client.volumes.list(), "the volume is still there")
    try:
        client.volumes.get(stage.volume_id)
    except NotFound:
        return
    raise DemoFailed("the volume is still there, and not listed")


def delete_type(stage: Stage) -> None:
    """Delete the type: cinder type-delete."""
    stage.command("admin", "type-delete", "demo")


def look_for_remains(stage: Stage) -> None:
    """See that the service has no volume, attachment, unfinished operation or file left."""
    client = stage.client("admin")
    _expect("the volumes left", client.volumes.list(search_opts={"all_tenants": 1}), [])
    _expect("the attachments left", client.attachments.list(search_opts={"all_tenants": 1}), [])
    with closing(sqlite3.connect(f"file:{stage.root / 'celinder.sqlite3'}?mode=ro", uri=True)) as database:
        unfinished = database.execute("SELECT id, verb FROM operations_operation WHERE outcome = ''").fetchall()
    _expect("the unfinished operations", unfinished, [])
    _expect("the files on the back-end", list((stage.root / "local" / "volumes").iterdir()), [])


STEPS: tuple[Callable[[Stage], None], ...] = (
    create_type,
    create_volume,
    attach,
    write_random,
    write_file_system,
    detach,
    attach,
    compare,
    detach,
    delete_volume,
    delete_type,
    look_for_remains,
)


def described(step: Callable[[Stage], None], stage: Stage) -> tuple[str, Callable[[], None]]:
    """Return a step in words, its docstring, and as something to call."""
    return (step.__doc__ or step.__name__).strip().rstrip("."), partial(step, stage)


def _checksum(connection: Any, start: int, length: int, also: Callable[[bytes], object] = len) -> str:
    digest = hashlib.sha256()
    for offset in range(start, start + length, BLOCK):
        block = connection.pread(BLOCK, offset)
        digest.update(block)
        also(block)
    return digest.hexdigest()


def _expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise DemoFailed(f"{what}: expected {wanted!r}, found {found!r}")


def _wait(is_so: Callable[[], bool], trouble: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            raise DemoFailed(f"{trouble} after {LIMIT_S} s")
        time.sleep(0.1)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise DemoFailed(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
