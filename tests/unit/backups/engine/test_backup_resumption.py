"""A killed backup goes on from its last checkpoint; a cancelled one can be cleared away."""

import subprocess
import sys
import threading

import pytest

from backups.engine import marks
from backups.engine.errors import BackupMissing, Cancelled
from backups.engine.manifest import read_manifest
from backups.engine.pipeline import abandon
from backups.engine.progress import Hooks
from backups.engine.request import Options
from drivers.errors import TransientDriverError
from drivers.memory_pool import PAGE_BYTES
from tests import backup_victim
from tests.backup_images import CountedTarget, backup, fresh_target, image, project, restored

INTERVAL = 6 * PAGE_BYTES
OFTEN = Options(
    chunk_bytes=PAGE_BYTES,
    segment_slots=8,
    pack_bytes=2 * PAGE_BYTES,
    span_bytes=2 * PAGE_BYTES,
    checkpoint_bytes=INTERVAL,
)


class Killed(BaseException):
    """The worker is no more."""


def dies_at(count: int):
    """Return hooks that end the worker at its so many-eth checkpoint, and the checkpoints told."""
    told = []

    def on_checkpoint(checkpoint):
        told.append(checkpoint)
        if len(told) == count:
            raise Killed

    return Hooks(on_checkpoint=on_checkpoint), told


def test_a_backup_killed_at_every_checkpoint_in_turn_stores_and_reads_nothing_twice():
    target = fresh_target()
    store = project(target)
    volume = image(64)
    kills = 0
    while True:
        hooks, _ = dies_at(1)
        try:
            result = backup(store, volume, "one", options=OFTEN, hooks=hooks)
            break
        except Killed:
            kills += 1
    assert kills >= 8
    assert restored(store, "one") == volume.whole()
    assert volume.reads == volume.size
    packs = sum(size for name, size, _ in target.list(f"{store.prefix}packs/"))
    assert packs < volume.size * 1.05
    assert result.manifest.chunks_bytes == volume.size
    assert result.manifest.stored_bytes == packs


@pytest.mark.parametrize("at", range(1, 12))
def test_a_backup_killed_after_any_number_of_puts_does_at_most_one_interval_twice(at):
    class Mortal(CountedTarget):
        left = at * 5

        def _put(self, name, buffers, *, only_if_absent):
            self.left -= 1
            if self.left == 0:
                raise Killed
            return super()._put(name, buffers, only_if_absent=only_if_absent)

    fresh_target()
    target = Mortal("images")
    store = project(target)
    volume = image(64)
    with pytest.raises(Killed):
        backup(store, volume, "one", options=OFTEN)
    with pytest.raises(BackupMissing):
        read_manifest(store, "one")
    backup(store, volume, "one", options=OFTEN)
    assert restored(store, "one") == volume.whole()
    assert volume.reads <= volume.size + INTERVAL
    packs = sum(size for _, size, _ in target.list(f"{store.prefix}packs/"))
    assert packs <= volume.size * 1.05 + INTERVAL


def test_a_process_killed_with_minus_nine_again_and_again_does_at_most_one_interval_twice_each_time(tmp_path):
    kills = (2, 6, 7)
    for packs in kills:
        call = [sys.executable, "-m", "tests.backup_victim", str(tmp_path), str(packs)]
        with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout.readline() == "stopped\n"
            worker.kill()
    result = backup_victim.run(tmp_path)
    store = backup_victim.open_store(tmp_path)
    volume = backup_victim.volume()
    assert restored(store, "one", digest=result.digest) == volume.pread(volume.size, 0)
    packs = sum(found.size for found in store.list("packs/"))
    assert packs <= volume.size * 1.01 + len(kills) * backup_victim.INTERVAL


def test_a_checkpoint_of_another_snapshot_is_not_believed():
    store = project(fresh_target())
    volume = image(40)
    with pytest.raises(Killed):
        backup(store, volume, "one", options=OFTEN, hooks=dies_at(2)[0])
    volume.pwrite(b"a later snapshot", 0)
    backup(store, volume, "one", source="later", options=OFTEN)
    assert restored(store, "one") == volume.whole()


def test_an_older_checkpoint_that_was_put_back_is_not_believed():
    from drivers.backup.memory import shelf

    store = project(fresh_target())
    volume = image(40)
    name = f"{store.prefix}checkpoints/one"
    with pytest.raises(Killed):
        backup(store, volume, "one", options=OFTEN, hooks=dies_at(1)[0])
    old = shelf("images").objects[name]
    hooks, told = dies_at(2)
    with pytest.raises(Killed):
        backup(store, volume, "one", options=OFTEN, hooks=hooks)
    shelf("images").objects[name] = old
    volume.reads = 0
    backup(store, volume, "one", options=OFTEN, sequence=told[-1].sequence)
    assert volume.reads == volume.size
    assert restored(store, "one") == volume.whole()


def test_a_worker_killed_between_the_manifest_and_its_report_finds_the_backup_finished():
    class Mortal(CountedTarget):
        def _delete(self, name):
            if "checkpoints/" in name:
                raise Killed
            super()._delete(name)

    fresh_target()
    volume = image(10)
    with pytest.raises(Killed):
        backup(project(Mortal("images")), volume, "one")
    volume.reads = 0
    store = project(CountedTarget("images"))
    backup(store, volume, "one")
    assert volume.reads == 0
    assert not list(marks.writers(store))


def test_a_cancelled_backup_can_be_abandoned_and_leaves_no_marks():
    store = project(fresh_target())
    asked = threading.Event()
    asked.set()
    with pytest.raises(Cancelled):
        backup(store, image(40), "one", options=OFTEN, hooks=Hooks(is_cancelled=asked.is_set))
    abandon(store, "one")
    assert not [*store.list("writers/"), *store.list("checkpoints/"), *store.list("manifests/")]


def test_a_target_that_fails_ends_the_backup_with_its_own_error():
    class Failing(CountedTarget):
        def _put(self, name, buffers, *, only_if_absent):
            if "/packs/" in name and len(self.puts) > 12:
                raise TransientDriverError("The line is cut")
            return super()._put(name, buffers, only_if_absent=only_if_absent)

    fresh_target()
    with pytest.raises(TransientDriverError, match="The line is cut"):
        backup(project(Failing("images")), image(64), "one", options=OFTEN)


def test_progress_and_the_rate_limit_hear_of_every_byte():
    store = project(fresh_target())
    volume = image(40)
    told, put = [], []
    backup(store, volume, "one", options=OFTEN, hooks=Hooks(on_progress=told.append, limit=put.append))
    assert told[-1].percent == 100
    assert told[-1].moved_bytes == volume.size
    assert [p.done_bytes for p in told] == sorted(p.done_bytes for p in told)
    assert sum(put) >= volume.size


def test_a_restore_goes_on_from_a_checkpoint():
    from backups.engine.restore import Options as RestoreOptions
    from backups.engine.restore import Target, restore
    from tests.backup_images import Image

    store = project(fresh_target())
    volume = image(40)
    backup(store, volume, "one")
    into = Image(volume.size)
    hooks, told = dies_at(3)
    often = RestoreOptions(window_bytes=4 * PAGE_BYTES, checkpoint_s=0)
    with pytest.raises(Killed):
        restore(store, "one", Target([into], is_fresh=True), hooks=hooks, options=often)
    position = told[-1].position
    assert position == 12 * PAGE_BYTES
    for page in range(12):
        into.discard(page)
    restore(store, "one", Target([into], is_fresh=True, position=position), options=often)
    assert into.whole() == bytes(position) + volume.whole()[position:]
