"""The collector takes what nobody needs and never what somebody needs, whoever writes meanwhile."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from backups.engine import marks
from backups.engine.errors import ChunksGone, CollectorBusy
from backups.engine.gc import LOCK, Holder, Options, collect
from backups.engine.manifest import backup_ids, delete_manifest
from backups.engine.progress import Hooks
from backups.engine.verify import verify
from drivers.memory_pool import PAGE_BYTES
from tests.backup_images import SMALL, CountedTarget, backup, fresh_target, image, project, restored

NOBODY = {"is_dead": lambda _writer: False}


class Meddling(CountedTarget):
    """A target on which something happens once, just before or just after an object is put."""

    def __init__(self, moment: str, *, is_before: bool, happening) -> None:
        super().__init__("images")
        self._moment, self._is_before, self._happening = moment, is_before, happening
        self.has_happened = False

    def _put(self, name, buffers, *, only_if_absent):
        is_time = self._moment in name and not self.has_happened
        if is_time and self._is_before:
            self.has_happened = True
            self._happening()
        done = super()._put(name, buffers, only_if_absent=only_if_absent)
        if is_time and not self._is_before:
            self.has_happened = True
            self._happening()
        return done


class Killed(BaseException):
    """The worker is no more."""


@pytest.fixture
def store():
    return project(fresh_target())


def packs(store) -> int:
    return sum(1 for _ in store.list("packs/"))


def test_what_only_a_deleted_backup_needed_goes_in_two_runs(store):
    kept, dropped = image(12, seed=1), image(12, seed=2)
    backup(store, kept, "kept")
    before = packs(store)
    backup(store, dropped, "dropped")
    delete_manifest(store, "dropped")
    first = collect(store)
    assert (first.condemned_packs, first.deleted_packs) == (packs(store) - before, 0)
    second = collect(store)
    assert second.deleted_packs == first.condemned_packs
    assert packs(store) == before
    assert restored(store, "kept") == kept.whole()
    assert verify(store).is_sound
    assert collect(store).condemned_packs == 0


def test_a_condemned_pack_that_a_slower_backup_needs_is_kept(store):
    """The slow one began before anything was condemned and ends after it."""
    volume = image(12)
    backup(store, volume, "old")
    runs = []

    def meanwhile(_checkpoint):
        if not runs:
            delete_manifest(store, "old")
            runs.append(collect(store, **NOBODY))
            runs.append(collect(store, **NOBODY))

    from dataclasses import replace

    options = replace(SMALL, checkpoint_bytes=4 * PAGE_BYTES)
    backup(store, volume, "slow", options=options, hooks=Hooks(on_checkpoint=meanwhile))
    assert runs[0].condemned_packs > 0
    assert runs[1].deleted_packs == 0
    assert runs[1].waits_for == ("slow",)
    after = collect(store)
    assert after.rescued_packs > 0
    assert after.deleted_packs == 0
    assert restored(store, "slow") == volume.whole()
    assert verify(store).is_sound


def test_a_backup_that_begins_after_a_pack_was_condemned_does_not_rely_on_it(store):
    volume = image(12)
    backup(store, volume, "old")
    delete_manifest(store, "old")
    condemned = collect(store).condemned_packs
    result = backup(store, volume, "new")
    assert result.manifest.packs >= condemned
    assert collect(store).deleted_packs == condemned
    assert restored(store, "new") == volume.whole()
    assert verify(store).is_sound


def test_a_backup_taken_for_dead_although_it_lives_begins_anew_and_is_never_wrong(store):
    volume = image(20)
    backup(store, volume, "old")

    def meanwhile(_checkpoint):
        delete_manifest(store, "old")
        for _ in range(2):
            collect(store, is_dead=lambda _writer: True)

    from dataclasses import replace

    options = replace(SMALL, checkpoint_bytes=4 * PAGE_BYTES)
    with pytest.raises(ChunksGone):
        backup(store, volume, "one", options=options, hooks=Hooks(on_checkpoint=meanwhile))
    assert not list(backup_ids(store))
    backup(store, volume, "one", options=options)
    assert restored(store, "one") == volume.whole()
    assert verify(store).is_sound


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("moment", ["packs/", "index/", "manifests/"])
def test_a_collector_that_takes_a_living_backup_for_dead_at_the_worst_moment_harms_nobody(store, moment, is_before):
    volume = image(12)
    backup(store, volume, "old")
    volume.pwrite(b"new", 0)

    def collect_all():
        delete_manifest(store, "old")
        for _ in range(2):
            collect(store, is_dead=lambda _writer: True)

    meddled = project(Meddling(moment, is_before=is_before, happening=collect_all))
    with pytest.raises(ChunksGone):
        backup(meddled, volume, "one")
    backup(meddled, volume, "one")
    assert meddled.target.has_happened
    for _ in range(2):
        collect(store)
    assert restored(store, "one") == volume.whole()
    assert verify(store).is_sound


def test_a_worker_that_wakes_up_when_its_successor_is_done_spoils_nothing(store):
    """It is stopped just before it puts the manifest."""
    volume = image(12)
    done = []
    meddled = project(
        Meddling("manifests/", is_before=True, happening=lambda: done.append(backup(store, volume, "one")))
    )
    with pytest.raises(ChunksGone):
        backup(meddled, volume, "one")
    assert restored(store, "one", digest=done[0].digest) == volume.whole()
    assert backup(store, volume, "one") == done[0]


def test_a_worker_that_stops_before_it_can_tell_of_its_manifest_agrees_with_its_successor(store):
    volume = image(12)
    done = []
    meddled = project(
        Meddling("manifests/", is_before=False, happening=lambda: done.append(backup(store, volume, "one")))
    )
    assert backup(meddled, volume, "one") == done[0]
    assert restored(store, "one", digest=done[0].digest) == volume.whole()


@pytest.mark.parametrize("is_cached", [False, True])
def test_backups_deletions_and_collections_at_once_lose_nothing(store, is_cached, tmp_path):
    """Threads that know nothing of each other but a mirror, with contents that often are the same."""
    cache = tmp_path if is_cached else None
    stop = threading.Event()
    kept: dict[str, bytes] = {}

    def write(writer: int) -> None:
        story = random.Random(writer)  # noqa: S311 - content only
        for number in range(8):
            volume = image(10, seed=story.randrange(3))
            backup(store, volume, f"w{writer}-{number}", cache=cache)
            if number % 2:
                kept[f"w{writer}-{number}"] = volume.whole()
            else:
                delete_manifest(store, f"w{writer}-{number}")

    def tidy() -> None:
        while not stop.is_set():
            collect(store, **NOBODY)

    with ThreadPoolExecutor(3) as threads:
        tidying = threads.submit(tidy)
        writing = [threads.submit(write, writer) for writer in (1, 2)]
        try:
            for each in writing:
                each.result(timeout=60)
        finally:
            stop.set()
        tidying.result(timeout=60)
    for backup_id, content in kept.items():
        assert restored(store, backup_id) == content
    assert verify(store).is_sound


def test_packs_that_a_killed_backup_left_behind_go_once_it_is_dead(store):
    volume = image(20)

    def die(_bytes):
        if packs(store) > 2:
            raise Killed

    with pytest.raises(Killed):
        backup(store, volume, "one", hooks=Hooks(limit=die))
    assert packs(store) > 2
    collect(store, **NOBODY)
    collect(store, **NOBODY)
    assert packs(store) > 2
    for _ in range(2):
        collect(store, is_dead=lambda _writer: True)
    assert packs(store) == 0


def test_packs_that_are_mostly_waste_are_written_anew_without_it(store):
    volume = image(32)
    backup(store, volume, "old")
    for page in range(32):
        if page % 4:
            volume.pwrite(random.Random(page).randbytes(PAGE_BYTES), page * PAGE_BYTES)  # noqa: S311 - content only
    backup(store, volume, "new")
    delete_manifest(store, "old")
    before = sum(found.size for found in store.list("packs/"))
    assert collect(store).rewritten_packs > 0
    collect(store)
    after = sum(found.size for found in store.list("packs/"))
    assert after < before - 20 * PAGE_BYTES
    assert restored(store, "new") == volume.whole()
    assert verify(store).is_sound
    assert collect(store).rewritten_packs == 0


def test_many_index_segments_become_few(store):
    volume = image(4)
    for number in range(10):
        volume.pwrite(bytes([number + 1]), 0)
        backup(store, volume, f"b{number}")
    collect(store, options=Options(most_segments=5))
    assert sum(1 for _ in store.list("index/")) == 1
    assert verify(store).is_sound


def test_two_collectors_do_not_meet(store):
    from backups.engine.format import Kind

    store.put_sealed(Kind.COLLECTOR, LOCK, bytes(16))
    with pytest.raises(CollectorBusy):
        collect(store)


def test_a_run_that_is_known_to_be_over_keeps_nobody_away(store):
    from backups.engine.format import Kind

    store.put_sealed(Kind.COLLECTOR, LOCK, b"d" * 16)
    with pytest.raises(CollectorBusy):
        collect(store, holder=Holder(is_over=lambda token: token != b"d" * 16))
    collect(store, holder=Holder(is_over=lambda token: token == b"d" * 16))
    assert not list(store.list(LOCK))


def test_a_run_that_was_taken_over_from_takes_nothing_away(store):
    class TakenOver(Exception):
        pass

    def refuse():
        raise TakenOver

    backup(store, image(4), "old")
    delete_manifest(store, "old")
    before = sorted(found.name for found in store.list("packs/"))
    with pytest.raises(TakenOver):
        collect(store, holder=Holder(check=refuse))
    assert collect(store).condemned_packs == len(before)
    with pytest.raises(TakenOver):
        collect(store, holder=Holder(check=refuse))
    assert sorted(found.name for found in store.list("packs/")) == before
    assert collect(store).deleted_packs == len(before)


def test_a_mirror_that_is_kept_follows_the_collector(store, tmp_path):
    from backups.engine.index import ChunkIndex

    volume = image(12)
    backup(store, volume, "old")
    chunk = store.keys.id_of(volume.pread(PAGE_BYTES, 0))
    index = ChunkIndex(store, tmp_path)
    index.refresh()
    assert index.is_stored(chunk)
    index.close()
    delete_manifest(store, "old")
    for _ in range(2):
        collect(store)
    index = ChunkIndex(store, tmp_path)
    index.refresh()
    assert not index.is_stored(chunk)
    index.close()


def test_deleting_while_restoring_from_a_pack_that_is_rewritten_finds_the_new_place(store):
    """The restore knows the old places; the packs go before it reads them."""
    from backups.engine.restore import Options as RestoreOptions

    volume = image(32)
    backup(store, volume, "old")
    for page in range(0, 32, 2):
        volume.pwrite(b"new" * 9, page * PAGE_BYTES)
    backup(store, volume, "new")
    delete_manifest(store, "old")
    runs = []

    def meanwhile(_bytes):
        if not runs:
            runs.append(1)
            for _ in range(2):
                collect(store, options=Options(least_live=0.99))

    hooks = Hooks(limit=meanwhile)
    assert restored(store, "new", hooks=hooks, options=RestoreOptions(workers=1)) == volume.whole()


@pytest.mark.parametrize("is_cached", [False, True])
def test_any_story_of_backups_deletions_and_collections_loses_nothing(store, is_cached, tmp_path):
    cache = tmp_path if is_cached else None
    story = random.Random(7)  # noqa: S311 - a repeatable story, nothing secret
    volumes = [image(10, seed=seed) for seed in (1, 1, 3)]
    wanted = {}
    for step in range(40):
        volume = story.choice(volumes)
        match story.randrange(4):
            case 0 | 1:
                volume.pwrite(story.randbytes(100), story.randrange(volume.size - 100))
                backup(store, volume, f"b{step}", cache=cache)
                wanted[f"b{step}"] = volume.whole()
            case 2 if wanted:
                gone = story.choice(sorted(wanted))
                delete_manifest(store, gone)
                del wanted[gone]
            case _:
                collect(store, options=Options(least_live=story.random(), most_segments=3))
    for backup_id, content in wanted.items():
        assert restored(store, backup_id, cache=cache) == content
    assert verify(store).is_sound
    assert not list(marks.writers(store))
