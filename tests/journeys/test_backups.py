"""Backups through the API with real workers: kinds, targets, both ways back, any order of deletion, byte by byte."""

import threading

import pytest

from drivers.connect import open_connection
from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.content import Content, compare, write
from tests.journeys.backing_up import DIRECTORY, TARGETS, Keeper, keeper
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(600)]
BLOCKS = 96
PAGE, PAGES = 4096, 64


@pytest.fixture(scope="module")
def keeping():
    with keeper() as found:
        yield found
        found.here.down()


@pytest.mark.parametrize("target", TARGETS)
def test_full_and_incremental_ones_and_one_of_a_snapshot_come_back_in_any_volume_and_in_any_order(keeping, target):
    volume, now = keeping.volume("origin"), Content()
    first = keeping.scribbled(volume, now, BLOCKS)
    snapshot = keeping.client.volume_snapshots.create(volume, name="s")
    keeping.settled("volume_snapshots", snapshot.id)
    full = keeping.backup(volume, target)
    second = keeping.scribbled(volume, now, 8)
    increment = keeping.backup(volume, target, incremental=True)
    third = keeping.scribbled(volume, now, 8)
    last = keeping.backup(volume, target, incremental=True)
    of_snapshot = keeping.backup(volume, target, snapshot_id=snapshot.id)
    assert keeping.client.backups.get(last).is_incremental
    assert keeping.client.backups.get(full).has_dependent_backups

    keeping.holds(keeping.restored_to(volume, full), first)
    keeping.holds(keeping.restored_to(volume, last), third)
    new = keeping.restored_to_new(increment, "new")
    keeping.holds(new, second)
    made = keeping.settled("volumes", keeping.client.volumes.create(1, name="made", backup_id=of_snapshot).id)
    keeping.holds(made, first)

    # Those that others were made after go first, and those stay whole.
    keeping.deleted("backups", full, of_snapshot)
    keeping.holds(keeping.restored_to(new, increment), second)
    keeping.deleted("backups", increment)
    keeping.collect(target)
    keeping.collect(target)
    keeping.deleted("volume_snapshots", snapshot.id)
    keeping.deleted("volumes", volume, made)
    keeping.holds(keeping.restored_to(new, last), third)
    keeping.deleted("backups", last)
    keeping.deleted("volumes", new)
    _nothing_is_left(keeping)


def test_a_backup_of_a_volume_that_is_being_written_holds_one_moment_of_it(keeping):
    """Pages are written one after the other, round after round: at any moment a first part is one round ahead."""
    volume, stop, rounds = keeping.volume("busy"), threading.Event(), [0]
    padding = Content()
    with keeping.attached(volume) as info:
        write(info, padding.scribble(keeping.chance, BLOCKS), Ledger())

        def write_on() -> None:
            with open_connection(info) as connection:
                while not stop.is_set():
                    rounds[0] += 1
                    for page in range(PAGES):
                        connection.pwrite(rounds[0].to_bytes(8, "big") * (PAGE // 8), page * PAGE)

        writer = threading.Thread(target=write_on)
        writer.start()
        try:
            until(lambda: rounds[0] > 2, "the writer writes")
            backup = keeping.client.backups.create(volume, container=DIRECTORY, force=True).id
            keeping.settled("volumes", volume, "in-use")
            taken_by = rounds[0]
            until(lambda: rounds[0] > taken_by + 2, "the writer goes on")
            keeping.settled("backups", backup)
        finally:
            stop.set()
            writer.join()
    new = keeping.restored_to_new(backup, "calm")
    with keeping.attached(new) as info, open_connection(info) as connection:
        found = [connection.pread(PAGE, page * PAGE) for page in range(PAGES)]
    numbers = [int.from_bytes(page[:8], "big") for page in found]
    assert all(page == page[:8] * (PAGE // 8) for page in found)
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] - numbers[-1] <= 1
    assert 0 < numbers[0] <= taken_by
    keeping.deleted("backups", backup)
    keeping.deleted("volumes", volume, new)
    _nothing_is_left(keeping)


def test_an_increment_stores_about_what_has_changed(keeping):
    volume, now = keeping.volume("economical"), Content()
    keeping.scribbled(volume, now, BLOCKS)
    full = keeping.backup(volume, DIRECTORY)
    before = _stored_bytes(keeping)
    keeping.scribbled(volume, now, 4)
    increment = keeping.backup(volume, DIRECTORY, incremental=True)
    added = _stored_bytes(keeping) - before
    # 4 blocks and as many of the older ones at most, each of which may lie across two chunks of a mebibyte.
    assert 0 < added < before / 2
    keeping.deleted("volumes", volume)
    new = keeping.restored_to_new(increment, "after its volume")
    with keeping.attached(new) as info:
        compare(info, now, Ledger())
    keeping.deleted("backups", full, increment)
    keeping.deleted("volumes", new)
    _nothing_is_left(keeping)


def _stored_bytes(keeping: Keeper) -> int:
    return sum(path.stat().st_size for path in (keeping.here.root / DIRECTORY).rglob("*") if path.is_file())


def _nothing_is_left(keeping: Keeper) -> None:
    used = [target for target in TARGETS if any(target == _target_of(name, keeping) for name in keeping.stored())]
    for _ in ("one condemns", "the next one deletes"):
        if used:
            keeping.collect(*used)
    assert keeping.stored() == []
    local = keeping.here.root / "local"
    until(lambda: not [*(local / "volumes").iterdir(), *(local / "layers").iterdir()], "no file is left", 30)


def _target_of(name: str, keeping: Keeper) -> str:
    return DIRECTORY if (keeping.here.root / DIRECTORY / name).exists() else "s3"
