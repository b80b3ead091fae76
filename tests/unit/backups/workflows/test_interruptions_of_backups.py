"""Backups and restores that fail, are put off, taken over or called off: what remains, and for whom."""

import pytest
from backing import (
    CALLER,
    accept_backup,
    accept_deletion,
    accept_restore,
    another_volume,
    backed_up,
    content,
    fill,
    nothing_is_lent,
    opened,
    repository,
    restored,
    step,
    waiting,
    work,
)

from backups import repositories, targets
from backups.engine.manifest import backup_ids
from backups.engine.marks import WRITERS
from backups.engine.repository import Repository as EngineRepository
from backups.models import Backup, Repository
from backups.services.repositories import begin_collect
from drivers.backup import memory
from drivers.connect import open_connection
from drivers.errors import BackendDown, BackendFull, PermanentDriverError
from storage_site.caller import SYSTEM
from storage_site.operations.calling_off import call_off
from storage_site.operations.models import Operation
from volumes.models import Attachment, Snapshot, Volume
from volumes.services.snapshots import create_snapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def filled(volume) -> Volume:
    with opened(volume) as connection:
        fill(connection, 0, 1, 2, 500)
    return volume


def writers() -> list[str]:
    store = repositories.open_store("shelf", "a" * 32)
    return [found.name for found in store.list(WRITERS)]


def states() -> tuple[str, str]:
    return Backup.objects.get().status, Volume.objects.order_by("created_at")[0].status


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("create_snapshot", BackendFull("no room")),
        ("export_snapshot", PermanentDriverError("no way")),
        ("changed_ranges", PermanentDriverError("layer damaged")),
    ],
)
@pytest.mark.parametrize("after_acting", [False, True])
def test_a_back_end_that_refuses_leaves_nothing_behind(filled, driver, call, error, after_acting):
    backed_up(filled)
    driver.refuse(call, error, after_acting=after_acting)
    made = accept_backup(filled, is_incremental=True)
    work()
    made.refresh_from_db()
    assert made.status == "error"
    assert made.fail_reason
    assert Volume.objects.get().status == "available"
    assert Snapshot.objects.count() == 1
    assert nothing_is_lent(filled)


@pytest.mark.parametrize("call", ["create_snapshot", "export_snapshot", "unexport_snapshot", "delete_snapshot"])
def test_answers_that_are_lost_are_asked_for_again(filled, driver, call):
    backed_up(filled)
    driver.refuse(call, BackendDown("the answer was lost"), times=1, after_acting=True)
    made = backed_up(filled, is_incremental=True)
    assert content(restored(made, another_volume(filled), is_fresh=True)) == content(filled)
    assert nothing_is_lent(filled)


@pytest.mark.parametrize("call", ["export", "unexport"])
def test_answers_that_are_lost_during_a_restore_are_asked_for_again(filled, driver, call):
    made = backed_up(filled)
    new = another_volume(filled)
    driver.refuse(call, BackendDown("the answer was lost"), times=1, after_acting=True)
    assert content(restored(made, new)) == content(filled)
    assert nothing_is_lent(new)


def test_a_full_target_ends_the_backup_and_nothing_is_left_but_what_the_collector_takes(filled, settings):
    settings.BACKUP_TARGETS = {"shelf": {"driver": "memory", "size_mib": 1.5}}
    targets.target.cache_clear()
    made = accept_backup(filled)
    work()
    made.refresh_from_db()
    assert (made.status, Volume.objects.get().status) == ("error", "available")
    assert nothing_is_lent(filled)
    assert not Snapshot.objects.exists()
    accept_deletion(made)
    work()
    assert not Backup.objects.exists()
    assert writers() == []


def test_whoever_takes_over_has_it_lent_anew_and_the_predecessor_reads_nothing_more(filled):
    accept_backup(filled)
    (operation,) = waiting()
    step(operation)
    first = Attachment.objects.get()
    with open_connection(first.connection_info) as stale:
        assert stale.pread(1, 0)
        # A worker claimed it and died: its lease has run out.
        Operation.objects.filter(pk=operation.pk).update(fence=operation.fence + 1)
        operation = step(operation)
        assert (operation.task, operation.queue) == ("backups.tasks.open_source", "volume-mem1")
        operation = step(operation)
        assert operation.task == "backups.tasks.back_up"
        assert Attachment.objects.get().pk != first.pk
        with pytest.raises(BackendDown):
            stale.pread(1, 0)
    work()
    assert states() == ("available", "available")
    assert nothing_is_lent(filled)


def test_whoever_takes_over_a_restore_shuts_the_predecessor_out(filled):
    made = backed_up(filled)
    operation = accept_restore(made, another_volume(filled))
    step(operation)
    first = Attachment.objects.get()
    with open_connection(first.connection_info) as stale:
        Operation.objects.filter(pk=operation.pk).update(fence=operation.fence + 2)
        operation = step(step(operation))
        assert operation.task == "backups.tasks.restore"
        with pytest.raises(BackendDown):
            stale.pwrite(b"too late", 0)
    work()
    assert content(Volume.objects.get(pk=operation.resource_id)) == content(filled)


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("of_snapshot", [False, True])
def test_a_backup_that_is_called_off_leaves_nothing(filled, steps, of_snapshot, settings):
    backed_up(filled)
    snapshot = create_snapshot(caller=CALLER, volume=filled) if of_snapshot else None
    work()
    if snapshot:
        snapshot.refresh_from_db()
    settings.BACKUP_TARGETS = {"shelf": {"driver": "posix", "path": "/nowhere"}}  # so that it is not done at once
    targets.target.cache_clear()
    made = accept_backup(filled, snapshot=snapshot)
    Backup.objects.filter(pk=made.pk).update(target="shelf")
    (operation,) = waiting()
    for _step in range(steps):
        operation = step(operation)
    call_off(operation=operation, caller=CALLER)
    work()
    made.refresh_from_db()
    assert (made.status, Volume.objects.get().status) == ("error", "available")
    assert made.fail_reason
    assert nothing_is_lent(filled)
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"available"}
    assert Snapshot.objects.filter(is_listed=True).count() == of_snapshot


@pytest.mark.parametrize("steps", [0, 1])
def test_a_restore_that_is_called_off_leaves_the_backup_usable_and_nothing_lent(filled, steps):
    made = backed_up(filled)
    other = another_volume(filled)
    operation = accept_restore(made, other)
    for _step in range(steps):
        operation = step(operation)
    call_off(operation=operation, caller=CALLER)
    work()
    made.refresh_from_db()
    other.refresh_from_db()
    assert (made.status, made.restoring_volume_id, other.status) == ("available", None, "error_restoring")
    assert nothing_is_lent(other)


def test_a_worker_that_cannot_serve_the_target_leaves_the_work_to_another(filled, settings, tmp_path):
    settings.BACKUP_TARGETS = {"shelf": {"driver": "posix", "path": str(tmp_path / "mount")}}
    targets.target.cache_clear()
    accept_backup(filled)
    (operation,) = waiting()
    operation = step(step(operation))
    assert (operation.outcome, operation.fault_code, operation.task) == (
        "",
        "backup-target-not-served",
        "backups.tasks.back_up",
    )
    assert not Repository.objects.exists()
    (tmp_path / "mount").mkdir()
    work()
    assert states() == ("available", "available")


@pytest.mark.parametrize("holds", ["no repository", "another"])
def test_a_target_that_does_not_hold_its_repository_is_not_touched(filled, settings, tmp_path, holds):
    made = backed_up(filled)
    settings.BACKUP_TARGETS = {"shelf": {"driver": "posix", "path": str(tmp_path / "mount")}}
    targets.target.cache_clear()
    (tmp_path / "mount").mkdir()
    if holds == "another":
        EngineRepository.create(targets.target("shelf"))
    before = [path for path in (tmp_path / "mount").rglob("*") if path.is_file()]
    accept_backup(filled)
    (operation,) = waiting()
    operation = step(step(operation))
    assert (operation.outcome, operation.fault_code) == ("", "backup-target-not-served")
    assert ("holds no repository" in operation.fault_detail) == (holds == "no repository")
    assert [path for path in (tmp_path / "mount").rglob("*") if path.is_file()] == before
    call_off(operation=operation, caller=CALLER)
    deletion = accept_deletion(made)
    work()
    deletion.refresh_from_db()
    made.refresh_from_db()
    assert (deletion.fault_code, made.status) == ("backup-repository-unknown", "error_deleting")


def test_without_the_keys_the_work_is_left_to_another_worker(filled, settings):
    settings.BACKUP_KEY_FILE.rename(settings.BACKUP_KEY_FILE.with_suffix(".away"))
    accept_backup(filled)
    (operation,) = waiting()
    operation = step(step(operation))
    assert (operation.outcome, operation.fault_code) == ("", "backup-target-not-served")
    assert "backup_key --new" in operation.fault_detail
    settings.BACKUP_KEY_FILE.with_suffix(".away").rename(settings.BACKUP_KEY_FILE)
    work()
    assert states() == ("available", "available")


def test_a_target_that_the_settings_do_not_name_any_more_ends_the_work(filled, settings):
    made = backed_up(filled)
    operation = accept_restore(made, another_volume(filled))
    deletion_of = Backup.objects.get()
    settings.BACKUP_TARGETS = {"other": {"driver": "memory"}}
    targets.target.cache_clear()
    work()
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_code) == ("failed", "backup-target-unknown")
    deletion_of.refresh_from_db()
    assert (deletion_of.status, deletion_of.restoring_volume_id) == ("available", None)


def test_a_backup_is_gone_after_its_deletion_and_so_is_its_source(filled):
    made = backed_up(filled)
    store = repositories.open_store("shelf", made.stored_in)
    assert list(backup_ids(store)) == [str(made.pk)]
    accept_deletion(made)
    work()
    assert list(backup_ids(store)) == []
    assert not Backup.objects.exists()
    assert not Snapshot.objects.exists()
    assert nothing_is_lent(filled)


def test_a_restored_backup_that_was_removed_by_force_ends_the_restore(filled):
    made = backed_up(filled)
    other = another_volume(filled)
    operation = accept_restore(made, other)
    step(operation)
    accept_deletion(made, force=True)
    work()
    other.refresh_from_db()
    assert not Backup.objects.exists()
    assert other.status.startswith("error")
    assert nothing_is_lent(other)


def test_what_a_killed_backup_left_goes_with_the_collector(filled):
    """A worker dies in the middle; the operation is called off, and nobody says goodbye to the repository."""
    made = backed_up(filled)
    store = repositories.open_store("shelf", made.stored_in)
    from backups.engine import marks

    other = accept_backup(filled)
    marks.enter(store, str(other.pk))
    begin_collect(repository=repository(), caller=SYSTEM)
    collecting = waiting()[-1]
    assert step(collecting).outcome == "succeeded"
    assert [one.backup_id for one in marks.writers(store)] == [str(other.pk)]
    call_off(operation=waiting()[0], caller=CALLER)
    begin_collect(repository=repository(), caller=SYSTEM)
    work()
    assert list(marks.writers(store)) == []


def test_two_workers_that_begin_a_project_at_once_use_one_key(filled, settings):
    """The second one made its candidate before the first one's was on the target."""
    row, opened_repository = repositories.open_repository("shelf")
    one = repositories.store_in(row, opened_repository, "a" * 32, create=True)
    for name in [name for name in memory.shelf("shelf").objects if "/keys/" in name]:
        memory.shelf("shelf").objects.pop(name)
    two = repositories.store_in(row, opened_repository, "a" * 32, create=True)
    assert one.keys.key == two.keys.key
