"""Whatever is damaged on a target is found by verifying and by restoring, and never becomes a volume's content."""

import pytest
from backing import another_volume, backed_up, content, fill, opened, repository, restored, step, waiting, work
from django.utils import timezone

from backups.models import Backup
from backups.services.repositories import begin_verify
from backups.services.restores import restore_backup
from drivers.backup import memory
from storage_site.caller import SYSTEM, Caller
from volumes.models import Volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
CALLER = Caller(user_id="1" * 32, project_id="a" * 32, roles=frozenset({"member"}))
OBJECTS = ["/packs/", "/manifests/", "/index/"]


@pytest.fixture
def two(volume) -> tuple[Backup, Backup]:
    """Two backups that share nothing, of two volumes."""
    other = another_volume(volume)
    for one, places, seed in ((volume, (0, 1, 700), 1), (other, (5, 6), 2)):
        with opened(one) as connection:
            fill(connection, *places, seed=seed)
    return backed_up(volume), backed_up(other)


def volume_of(backup: Backup) -> Volume:
    return Volume.objects.get(pk=backup.volume_id)


def objects(part: str) -> list[str]:
    return sorted(name for name in memory.shelf("shelf").objects if part in name)


def replace(name: str, change) -> None:
    content_, _ = memory.shelf("shelf").objects[name]
    changed = change(content_)
    if changed is None:
        memory.shelf("shelf").objects.pop(name)
    else:
        memory.shelf("shelf").objects[name] = changed, timezone.now()


def flipped(at: float):
    def flip(content_: bytes) -> bytes:
        place = int((len(content_) - 1) * at)
        return content_[:place] + bytes([content_[place] ^ 1]) + content_[place + 1 :]

    return flip


HARMS = {
    "a bit at the beginning": flipped(0),
    "a bit in the middle": flipped(0.5),
    "a bit at the end": flipped(1),
    "cut short": lambda content_: content_[: len(content_) // 2],
    "empty": lambda _content: b"",
    "missing": lambda _content: None,
}


def verified(part: float = 1.0) -> dict:
    begin_verify(repository=repository(), part=part, caller=SYSTEM)
    work()
    return repository().findings["verified"]


def restore_outcome(backup: Backup, into: Volume) -> tuple[str, dict[int, bytes]]:
    """Return how a restore ended, and what the volume holds then."""
    backup.refresh_from_db()
    restore_backup(caller=CALLER, backup=backup, volume_id=str(into.pk))
    operation = waiting()[-1]
    work()
    operation.refresh_from_db()
    return operation.outcome, content(into)


def packs_of(backup: Backup) -> list[str]:
    """Return the packs that only this one of two backups has."""
    first = Backup.objects.order_by("created_at")[0]
    count = first.object_count
    ordered = sorted(objects("/packs/"), key=lambda name: memory.shelf("shelf").objects[name][1])
    return ordered[:count] if backup.pk == first.pk else ordered[count:]


def harmed_object(kind: str, backup: Backup) -> str:
    if kind == "/packs/":
        return packs_of(backup)[0]
    if kind == "/manifests/":
        return next(name for name in objects(kind) if str(backup.pk) in name)
    return objects(kind)[0]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("kind", OBJECTS)
def test_damage_is_found_by_verify_and_by_restore_and_names_the_right_backup(two, kind, harm):
    harmed, whole = two
    replace(harmed_object(kind, harmed), HARMS[harm])
    outcome, found = restore_outcome(harmed, another_volume(volume_of(harmed)))
    if outcome == "succeeded":  # the index can be made anew from the packs; nothing a backup needs was hit
        assert found == content(volume_of(harmed))
    told = verified()
    statuses = dict(Backup.objects.values_list("pk", "status"))
    assert statuses[whole.pk] == "available"
    assert content(restored(whole, another_volume(volume_of(whole)))) == content(volume_of(whole))
    if kind == "/index/":
        assert statuses[harmed.pk] == "available"
        assert told["problems"] >= 1
        assert outcome == "succeeded"
    elif statuses[harmed.pk] == "error":
        assert outcome == "failed"
        assert (told["concerned"], Backup.objects.get(pk=harmed.pk).is_damaged) == (1, True)
        assert "damaged" in Backup.objects.get(pk=harmed.pk).fail_reason
    else:
        # Only a pack's own head, table or tail was hit: all that is needed of it is whole.
        assert (kind, outcome) == ("/packs/", "succeeded")
        assert told["problems"] >= 1


@pytest.mark.parametrize("kind", ["/packs/", "/manifests/"])
def test_objects_that_were_exchanged_are_found(two, kind):
    first, second = (harmed_object(kind, one) for one in two)
    shelf = memory.shelf("shelf").objects
    shelf[first], shelf[second] = shelf[second], shelf[first]
    for one in two:
        outcome, _ = restore_outcome(one, another_volume(volume_of(one)))
        assert outcome == "failed"
    verified()
    assert set(Backup.objects.values_list("status", "is_damaged")) == {("error", True)}


def test_a_manifest_that_is_not_the_latest_is_found(two):
    harmed, _ = two
    name = harmed_object("/manifests/", harmed)
    Backup.objects.filter(pk=harmed.pk).update(digest=b"\1" * 32)  # as if the backup had been made anew since
    assert restore_outcome(harmed, another_volume(volume_of(harmed)))[0] == "failed"
    verified(part=0)
    assert Backup.objects.get(pk=harmed.pk).status == "error"
    assert name in objects("/manifests/")


@pytest.mark.parametrize("harm", ["a bit in the middle", "missing"])
def test_the_next_backup_of_the_volume_heals_those_before_it(two, harm):
    harmed, _ = two
    for name in packs_of(harmed):
        replace(name, HARMS[harm])
    verified()
    harmed.refresh_from_db()
    assert harmed.status == "error"
    backed_up(volume_of(harmed))
    told = verified()
    harmed.refresh_from_db()
    assert (told["concerned"], harmed.status, harmed.is_damaged, harmed.fail_reason) == (0, "available", False, None)
    assert content(restored(harmed, another_volume(volume_of(harmed)))) == content(volume_of(harmed))


def test_a_backup_in_error_for_another_reason_is_not_made_available_by_verifying(two):
    Backup.objects.filter(pk=two[0].pk).update(status="error")
    verified()
    assert Backup.objects.get(pk=two[0].pk).status == "error"


def test_an_incremental_backup_takes_nothing_over_from_a_damaged_parent(two):
    harmed, _ = two
    replace(harmed_object("/manifests/", harmed), HARMS["a bit in the middle"])
    made = backed_up(volume_of(harmed), is_incremental=True)
    assert content(restored(made, another_volume(volume_of(harmed)))) == content(volume_of(harmed))


@pytest.mark.parametrize("name", ["repository", "/keys/"])
def test_without_a_whole_head_or_key_nothing_is_restored_and_the_reason_is_told(two, name):
    harmed, _ = two
    replace(objects(name)[0], flipped(0.9))
    harmed.refresh_from_db()
    restore_backup(caller=CALLER, backup=harmed, volume_id=str(another_volume(volume_of(harmed)).pk))
    operation = step(step(waiting()[-1]))
    assert (operation.outcome, operation.fault_code) == ("", "backup-target-not-served")
    assert operation.fault_detail
