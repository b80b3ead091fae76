"""What is on the storage of a fleet, listed, given up and taken over by the unmodified client: the bytes stay."""

import random
import subprocess

import pytest

from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.content import Content, compare, write
from tests.fleets import fleet
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]
WITHIN_S = 60


@pytest.fixture(scope="module")
def here():
    with fleet() as found:
        yield found
        found.down()


def attached(client, volume, act):
    attachment = client.attachments.create(volume, {"host": "client1"}, mode="rw")["id"]
    try:
        act(client.attachments.show(attachment).connection_info)
    finally:
        client.attachments.delete(attachment)


def settled(group, ident, status="available"):
    until(lambda: group.get(ident).status == status, f"{ident} is {status}", WITHIN_S)


def test_a_volume_and_its_snapshot_are_given_up_and_come_back(here):
    stage = here.stage()
    admin, content = stage.client("admin"), Content()
    first = admin.volumes.create(1, name="first").id
    settled(admin.volumes, first)
    attached(admin, first, lambda info: write(info, content.scribble(random.Random(3), 40), Ledger()))  # noqa: S311
    snapshot = admin.volume_snapshots.create(first, name="s").id
    settled(admin.volume_snapshots, snapshot)
    host = getattr(admin.volumes.get(first), "os-vol-host-attr:host")

    stage.command("admin", "snapshot-unmanage", snapshot)
    until(lambda: not admin.volume_snapshots.list(), "the snapshot is forgotten", WITHIN_S)
    stage.command("admin", "unmanage", first)
    until(lambda: not admin.volumes.list(), "the volume is forgotten", WITHIN_S)

    assert f"volume-{first}" in stage.command("admin", "manageable-list", host)
    stage.command("admin", "manage", "--name", "again", "--id-type", "source-name", host, f"volume-{first}")
    again = next(one.id for one in admin.volumes.list() if one.name == "again")
    settled(admin.volumes, again)
    assert again != first
    assert admin.volumes.get(again).size == 1
    attached(admin, again, lambda info: compare(info, content, Ledger()))

    assert f"snapshot-{snapshot}" in stage.command("admin", "snapshot-manageable-list", host)
    stage.command("admin", "snapshot-manage", "--name", "kept", again, f"snapshot-{snapshot}")
    [kept] = admin.volume_snapshots.list()
    settled(admin.volume_snapshots, kept.id)
    copy = admin.volumes.create(1, snapshot_id=kept.id).id
    settled(admin.volumes, copy)
    attached(admin, copy, lambda info: compare(info, content, Ledger()))

    admin.volumes.delete(copy)
    admin.volumes.delete(again, cascade=True)
    until(lambda: not admin.volumes.list(), "all is deleted", WITHIN_S)
    until(lambda: not [*(here.root / "local" / "volumes").iterdir()], "no file is left", WITHIN_S)


def test_a_file_that_an_operator_has_put_there_becomes_a_volume(here, tmp_path):
    stage = here.stage()
    admin = stage.client("admin")
    (tmp_path / "raw").write_bytes(b"legacy" + bytes(1024**2))
    there = here.root / "local" / "manageable"
    there.mkdir()
    argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(tmp_path / "raw"), str(there / "web server.qcow2")]
    subprocess.run(argv, check=True, capture_output=True)
    (there / "raw").write_bytes(b"not an image")
    host = next(service.host for service in admin.services.list(binary="cinder-volume")) + "#local"
    told = stage.command("admin", "manageable-list", "--detailed", "true", host)
    assert "it is not a qcow2 image" in told
    stage.command("admin", "manage", "--name", "web", host, "web server.qcow2")
    [volume] = admin.volumes.list()
    settled(admin.volumes, volume.id)
    assert not (there / "web server.qcow2").exists()
    admin.volumes.delete(volume.id)
    until(lambda: not admin.volumes.list(), "it is deleted", WITHIN_S)
