"""What the demonstration shows of volumes, step by step, from outside: through the API and what it tells of the way."""

import hashlib
import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from cinderclient.exceptions import NotFound

from drivers.connect import Connection, open_connection
from storage_site.fleet.demo_stage import DemoFailed, Stage, expect, run, wait

__all__ = ["DemoFailed", "Stage"]

MIB = 1024**2
BLOCK = 4 * MIB
RANDOM_BYTES = 256 * MIB
FILE_SYSTEM_BYTES = 64 * MIB
ALL_BYTES = RANDOM_BYTES + FILE_SYSTEM_BYTES
OVERWRITTEN_BYTES = 32 * MIB


def create_type(stage: Stage) -> None:
    """As the administrator, make a volume type: cinder type-create."""
    stage.command("admin", "type-create", "demo")


def create_volume(stage: Stage) -> None:
    """As a member, make a volume of 1 GiB of that type: cinder create."""
    stage.command("demo", "create", "--name", "demo", "--volume-type", "demo", "1")
    client = stage.client("demo")
    (volume,) = client.volumes.list()
    expect("the volume's type", volume.volume_type, "demo")
    stage.volume_id = volume.id
    wait(lambda: client.volumes.get(volume.id).status != "creating", "the volume is still being made")
    expect("the volume's status", client.volumes.get(volume.id).status, "available")


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
    expect("the volume's status", client.volumes.get(stage.volume_id).status, "in-use")


def write_random(stage: Stage) -> None:
    """Write 256 MiB of random data over NBD."""
    stage.blocks = []
    with open_connection(stage.connection_info) as connection:
        for offset in range(0, RANDOM_BYTES, BLOCK):
            _put(stage, connection, offset, os.urandom(BLOCK))
        connection.flush()


def write_file_system(stage: Stage) -> None:
    """Write an ext4 file system behind them."""
    content = stage.root / "content"
    content.mkdir()
    (content / "hello").write_text("written by the demonstration\n")
    image = stage.root / "ext4"
    with image.open("wb") as file:
        file.truncate(FILE_SYSTEM_BYTES)
    run("mke2fs", "-q", "-t", "ext4", "-d", str(content), str(image))
    with image.open("rb") as file, open_connection(stage.connection_info) as connection:
        for offset in range(RANDOM_BYTES, ALL_BYTES, BLOCK):
            _put(stage, connection, offset, file.read(BLOCK))
        connection.flush()
    image.unlink()


def take_snapshot(stage: Stage) -> None:
    """Take a snapshot of it while it is attached: cinder snapshot-create."""
    stage.command("demo", "snapshot-create", "--force", "True", "--name", "demo", "demo")
    stage.settled("volume_snapshots", "demo")
    stage.kept["snapshot"] = list(stage.blocks)


def overwrite(stage: Stage) -> None:
    """Overwrite 32 MiB in the middle of the random data."""
    with open_connection(stage.connection_info) as connection:
        for offset in range(RANDOM_BYTES // 2, RANDOM_BYTES // 2 + OVERWRITTEN_BYTES, BLOCK):
            _put(stage, connection, offset, os.urandom(BLOCK))
        connection.flush()


def detach(stage: Stage) -> None:
    """Detach the volume, which can then be reached no more."""
    client = stage.client("demo")
    client.attachments.delete(stage.attachment_id)
    expect("the volume's status", client.volumes.get(stage.volume_id).status, "available")
    if Path(stage.connection_info["path"]).exists():
        raise DemoFailed("the socket of the export is still there")


def compare(stage: Stage) -> None:
    """Read both back, compare the checksums, and let e2fsck look at the file system."""
    copy = stage.root / "copy"
    with open_connection(stage.connection_info) as connection, copy.open("wb") as file:
        for number, wanted in enumerate(stage.blocks):
            block = connection.pread(BLOCK, number * BLOCK)
            expect(f"the checksum of block {number}", hashlib.sha256(block).hexdigest(), wanted)
            if number * BLOCK >= RANDOM_BYTES:
                file.write(block)
    run("e2fsck", "-f", "-n", str(copy))
    copy.unlink()


def clone(stage: Stage) -> None:
    """Clone the volume: cinder create --source-volid."""
    stage.command("demo", "create", "--name", "clone", "--source-volid", stage.volume_id, "1")
    stage.settled("volumes", "clone")
    stage.kept["clone"] = list(stage.blocks)


def delete_volume(stage: Stage) -> None:
    """Delete the volume: cinder delete."""
    stage.command("demo", "delete", "demo")
    stage.gone("volumes")
    _expect_no_more(stage)


def delete_everything(stage: Stage) -> None:
    """Delete the snapshot and all volumes: cinder snapshot-delete, cinder delete."""
    stage.command("demo", "snapshot-delete", "demo")
    stage.gone("volume_snapshots")
    stage.command("demo", "delete", *(volume.id for volume in stage.client("demo").volumes.list()))
    stage.gone("volumes")
    _expect_no_more(stage)


def _expect_no_more(stage: Stage) -> None:
    try:
        stage.client("demo").volumes.get(stage.volume_id)
    except NotFound:
        return
    raise DemoFailed("the volume is still there, and not listed")


def delete_type(stage: Stage) -> None:
    """Delete the type: cinder type-delete."""
    stage.command("admin", "type-delete", "demo")


def look_for_remains(stage: Stage) -> None:
    """See that the service has no volume, snapshot, backup, attachment, unfinished operation or file left."""
    client = stage.client("admin")
    expect("the volumes left", client.volumes.list(search_opts={"all_tenants": 1}), [])
    expect("the snapshots left", client.volume_snapshots.list(search_opts={"all_tenants": 1}), [])
    expect("the backups left", client.backups.list(search_opts={"all_tenants": 1}), [])
    expect("the attachments left", client.attachments.list(search_opts={"all_tenants": 1}), [])
    with closing(sqlite3.connect(f"file:{stage.root / 'celinder.sqlite3'}?mode=ro", uri=True)) as database:
        unfinished = database.execute("SELECT id, verb FROM operations_operation WHERE outcome = ''").fetchall()
    expect("the unfinished operations", unfinished, [])
    for folder in ("volumes", "layers"):
        expect("the files on the back-end", list((stage.root / "local" / folder).iterdir()), [])


def described(step: Callable[[Stage], None], stage: Stage) -> tuple[str, Callable[[], None]]:
    """Return a step in words, its docstring, and as something to call."""
    return (step.__doc__ or step.__name__).strip().rstrip("."), partial(step, stage)


def _put(stage: Stage, connection: Connection, offset: int, content: bytes) -> None:
    """Write a block and keep its checksum."""
    connection.pwrite(content, offset)
    number = offset // BLOCK
    stage.blocks[number : number + 1] = [hashlib.sha256(content).hexdigest()]
