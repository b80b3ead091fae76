"""Groups over HTTP on real workers: kept at one moment while a host writes, copied, and gone without a trace."""

import os
import signal

import pytest

from drivers.connect import open_connection
from tests.contracts.volume_groups import WIDTH, Writer, is_one_moment, number
from tests.fleets import fleet
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(360)]
CONNECTOR = {"host": "client1", "ip": "127.0.0.1"}
WITHIN_S = 90


class Person:
    """What a person does with groups, by the client's library."""

    def __init__(self, stage) -> None:
        self.client = stage.client("demo")
        self.types = stage.client("admin").group_types

    def settled(self, kind: str, identity: str, status: str = "available"):
        things = getattr(self.client, kind)
        until(lambda: things.get(identity).status == status, f"{kind} {identity} is {status}", WITHIN_S)
        return things.get(identity)

    def members(self, group_id: str) -> list:
        volumes = self.client.volumes.list(search_opts={"group_id": group_id})
        return sorted(volumes, key=lambda volume: volume.name)

    def attached(self, volume):
        attachment = self.client.attachments.create(volume.id, CONNECTOR, mode="rw")["id"]
        self.client.attachments.complete(attachment)
        return attachment, self.client.attachments.show(attachment).connection_info

    def first_number(self, volume) -> int:
        attachment, info = self.attached(volume)
        with open_connection(info) as connection:
            found = number(bytes(connection.pread(WIDTH, 0)))
        self.client.attachments.delete(attachment)
        return found


def test_a_group_is_kept_at_one_moment_while_a_host_writes_and_its_worker_dies():
    with fleet() as here:
        person = Person(here.stage())
        client = person.client
        kind = person.types.create("consistent")
        kind.set_keys({"consistent_group_snapshot_enabled": "<is> True"})
        group = client.groups.create(kind.id, "__DEFAULT__", name="g")
        person.settled("groups", group.id)
        for name in ("a", "b"):
            made = client.volumes.create(1, name=name, volume_type="__DEFAULT__", group_id=group.id)
            person.settled("volumes", made.id)
        volumes = person.members(group.id)
        assert [volume.name for volume in volumes] == ["a", "b"]
        attached = [person.attached(volume) for volume in volumes]

        kept = []
        with Writer([info for _attachment, info in attached]) as writer:
            for round_number in range(3):
                snapshot = client.group_snapshots.create(group.id, name=f"gs{round_number}")
                if round_number == 1:
                    os.kill(here.processes["volume-local"], signal.SIGKILL)
                person.settled("group_snapshots", snapshot.id)
                writer.await_more()
                kept.append(snapshot.id)
            clones = client.groups.create_from_src(None, group.id, name="clones")
            person.settled("groups", clones["id"])
            writer.await_more()
            writer.await_more()
        for attachment, _info in attached:
            client.attachments.delete(attachment)

        groups = [clones["id"]]
        for identity in kept:
            made = client.groups.create_from_src(identity, None, name=identity)
            person.settled("groups", made["id"])
            groups.append(made["id"])
        for identity in groups:
            numbers = [person.first_number(volume) for volume in person.members(identity)]
            assert len(numbers) == 2
            assert is_one_moment(numbers), numbers
            assert 0 < numbers[-1] <= writer.written

        for identity in kept:
            client.group_snapshots.delete(identity)
        until(lambda: not client.group_snapshots.list(), "the snapshots are gone", WITHIN_S)
        for identity in (*groups, group.id):
            person.settled("groups", identity)
            client.groups.delete(identity, delete_volumes=True)
        until(lambda: not client.groups.list(), "the groups are gone", WITHIN_S)
        assert client.volumes.list() == []
        assert client.volume_snapshots.list() == []
        for folder in ("volumes", "layers"):
            assert list((here.root / "local" / folder).iterdir()) == []
        here.down()
