"""What was backed up comes back: into new volumes and old ones, whatever happened to the size meanwhile."""

import pytest
from backing import (
    CALLER,
    MIB,
    accept_backup,
    another_volume,
    backed_up,
    content,
    fill,
    nothing_is_lent,
    opened,
    restored,
    step,
    waiting,
    work,
)

from backups.models import Backup
from backups.services.restores import restore_backup
from drivers import memory_pool
from storage_site.operations.models import Operation
from volumes.models import Snapshot, Volume
from volumes.services.contents import extend_volume
from volumes.services.snapshots import create_snapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def discard(volume: Volume, driver, *places_mib: int) -> None:
    """Give room of the volume back, as a host's trim does."""

    pages = memory_pool.pool("mem1").volumes[str(volume.pk)].content.pages
    for place in places_mib:
        for number in range(place * MIB // memory_pool.PAGE_BYTES, (place + 1) * MIB // memory_pool.PAGE_BYTES):
            pages.pop(number, None)


def test_a_new_volume_gets_what_the_backup_holds(volume):
    with opened(volume) as connection:
        fill(connection, 0, 5, 1023)
    made = backed_up(volume)
    assert (volume.status, made.object_count > 0, len(bytes(made.digest))) == ("available", True, 32)
    new = restored(made, another_volume(volume), is_fresh=True)
    assert content(new) == content(volume) != {}
    assert nothing_is_lent(volume)
    assert nothing_is_lent(new)


def test_an_old_volume_gets_exactly_what_the_backup_holds(volume):
    with opened(volume) as connection:
        fill(connection, 0, 5)
    made, before = backed_up(volume), content(volume)
    with opened(volume) as connection:
        fill(connection, 0, 9, 700, seed=2)
    assert content(restored(made, volume)) == before


def test_a_larger_volume_keeps_its_size_and_what_lies_beyond(volume):
    with opened(volume) as connection:
        fill(connection, 0, 5)
    made = backed_up(volume)
    large = another_volume(volume, size_gib=2)
    with opened(large) as connection:
        fill(connection, 9, 1024, 2047, seed=2)
    beyond = {place: one for place, one in content(large).items() if place >= 1024}
    assert content(restored(made, large)) == content(volume) | beyond
    assert (large.size_gib, sorted(beyond)) == (2, [1024, 2047])


def test_an_empty_volume_comes_back_empty(volume):
    made = backed_up(volume)
    assert made.object_count == 0
    full = another_volume(volume)
    with opened(full) as connection:
        fill(connection, 1, 2)
    assert content(restored(made, full)) == {}


def test_what_was_given_back_by_the_volume_is_zeros_in_the_next_backup_too(volume, driver):
    with opened(volume) as connection:
        fill(connection, 1, 2, 3, 1000)
    backed_up(volume)
    discard(volume, driver, 2, 1000)
    made = backed_up(volume, is_incremental=True)
    assert sorted(content(restored(made, another_volume(volume), is_fresh=True))) == [1, 3]


def test_a_volume_that_grew_between_two_backups_comes_back_as_large_as_it_is(volume, member):
    with opened(volume) as connection:
        fill(connection, 1, 1023)
    backed_up(volume)
    extend_volume(volume=volume, size_gib=2, caller=member)
    work()
    volume.refresh_from_db()
    with opened(volume) as connection:
        fill(connection, 3, 1024, 2047)
    made = backed_up(volume, is_incremental=True)
    assert (made.size_gib, made.is_incremental, made.unread) == (2, True, 1)
    assert content(restored(made, another_volume(volume), is_fresh=True)) == content(volume)
    assert sorted(content(volume)) == [1, 3, 1023, 1024, 2047]


def test_a_snapshot_that_was_given_is_read_and_stays(volume, member):
    with opened(volume) as connection:
        fill(connection, 1)
    snapshot = create_snapshot(caller=member, volume=volume)
    work()
    before = content(volume)
    with opened(volume) as connection:
        fill(connection, 1, 2, seed=2)
    made = accept_backup(volume, snapshot=Snapshot.objects.get())
    assert (Snapshot.objects.get().status, Volume.objects.get().status) == ("backing-up", "available")
    work()
    assert Snapshot.objects.get(pk=snapshot.pk).status == "available"
    assert content(restored(made, another_volume(volume), is_fresh=True)) == before


def test_the_volume_shows_that_it_is_backed_up_until_its_snapshot_is_taken(volume):
    accept_backup(volume)
    volume.refresh_from_db()
    assert volume.status == "backing-up"
    operation = step(Operation.objects.get())
    volume.refresh_from_db()
    assert volume.status == "available"
    assert (operation.task, operation.queue) == ("backups.tasks.back_up", "backup")
    assert Snapshot.objects.get().status == "backing-up"


def test_only_the_source_of_the_latest_backup_is_kept(volume):
    first, second = backed_up(volume), backed_up(volume, is_incremental=True)
    assert list(Snapshot.objects.values_list("pk", "is_listed", "status")) == [
        (second.source_snapshot_id, False, "available")
    ]
    assert first.source_snapshot_id != second.source_snapshot_id
    assert nothing_is_lent(volume)


def test_of_backups_that_end_in_another_order_than_they_began_the_later_source_is_kept(volume):
    first = accept_backup(volume)
    (of_first,) = waiting()
    step(of_first)  # its source is taken
    second = accept_backup(volume)
    of_second = waiting()[-1]
    while not step(of_second).outcome:
        pass
    work()
    first.refresh_from_db()
    assert first.status == "available"
    assert Snapshot.objects.get().pk == second.source_snapshot_id
    assert nothing_is_lent(volume)


def test_what_changed_is_known_from_the_parent_s_source_and_not_for_ever(volume, settings):
    settings.BACKUP_FULL_READ_EVERY = 3
    unread = [backed_up(volume).unread]
    for round_ in range(1, 5):
        with opened(volume) as connection:
            fill(connection, round_)
        made = backed_up(volume, is_incremental=True)
        assert content(restored(made, another_volume(volume), is_fresh=True)) == content(volume)
        assert made.changed_chunks is None
        unread.append(made.unread)
    assert unread == [0, 1, 2, 0, 1]


def test_where_it_is_not_certain_what_changed_all_is_read(volume):
    with opened(volume) as connection:
        fill(connection, 1, 2)
    first = backed_up(volume)
    memory_pool.pool("mem1").snapshots.clear()
    made = backed_up(volume, is_incremental=True)
    assert (made.unread, made.parent_id) == (0, first.pk)
    assert content(restored(made, another_volume(volume), is_fresh=True)) == content(volume)


@pytest.mark.parametrize("name", ["restore_backup_1", "", None])
def test_a_volume_that_the_restore_made_gets_the_name_and_all_else_of_the_original(volume, name):
    Volume.objects.filter(pk=volume.pk).update(
        description="said", is_bootable=True, image_metadata={"image_name": "debian"}
    )
    made = backed_up(volume)
    new = another_volume(volume, name=name, description="auto-created_from_restore_from_backup")
    new = restored(made, new, is_fresh=True)
    assert (new.name, new.description, new.is_bootable) == ("mine", "said", True)
    assert new.metadata == {"a": "1", "src_backup_id": str(made.pk)}
    assert new.image_metadata == {"image_name": "debian"}


def test_a_volume_that_somebody_named_keeps_its_name_and_gets_the_metadata_added(volume):
    made = backed_up(volume)
    other = another_volume(volume, name="theirs", description="theirs too", metadata={"a": "9", "b": "2"})
    other = restored(made, other)
    assert (other.name, other.description) == ("theirs", "theirs too")
    assert other.metadata == {"a": "1", "b": "2", "src_backup_id": str(made.pk)}
    same = restored(made, volume)
    assert (same.name, same.metadata) == ("mine", {"a": "1"})


def test_a_new_volume_is_restored_before_anybody_sees_it_available(volume, member):
    made = backed_up(volume)

    new = restore_backup(caller=CALLER, backup=made)
    (operation,) = waiting()
    Operation.objects.filter(pk=operation.pk).update(
        task="volumes.tasks.create_volume", queue="volume-mem1", decision={"candidates": [], "refused": {}}
    )
    Volume.objects.filter(pk=new.pk).update(backend="mem1", pool="mem1")
    step(operation)
    new.refresh_from_db()
    assert (new.status, waiting()[0].verb) == ("restoring-backup", "restore")
    assert Backup.objects.get().status == "restoring"
    work()
    new.refresh_from_db()
    assert (new.status, new.name, Backup.objects.get().status) == ("available", "mine", "available")
