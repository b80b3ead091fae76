"""A volume's data on the local back-end: snapshots while attached, clones, reverts and growth, byte by byte."""

import os

import pytest

from drivers.connect import open_connection
from storage_site.fleet import demo_steps
from tests.fleets import fleet
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(240)]
SIZE = 1 << 20
CONNECTOR = {"host": "client1", "ip": "127.0.0.1"}


def test_what_snapshots_clones_reverts_and_growth_hold():
    with fleet() as here:
        stage = here.stage()
        demo_steps.create_type(stage)
        demo_steps.create_volume(stage)
        client = stage.client("demo")
        first, second = os.urandom(SIZE), os.urandom(SIZE)

        def settled(found, *expected: str):
            until(lambda: found().status in expected, f"{found()} is {expected}", 30)
            return found()

        def transfer(volume_id: str, write: bytes | None = None) -> bytes:
            attachment = client.attachments.create(volume_id, CONNECTOR, mode="rw")["id"]
            with open_connection(client.attachments.show(attachment).connection_info) as connection:
                if write is not None:
                    connection.pwrite(write, 0)
                    connection.flush()
                found = bytes(connection.pread(SIZE, 0))
            client.attachments.delete(attachment)
            return found

        demo_steps.attach(stage)
        with open_connection(stage.connection_info) as connection:
            connection.pwrite(first, 0)
            connection.flush()
            snapshot = client.volume_snapshots.create(stage.volume_id, name="s1")
            settled(lambda: client.volume_snapshots.get(snapshot.id), "available")
            connection.pwrite(second, 0)
            connection.flush()
        demo_steps.detach(stage)

        made = client.volumes.create(2, snapshot_id=snapshot.id, name="from-snapshot")
        settled(lambda: client.volumes.get(made.id), "available")
        clone = client.volumes.create(1, source_volid=stage.volume_id, name="clone")
        settled(lambda: client.volumes.get(clone.id), "available")
        assert transfer(made.id) == first
        assert transfer(clone.id) == second
        assert transfer(stage.volume_id) == second

        client.volumes.extend(clone.id, 2)
        assert settled(lambda: client.volumes.get(clone.id), "available").size == 2
        assert transfer(clone.id) == second

        client.volumes.revert_to_snapshot(client.volumes.get(stage.volume_id), client.volume_snapshots.get(snapshot.id))
        settled(lambda: client.volumes.get(stage.volume_id), "available")
        assert transfer(stage.volume_id) == first

        client.volumes.delete(stage.volume_id, cascade=True)
        until(lambda: stage.volume_id not in {one.id for one in client.volumes.list()}, "the origin is gone", 30)
        assert transfer(made.id) == first
        assert transfer(clone.id, write=first) == first
        for volume in (made, clone):
            client.volumes.delete(volume.id)
        until(lambda: not client.volumes.list(), "all volumes are gone", 30)
        assert client.volume_snapshots.list() == []
        assert list((here.root / "local" / "volumes").iterdir()) == []
        here.down()
