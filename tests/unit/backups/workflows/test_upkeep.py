"""Repositories that give room back, are verified and rotated, and when that begins by itself."""

from datetime import timedelta

import pytest
from backing import (
    CALLER,
    accept_backup,
    accept_deletion,
    another_volume,
    backed_up,
    content,
    fill,
    opened,
    repository,
    restored,
    step,
    waiting,
    work,
)
from django.core.management import CommandError, call_command
from django.utils import timezone

from backups import keys, repositories
from backups.engine import gc
from backups.engine.errors import CollectorBusy, KeyMissing
from backups.engine.format import Kind
from backups.engine.keys import MasterKeys
from backups.models import Backup, ProjectKey, Repository
from backups.services.repositories import begin_collect, begin_rotate, begin_verify, begin_what_is_due
from backups.workflows import upkeep
from drivers.backup import memory
from storage_site.caller import SYSTEM
from storage_site.errors import StateConflict
from storage_site.operations.claims import claim
from storage_site.operations.models import Operation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def made(volume) -> Backup:
    with opened(volume) as connection:
        fill(connection, 0, 1, 2, 500)
    return backed_up(volume)


def packs() -> list[str]:
    return [name for name in memory.shelf("shelf").objects if "/packs/" in name]


def collected() -> Repository:
    begin_collect(repository=repository(), caller=SYSTEM)
    work()
    return repository()


def test_room_is_given_back_by_the_second_run_after_a_deletion(made, volume):
    accept_deletion(made)
    work()
    before = packs()
    assert before
    first = collected()
    assert (first.findings["collected"]["condemned_packs"], packs()) == (len(before), before)
    second = collected()
    assert (second.findings["collected"]["deleted_packs"], packs()) == (len(before), [])
    assert second.collected_at > first.collected_at


def test_what_a_backup_needs_stays(made, volume):
    other = backed_up(volume, is_incremental=True)
    accept_deletion(made)
    work()
    collected()
    collected()
    assert content(restored(other, another_volume(volume), is_fresh=True)) == content(volume)


def test_every_project_has_its_turn_and_a_run_that_was_interrupted_goes_on_with_the_next(made, volume):
    other = backed_up(another_volume(volume))
    Backup.objects.filter(pk=other.pk).update(stored_in="b" * 32)
    repositories.open_store("shelf", "b" * 32, create=True)
    begin_collect(repository=repository(), caller=SYSTEM)
    operation = waiting()[0]
    Operation.objects.filter(pk=operation.pk).update(checkpoint={"project": "a" * 32, "total": {"deleted_packs": 7}})
    operation = step(operation)
    assert (operation.outcome, operation.checkpoint["project"]) == ("succeeded", "b" * 32)
    assert repository().findings["collected"]["deleted_packs"] == 7


def test_a_project_that_cannot_be_tidied_now_does_not_stop_the_others(made, volume):
    store = repositories.open_store("shelf", "a" * 32)
    repositories.open_store("shelf", "b" * 32, create=True)
    memory.shelf("shelf").objects[f"{store.prefix}gc/running"] = b"somebody else's", timezone.now()
    found = collected()
    assert list(found.findings["collected"]["troubles"]) == ["a" * 32]
    assert Operation.objects.first().checkpoint["project"] == "b" * 32


def test_a_collection_whose_worker_was_killed_is_gone_on_with_at_once(made, monkeypatch):
    store = repositories.open_store("shelf", "a" * 32)
    begin_collect(repository=repository(), caller=SYSTEM)
    (operation,) = waiting()
    killed = claim(str(operation.id), task=operation.task)
    store.put_sealed(Kind.COLLECTOR, gc.LOCK, upkeep.holder_of(killed).token)
    with pytest.raises(CollectorBusy):
        gc.collect(store, holder=upkeep.holder_of(killed))  # it lives, as far as anybody knows
    Operation.objects.filter(pk=operation.pk).update(owner="", lease_until=None)
    work()
    assert repository().findings["collected"]["troubles"] == {}
    assert not list(store.list(gc.LOCK))


def test_verifying_a_whole_repository_finds_nothing_and_says_when(made):
    begin_verify(repository=repository(), part=1.0, caller=SYSTEM)
    work()
    found = repository()
    assert (found.findings["verified"]["problems"], found.findings["verified"]["concerned"]) == (0, 0)
    assert found.verified_at is not None
    assert Backup.objects.get().status == "available"


def test_verifying_names_backups_that_no_row_knows(made):
    Backup.objects.all().delete()
    begin_verify(repository=repository(), part=0, caller=SYSTEM)
    work()
    assert repository().findings["verified"]["without_row"] == [str(made.pk)]


def test_never_two_of_a_kind_at_once_and_no_rotation_beside_a_collection(made):
    begin_verify(repository=repository(), part=0, caller=SYSTEM)
    with pytest.raises(StateConflict):
        begin_verify(repository=repository(), part=0, caller=SYSTEM)
    begin_collect(repository=repository(), caller=SYSTEM)
    for service in (begin_collect, begin_rotate):
        with pytest.raises(StateConflict):
            service(repository=repository(), caller=SYSTEM)
    assert begin_what_is_due() == 0
    work()
    begin_rotate(repository=repository(), caller=SYSTEM)


def test_what_is_due_begins_by_itself_and_once(made, settings):
    assert begin_what_is_due() == 0
    long_ago = timezone.now() - timedelta(days=30)
    Repository.objects.update(created_at=long_ago)
    assert begin_what_is_due() == 2
    assert {operation.verb: operation.arguments for operation in waiting()} == {
        "collect": {},
        "verify": {"part": settings.BACKUP_VERIFY_PERCENT / 100},
    }
    assert begin_what_is_due() == 0
    work()
    assert begin_what_is_due() == 0


def test_what_is_switched_off_never_begins(made, settings):
    settings.BACKUP_COLLECT_INTERVAL_S = settings.BACKUP_VERIFY_INTERVAL_S = 0
    Repository.objects.update(created_at=timezone.now() - timedelta(days=30))
    assert begin_what_is_due() == 0


def test_after_a_rotation_the_old_master_key_opens_nothing_and_the_new_one_everything(made, volume, settings):
    old = MasterKeys.from_file(settings.BACKUP_KEY_FILE)
    keys.add_key(settings.BACKUP_KEY_FILE)
    begin_rotate(repository=repository(), caller=SYSTEM)
    work()
    assert not ProjectKey.objects.exists()
    _, opened_repository = repositories.open_repository("shelf")
    with pytest.raises(KeyMissing):
        opened_repository.project("a" * 32, old)
    settings.BACKUP_KEY_FILE.write_text(settings.BACKUP_KEY_FILE.read_text().splitlines()[0])
    assert content(restored(made, another_volume(volume), is_fresh=True)) == content(volume)


def test_a_writer_whose_backup_is_being_made_is_left_alone(made, volume):
    accept_backup(volume)
    step(waiting()[0])
    before = packs()
    assert collected().findings["collected"]["condemned_packs"] == 0
    assert packs() == before


def test_commands_ask_for_the_same(made, capsys):
    with pytest.raises(CommandError, match="No backup has been made"):
        call_command("backup_collect", "elsewhere")
    call_command("backup_collect", "shelf")
    call_command("backup_verify", "shelf", "--percent", "10")
    assert {one.verb: one.arguments for one in waiting()} == {"collect": {}, "verify": {"part": 0.1}}
    with pytest.raises(CommandError):
        call_command("backup_rotate", "shelf")
    with pytest.raises(CommandError):
        call_command("backup_verify", "shelf", "--percent", "101")
    assert CALLER.user_id not in {one.actor_id for one in waiting()}
