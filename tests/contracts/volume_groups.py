"""What every driver must do that keeps several volumes at one moment: a suite to be run on each of them."""

import itertools
import threading
from contextlib import ExitStack, contextmanager

import pytest

from drivers.connect import open_connection
from drivers.errors import PermanentDriverError, StaleFence, VolumeMissing
from drivers.types import SnapshotRef, VolumeRef
from drivers.volume.base import VolumeDriver
from tests.contracts.volume_driver import FIRST, LAST, LATER, new_ref, new_request
from tests.contracts.volume_snapshots import get, new_snapshot, put

WIDTH = 4096
ROUNDS = 6


def number(text: bytes) -> int:
    """Return the number that a writer wrote; nothing but zeros is 0."""
    return int(text.rstrip(b"\0") or b"0")


class Writer:
    """A host that writes 1, 2, 3 … to all its volumes in turn, each after the one before was acknowledged."""

    def __init__(self, infos) -> None:
        self.written = 0
        self._infos = infos
        self._ended = threading.Event()
        self.failure = None
        self._thread = threading.Thread(target=self._write, name="writer")

    def _write(self) -> None:
        try:
            with ExitStack() as opened:
                connections = [opened.enter_context(open_connection(info)) for info in self._infos]
                for count in itertools.count(1):
                    for connection in connections:
                        connection.pwrite(b"%d" % count + bytes(WIDTH - len(b"%d" % count)), 0)
                        connection.flush()
                    self.written = count
                    if self._ended.is_set():
                        return
        except BaseException as error:
            self.failure = error
            raise

    def await_more(self) -> None:
        """Wait until the writer has come further."""
        seen = self.written
        while self.written < seen + 2 and self._thread.is_alive():
            threading.Event().wait(0.001)

    def __enter__(self):
        self._thread.start()
        self.await_more()
        return self

    def __exit__(self, *_args):
        self._ended.set()
        self._thread.join(60)
        assert self.failure is None


@contextmanager
def written(driver: VolumeDriver, refs, fence=FIRST):
    """Have a host write to the volumes for the block."""
    requests = [new_request() for _ in refs]
    infos = [driver.export(ref, request, fence) for ref, request in zip(refs, requests, strict=True)]
    with Writer(infos) as writer:
        yield writer
    for ref, request in zip(refs, requests, strict=True):
        driver.unexport(ref, request.attachment_id, fence)


def is_one_moment(numbers) -> bool:
    """Tell whether this is what a writer's volumes can hold at one moment: none is ahead of one before it."""
    return all(a >= b for a, b in itertools.pairwise(numbers)) and numbers[0] <= numbers[-1] + 1


class VolumeGroupsContract:
    """Subclasses provide `driver` (checked) and `another`, a second object on the same storage."""

    @pytest.fixture
    def refs(self, driver: VolumeDriver) -> list[VolumeRef]:
        """Return volumes of 1 GiB that exist."""
        refs = [new_ref() for _ in range(3)]
        for ref in refs:
            driver.create_volume(ref, FIRST)
        return refs

    def test_the_driver_says_that_it_can(self, driver):
        assert driver.capabilities.group_snapshots

    def test_snapshots_keep_what_all_volumes_hold(self, driver, refs):
        for ref in refs:
            put(driver, ref, 0, ref.id.encode())
        snapshots = [new_snapshot(ref) for ref in refs]
        driver.create_snapshots(snapshots, FIRST)
        for ref in refs:
            put(driver, ref, 0, b"x" * 36)
        assert [get(driver, it, 0, 36).decode() for it in snapshots] == [ref.id for ref in refs]
        assert {it.id for it in driver.list_snapshots()} == {it.id for it in snapshots}

    def test_snapshots_are_of_one_moment_while_a_host_writes(self, driver, another, refs):
        with written(driver, refs) as writer:
            for round_number in range(ROUNDS):
                before = writer.written
                snapshots = [new_snapshot(ref) for ref in refs]
                (driver, another)[round_number % 2].create_snapshots(snapshots[:: (-1) ** round_number], FIRST)
                writer.await_more()
                numbers = [number(get(driver, it, 0, WIDTH)) for it in snapshots]
                assert is_one_moment(numbers), numbers
                assert before <= numbers[-1] <= writer.written

    def test_clones_are_of_one_moment_while_a_host_writes(self, driver, refs):
        copies = []
        with written(driver, refs) as writer:
            for _ in range(ROUNDS):
                for ref, _source in copies:
                    driver.delete_volume(ref, LAST)
                copies = [(new_ref(), ref) for ref in refs]
                driver.clone_volumes(copies, FIRST)
                writer.await_more()
                numbers = [number(get(driver, ref, 0, WIDTH)) for ref, _source in copies]
                assert is_one_moment(numbers), numbers
        put(driver, copies[0][0], 0, b"own")
        assert get(driver, copies[1][0], 0, 3) != b"own"

    def test_what_exists_already_is_left_as_it_is(self, driver, another, refs):
        snapshots, copies = [new_snapshot(ref) for ref in refs], [(new_ref(), ref) for ref in refs]
        driver.create_snapshots(snapshots, FIRST)
        driver.clone_volumes(copies, FIRST)
        for ref in refs:
            put(driver, ref, 0, b"later")
        another.create_snapshots(snapshots, LATER)
        another.clone_volumes(copies, LATER)
        found = [get(driver, it, 0, 5) for it in (*snapshots, *(ref for ref, _source in copies))]
        assert found == [bytes(5)] * 6

    def test_what_an_interrupted_call_left_is_made_anew(self, driver, refs):
        snapshots, copies = [new_snapshot(ref) for ref in refs], [(new_ref(), ref) for ref in refs]
        driver.create_snapshot(snapshots[1], FIRST)
        driver.clone_volume(*copies[1], FIRST)
        for ref in refs:
            put(driver, ref, 0, b"later")
        driver.create_snapshots(snapshots, LATER)
        driver.clone_volumes(copies, LATER)
        found = [get(driver, it, 0, 5) for it in (*snapshots, *(ref for ref, _source in copies))]
        assert found == [b"later"] * 6

    def test_an_older_claim_changes_nothing(self, driver, refs):
        snapshots, copies = [new_snapshot(ref) for ref in refs], [(new_ref(), ref) for ref in refs]
        driver.delete_snapshot(snapshots[2], LAST)
        driver.delete_volume(copies[2][0], LAST)
        with pytest.raises(StaleFence):
            driver.create_snapshots(snapshots, LATER)
        with pytest.raises(StaleFence):
            driver.clone_volumes(copies, LATER)
        assert list(driver.list_snapshots()) == []
        assert {ref.id for ref in driver.list_volumes()} == {ref.id for ref in refs}

    def test_all_or_nothing_is_asked_for(self, driver, refs):
        missing = new_ref()
        snapshots = [new_snapshot(ref) for ref in (*refs, missing)]
        copies = [(new_ref(), ref) for ref in (*refs, missing)]
        with pytest.raises(VolumeMissing):
            driver.create_snapshots(snapshots, FIRST)
        with pytest.raises(VolumeMissing):
            driver.clone_volumes(copies, FIRST)
        for snapshot in snapshots:
            driver.delete_snapshot(snapshot, LAST)
        for ref, _source in copies:
            driver.delete_volume(ref, LAST)
        assert list(driver.list_snapshots()) == []
        assert {ref.id for ref in driver.list_volumes()} == {ref.id for ref in refs}

    def test_a_snapshot_of_another_volume_or_size_is_not_taken_over(self, driver, refs):
        first, second = refs[:2]
        taken = new_snapshot(first)
        driver.create_snapshot(taken, FIRST)
        with pytest.raises(PermanentDriverError):
            driver.create_snapshots([SnapshotRef(taken.id, second, 1), new_snapshot(first)], LATER)
        with pytest.raises(PermanentDriverError):
            driver.create_snapshots([SnapshotRef(new_ref().id, VolumeRef(first.id, 2), 2), new_snapshot(second)], LATER)
        with pytest.raises(PermanentDriverError):
            driver.clone_volumes([(new_ref(), first), (VolumeRef(new_ref().id, 0), second)], LATER)
        assert get(driver, taken, 0, 3) == bytes(3)
