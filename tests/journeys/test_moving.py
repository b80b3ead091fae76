"""Volumes that move between two back-ends of a fleet, whose workers are killed meanwhile: all bytes, nothing left."""

import json
import os
import random
import signal

import pytest

from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.content import Content, compare, write
from tests.fleets import place
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(600)]
HERE, THERE = "local", "other"
BLOCKS = 320  # 80 MiB: a few seconds at the rate below
WITHIN_S = 120


class Mover:
    """A user and an administrator of a fleet with two back-ends."""

    def __init__(self, here):
        self.here = here
        stage = here.stage()
        self.member, self.admin = stage.client("demo"), stage.client("admin")
        self._chance = random.Random(7)  # noqa: S311 - the same bytes each time
        for name, backend in (("slow", HERE), ("fast", THERE)):
            self.admin.volume_types.create(name).set_keys({"volume_backend_name": backend})

    def volume(self, name):
        made = self.member.volumes.create(1, name=name, volume_type="slow").id
        self.settled(made)
        content = Content()
        self._attached(made, lambda info: write(info, content.scribble(self._chance, BLOCKS), Ledger()))
        return made, content

    def holds(self, volume, content):
        self._attached(volume, lambda info: compare(info, content, Ledger()))

    def settled(self, volume, **wanted):
        """Wait until the volume is available, and as wanted."""

        def is_settled():
            shown = self.shown(volume)
            return shown["status"] == "available" and all(shown[name] == value for name, value in wanted.items())

        until(is_settled, f"volume is available and {wanted}", WITHIN_S)

    def shown(self, volume):
        return self.admin.volumes.get(volume).to_dict()

    def moving(self, volume):
        """Wait until a part of the volume is copied, and return the operation."""

        def is_under_way():
            query = f"/operations?resource_id={volume}&unfinished=true&all_tenants=true"
            found = self.admin.client.get(query)[1]["operations"]
            return found and found[0]["bytes_done"] > 1000 and found[0]

        return until(is_under_way, "a part is copied", WITHIN_S)

    def files(self):
        return {
            key: sorted(path.name for path in (self.here.root / key / "volumes").iterdir()) for key in (HERE, THERE)
        }

    def kill(self, *names):
        for name in names:
            os.kill(self.here.processes[name], signal.SIGKILL)

    def clears_up(self, volume, backend):
        """Wait until the only file is that of the volume, on this back-end, and no export is left."""
        name = self.shown(volume)["os-vol-mig-status-attr:name_id"] or volume
        wanted = {key: [f"volume-{name}.qcow2"] if key == backend else [] for key in (HERE, THERE)}
        until(lambda: self.files() == wanted, f"{self.files()} are {wanted}", WITHIN_S)
        until(lambda: len(self.admin.volumes.list(search_opts={"all_tenants": 1})) == 1, "one row is left", WITHIN_S)

    def deleted(self, volume):
        self.member.volumes.delete(volume)
        until(lambda: self.files() == {HERE: [], THERE: []}, "no file is left", WITHIN_S)

    def _attached(self, volume, act):
        attachment = self.member.attachments.create(volume, {"host": "client1"}, mode="rw")["id"]
        try:
            act(self.member.attachments.show(attachment).connection_info)
        finally:
            self.member.attachments.delete(attachment)


@pytest.fixture(scope="module")
def mover():
    quick = {
        "CELINDER_LEASE_S": "3",
        "CELINDER_SWEEP_INTERVAL_S": "1",
        "CELINDER_REPORT_INTERVAL_S": "1",
        "CELINDER_MOVE_MAX_MIB_PER_S": "16",
        "CELINDER_MOVE_WINDOW_MIB": "16",
        "CELINDER_MOVE_CHECKPOINT_S": "1",
    }
    with place(**quick) as here:
        backends = {key: {"driver": "local", "path": str(here.root / key)} for key in (HERE, THERE)}
        here.environment["CELINDER_BACKENDS"] = json.dumps(backends)
        here.up()
        yield Mover(here)
        here.down()


def test_a_change_of_type_moves_the_volume_and_a_migration_brings_it_back(mover):
    volume, content = mover.volume("mover")
    mover.member.volumes.retype(volume, "fast", "on-demand")
    mover.settled(volume, volume_type="fast", migration_status="success")
    assert mover.shown(volume)["os-vol-host-attr:host"].endswith(f"@{THERE}#{THERE}")
    mover.clears_up(volume, THERE)
    mover.holds(volume, content)

    mover.member.volumes.retype(volume, "slow", "never")
    until(lambda: mover.shown(volume)["status"] == "available", "it stays", WITHIN_S)
    assert mover.shown(volume)["volume_type"] == "fast"

    mover.admin.volume_types.create("any")
    mover.member.volumes.retype(volume, "any", "never")
    mover.settled(volume, volume_type="any")
    mover.admin.volumes.migrate_volume(
        volume, mover.shown(volume)["os-vol-host-attr:host"].replace(THERE, HERE), False, True
    )
    until(lambda: mover.shown(volume)["status"] == "maintenance", "it is locked", WITHIN_S)
    mover.settled(volume, migration_status="success")
    mover.clears_up(volume, HERE)
    mover.holds(volume, content)
    mover.deleted(volume)


@pytest.mark.parametrize("killed", [[f"volume-{THERE}"], [f"volume-{HERE}"], [f"volume-{HERE}", f"volume-{THERE}"]])
def test_a_move_whose_workers_are_killed_comes_to_its_end(mover, killed):
    volume, content = mover.volume("survivor")
    mover.member.volumes.retype(volume, "fast", "on-demand")
    mover.moving(volume)
    mover.kill(*killed)
    mover.settled(volume, volume_type="fast", migration_status="success")
    mover.clears_up(volume, THERE)
    mover.holds(volume, content)
    mover.deleted(volume)


@pytest.mark.parametrize("kind", ["retype", "migrate"])
def test_a_move_that_is_called_off_leaves_everything_as_it_was(mover, kind):
    volume, content = mover.volume("steady")
    host = mover.shown(volume)["os-vol-host-attr:host"]
    if kind == "retype":
        mover.member.volumes.retype(volume, "fast", "on-demand")
    else:
        any_type = f"any-{volume}"
        mover.admin.volume_types.create(any_type)
        mover.member.volumes.retype(volume, any_type, "never")
        mover.settled(volume, volume_type=any_type)
        mover.admin.volumes.migrate_volume(volume, host.replace(HERE, THERE), False, False)
    operation = mover.moving(volume)
    mover.member.client.delete(f"/operations/{operation['id']}")
    mover.settled(volume, migration_status="error")
    assert mover.shown(volume)["os-vol-host-attr:host"] == host
    mover.clears_up(volume, HERE)
    mover.holds(volume, content)
    mover.deleted(volume)
