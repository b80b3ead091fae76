"""What every volume driver with snapshots must do: a suite to be run on each of them."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from drivers.connect import open_connection
from drivers.errors import (
    BackendDown,
    BackendFull,
    InvalidName,
    NotSupported,
    PermanentDriverError,
    SnapshotMissing,
    StaleFence,
    VolumeMissing,
)
from drivers.types import GIB, Fence, SnapshotRef, VolumeRef
from drivers.volume.base import VolumeDriver
from tests.contracts.volume_driver import (
    FIRST,
    HOSTILE,
    LAST,
    LATER,
    TOO_LARGE_GIB,
    is_dead,
    new_ref,
    new_request,
    text_at,
    write_at,
)

MIB = 1024 * 1024


def new_snapshot(ref: VolumeRef) -> SnapshotRef:
    return SnapshotRef(str(uuid.uuid4()), VolumeRef(ref.id, ref.size_gib), ref.size_gib)


def put(driver: VolumeDriver, ref: VolumeRef, offset: int, content: bytes) -> None:
    """Attach the volume, write, and detach it."""
    request = new_request()
    write_at(driver.export(ref, request, FIRST), offset, content)
    driver.unexport(ref, request.attachment_id, FIRST)


def get(driver: VolumeDriver, ref: VolumeRef | SnapshotRef, offset: int, length: int) -> bytes:
    """Attach the volume or snapshot, read, and detach it."""
    request = new_request("ro")
    if isinstance(ref, SnapshotRef):
        found = text_at(driver.export_snapshot(ref, request, FIRST), offset, length)
        driver.unexport_snapshot(ref, request.attachment_id, FIRST)
        return found
    found = text_at(driver.export(ref, request, FIRST), offset, length)
    driver.unexport(ref, request.attachment_id, FIRST)
    return found


def keep(driver: VolumeDriver, ref: VolumeRef) -> SnapshotRef:
    """Make a snapshot of the volume."""
    snapshot = new_snapshot(ref)
    driver.create_snapshot(snapshot, FIRST)
    return snapshot


def covers(ranges, offset: int) -> bool:
    return any(it.offset <= offset < it.offset + it.length for it in ranges)


class VolumeSnapshotsContract:
    """Subclasses provide `driver` (checked) and `another`, a second object on the same storage."""

    @pytest.fixture
    def ref(self, driver: VolumeDriver) -> VolumeRef:
        """Return a volume of 1 GiB that exists."""
        ref = new_ref()
        driver.create_volume(ref, FIRST)
        return ref

    # --- snapshots

    def test_a_driver_that_has_snapshots_declares_them(self, driver):
        assert driver.capabilities.snapshots

    def test_a_snapshot_keeps_what_was_written_before_and_nothing_after(self, driver, ref):
        put(driver, ref, 5, b"before")
        snapshot = keep(driver, ref)
        put(driver, ref, 5, b"after!")
        put(driver, ref, 500 * MIB, b"more")
        assert get(driver, snapshot, 5, 6) == b"before"
        assert get(driver, snapshot, 500 * MIB, 4) == bytes(4)
        assert get(driver, ref, 5, 6) == b"after!"

    def test_a_snapshot_of_an_exported_volume_keeps_one_moment_and_its_connections(self, driver, ref):
        with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
            connection.pwrite(b"one", 0)
            connection.flush()
            first = keep(driver, ref)
            connection.pwrite(b"two", 0)
            second = keep(driver, ref)
            connection.pwrite(b"six", 0)
            assert connection.pread(3, 0) == b"six"
            assert [get(driver, it, 0, 3) for it in (first, second)] == [b"one", b"two"]

    def test_a_snapshot_taken_under_writes_is_of_one_moment(self, driver, ref):
        """A writer puts ever higher numbers at one place, then at another: a moment never shows the second ahead."""
        stop, written = threading.Event(), threading.Event()

        def write_on() -> None:
            with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
                number = 0
                while not stop.is_set():
                    number += 1
                    for offset in (0, 700 * MIB):
                        connection.pwrite(number.to_bytes(8, "big"), offset)
                    written.set()

        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(write_on)
            assert written.wait(20)
            snapshots = [keep(driver, ref) for _ in range(4)]
            stop.set()
            writer.result(20)
        for snapshot in snapshots:
            near, far = (int.from_bytes(get(driver, snapshot, offset, 8), "big") for offset in (0, 700 * MIB))
            assert far <= near <= far + 1

    def test_making_a_snapshot_again_changes_nothing(self, driver, another, ref):
        put(driver, ref, 0, b"kept")
        snapshot = keep(driver, ref)
        put(driver, ref, 0, b"late")
        driver.create_snapshot(snapshot, FIRST)
        another.create_snapshot(snapshot, LATER)
        assert get(driver, snapshot, 0, 4) == b"kept"
        assert list(driver.list_snapshots()) == [snapshot]

    def test_a_snapshot_of_a_volume_that_is_not_there_says_so_and_leaves_nothing(self, driver):
        with pytest.raises(VolumeMissing):
            driver.create_snapshot(new_snapshot(new_ref()), FIRST)
        assert list(driver.list_snapshots()) == []

    def test_a_snapshot_made_again_of_another_volume_is_refused(self, driver, ref):
        snapshot, other = keep(driver, ref), new_ref()
        driver.create_volume(other, FIRST)
        with pytest.raises(PermanentDriverError):
            driver.create_snapshot(SnapshotRef(snapshot.id, other, 1), LATER)
        assert list(driver.list_snapshots()) == [snapshot]

    def test_a_snapshot_outlives_its_volume(self, driver, ref):
        put(driver, ref, 9, b"outlives")
        snapshot = keep(driver, ref)
        driver.delete_volume(ref, LATER)
        assert list(driver.list_volumes()) == []
        assert get(driver, snapshot, 9, 8) == b"outlives"
        back = new_ref()
        driver.create_volume_from_snapshot(back, snapshot, FIRST)
        assert get(driver, back, 9, 8) == b"outlives"

    def test_a_snapshot_keeps_the_size_its_volume_had(self, driver, ref):
        snapshot = keep(driver, ref)
        driver.extend_volume(ref, 2, LATER)
        with open_connection(driver.export_snapshot(snapshot, new_request("ro"), FIRST)) as connection:
            assert connection.size == GIB
        assert list(driver.list_snapshots()) == [snapshot]

    # --- deleting snapshots

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
    def test_snapshots_can_be_deleted_in_any_order(self, driver, ref, order):
        snapshots = []
        for number in range(3):
            put(driver, ref, 0, b"state %d" % number)
            put(driver, ref, (number + 1) * MIB, b"only %d" % number)
            snapshots.append(keep(driver, ref))
        put(driver, ref, 0, b"state n")
        left = dict(enumerate(snapshots))
        for number in order:
            driver.delete_snapshot(left.pop(number), LATER)
            for other, snapshot in left.items():
                assert get(driver, snapshot, 0, 7) == b"state %d" % other
            with open_connection(driver.export(ref, new_request("ro"), LATER)) as connection:
                assert connection.pread(7, 0) == b"state n"
                assert [connection.pread(6, (n + 1) * MIB) for n in range(3)] == [b"only 0", b"only 1", b"only 2"]
            driver.stop_exports()
        assert list(driver.list_snapshots()) == []

    def test_snapshots_can_be_deleted_while_their_volume_is_written(self, driver, ref):
        with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
            snapshots = []
            for number in range(3):
                connection.pwrite(b"%d" % number, number * MIB)
                snapshots.append(keep(driver, ref))
            for number in (1, 0, 2):
                driver.delete_snapshot(snapshots[number], LATER)
                connection.pwrite(b"x", 900 * MIB)
                assert [connection.pread(1, n * MIB) for n in range(3)] == [b"0", b"1", b"2"]
        assert get(driver, ref, 2 * MIB, 1) == b"2"

    def test_deleting_a_snapshot_twice_or_one_that_is_not_there_succeeds(self, driver, another, ref):
        snapshot = keep(driver, ref)
        driver.delete_snapshot(snapshot, FIRST)
        another.delete_snapshot(snapshot, LATER)
        driver.delete_snapshot(new_snapshot(new_ref()), FIRST)
        assert list(driver.list_snapshots()) == []
        assert get(driver, ref, 0, 1) == b"\0"

    # --- volumes from snapshots

    def test_a_volume_from_a_snapshot_has_its_content_and_goes_its_own_way(self, driver, ref):
        put(driver, ref, 7, b"common")
        snapshot, made = keep(driver, ref), new_ref()
        driver.create_volume_from_snapshot(made, snapshot, FIRST)
        put(driver, made, 7, b"its own")
        assert get(driver, ref, 7, 6) == get(driver, snapshot, 7, 6) == b"common"
        assert get(driver, made, 7, 7) == b"its own"
        driver.delete_snapshot(snapshot, LATER)
        driver.delete_volume(ref, LATER)
        assert get(driver, made, 0, 14) == bytes(7) + b"its own"
        assert list(driver.list_volumes()) == [made]

    def test_a_volume_larger_than_its_snapshot_has_zeros_behind_it(self, driver, ref):
        put(driver, ref, GIB - 4, b"last")
        snapshot, made = keep(driver, ref), new_ref(3)
        driver.create_volume_from_snapshot(made, snapshot, FIRST)
        with open_connection(driver.export(made, new_request(), FIRST)) as connection:
            assert connection.size == 3 * GIB
            assert connection.pread(8, GIB - 4) == b"last" + bytes(4)
            connection.pwrite(b"end", 3 * GIB - 3)
            assert connection.pread(4, 3 * GIB - 4) == b"\0end"

    def test_a_volume_smaller_than_what_it_is_made_from_is_refused_and_leaves_nothing(self, driver):
        large, small = new_ref(2), new_ref(1)
        driver.create_volume(large, FIRST)
        snapshot = keep(driver, large)
        with pytest.raises(PermanentDriverError):
            driver.create_volume_from_snapshot(small, snapshot, FIRST)
        with pytest.raises(PermanentDriverError):
            driver.clone_volume(small, large, FIRST)
        assert list(driver.list_volumes()) == [large]

    def test_a_volume_from_a_snapshot_that_is_not_there_says_so(self, driver, ref):
        with pytest.raises(SnapshotMissing):
            driver.create_volume_from_snapshot(new_ref(), new_snapshot(ref), FIRST)
        assert list(driver.list_volumes()) == [ref]

    def test_making_a_volume_from_a_snapshot_again_changes_nothing(self, driver, another, ref):
        snapshot, made = keep(driver, ref), new_ref()
        driver.create_volume_from_snapshot(made, snapshot, FIRST)
        put(driver, made, 0, b"kept")
        driver.create_volume_from_snapshot(made, snapshot, FIRST)
        driver.delete_snapshot(snapshot, LATER)
        another.create_volume_from_snapshot(made, snapshot, LATER)
        assert get(driver, made, 0, 4) == b"kept"
        with pytest.raises(PermanentDriverError):
            driver.create_volume_from_snapshot(VolumeRef(made.id, 2), snapshot, LAST)

    def test_without_room_nothing_is_made_from_anything(self, driver, ref):
        snapshot = keep(driver, ref)
        with pytest.raises(BackendFull):
            driver.create_volume_from_snapshot(new_ref(TOO_LARGE_GIB), snapshot, FIRST)
        with pytest.raises(BackendFull):
            driver.clone_volume(new_ref(TOO_LARGE_GIB), ref, FIRST)
        assert list(driver.list_volumes()) == [ref]

    # --- clones

    def test_a_clone_has_its_source_s_content_and_goes_its_own_way(self, driver, ref):
        put(driver, ref, 0, b"common")
        clone = new_ref(2)
        driver.clone_volume(clone, ref, FIRST)
        put(driver, ref, 0, b"source")
        put(driver, clone, 3, b"clone")
        assert get(driver, ref, 0, 8) == b"source\0\0"
        assert get(driver, clone, 0, 8) == b"comclone"

    def test_an_exported_volume_can_be_cloned(self, driver, ref):
        with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
            connection.pwrite(b"now", 0)
            clone = new_ref()
            driver.clone_volume(clone, ref, FIRST)
            connection.pwrite(b"new", 0)
            assert get(driver, clone, 0, 3) == b"now"
            assert connection.pread(3, 0) == b"new"

    def test_clones_of_clones_live_on_when_their_sources_are_gone(self, driver, ref):
        put(driver, ref, 0, b"0")
        chain = [ref]
        for number in range(1, 5):
            clone = new_ref()
            driver.clone_volume(clone, chain[-1], FIRST)
            put(driver, clone, number * MIB, b"%d" % number)
            chain.append(clone)
        last = chain.pop()
        for source in chain:
            driver.delete_volume(source, LATER)
        assert get(driver, last, 0, 4 * MIB + 1)[::MIB] == b"01234"
        driver.extend_volume(last, 2, LATER)
        snapshot = keep(driver, VolumeRef(last.id, 2))
        put(driver, last, 0, b"x")
        assert get(driver, snapshot, 0, 1) == b"0"

    def test_cloning_again_changes_nothing(self, driver, another, ref):
        clone = new_ref()
        driver.clone_volume(clone, ref, FIRST)
        put(driver, clone, 0, b"kept")
        driver.clone_volume(clone, ref, FIRST)
        driver.delete_volume(ref, LATER)
        another.clone_volume(clone, ref, LATER)
        assert get(driver, clone, 0, 4) == b"kept"

    def test_cloning_a_volume_that_is_not_there_says_so(self, driver):
        with pytest.raises(VolumeMissing):
            driver.clone_volume(new_ref(), new_ref(), FIRST)
        assert list(driver.list_volumes()) == []

    def test_many_threads_may_clone_one_volume(self, driver, another, ref):
        put(driver, ref, 0, b"common")
        clones = [new_ref() for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            claims = [pool.submit((driver, another)[n % 2].clone_volume, it, ref, FIRST) for n, it in enumerate(clones)]
            for claim in claims:
                claim.result()
        assert [get(driver, it, 0, 6) for it in (ref, *clones)] == [b"common"] * 5

    # --- revert and extend

    def test_reverting_brings_the_snapshot_s_content_back(self, driver, ref):
        put(driver, ref, 0, b"before")
        first = keep(driver, ref)
        put(driver, ref, 0, b"after!")
        put(driver, ref, 800 * MIB, b"new")
        second = keep(driver, ref)
        driver.revert_to_snapshot(ref, first, LATER)
        assert get(driver, ref, 0, 6) == b"before"
        assert get(driver, ref, 800 * MIB, 3) == bytes(3)
        put(driver, ref, 0, b"again!")
        assert [get(driver, it, 0, 6) for it in (first, second, ref)] == [b"before", b"after!", b"again!"]
        driver.revert_to_snapshot(ref, second, LATER)
        assert get(driver, ref, 800 * MIB, 3) == b"new"

    def test_reverting_an_extended_volume_keeps_its_size_and_zeros_the_rest(self, driver, ref):
        put(driver, ref, GIB - 1, b"x")
        snapshot = keep(driver, ref)
        driver.extend_volume(ref, 2, LATER)
        put(driver, ref, GIB - 1, b"yz")
        driver.revert_to_snapshot(VolumeRef(ref.id, 2), snapshot, LATER)
        assert list(driver.list_volumes()) == [VolumeRef(ref.id, 2)]
        assert get(driver, ref, GIB - 2, 4) == b"\0x\0\0"

    def test_reverting_an_exported_volume_is_refused(self, driver, ref):
        snapshot, request = keep(driver, ref), new_request()
        write_at(driver.export(ref, request, FIRST), 0, b"written")
        with pytest.raises(NotSupported):
            driver.revert_to_snapshot(ref, snapshot, LATER)
        driver.unexport(ref, request.attachment_id, LATER)
        assert get(driver, ref, 0, 7) == b"written"

    def test_reverting_says_what_is_missing_or_of_another_volume(self, driver, ref):
        other = new_ref()
        driver.create_volume(other, FIRST)
        with pytest.raises(SnapshotMissing):
            driver.revert_to_snapshot(ref, new_snapshot(ref), FIRST)
        with pytest.raises(PermanentDriverError):
            driver.revert_to_snapshot(ref, keep(driver, other), FIRST)
        snapshot = keep(driver, ref)
        driver.delete_volume(ref, LATER)
        with pytest.raises(VolumeMissing):
            driver.revert_to_snapshot(ref, snapshot, LATER)

    def test_extending_a_volume_with_snapshots_keeps_everything_and_adds_zeros(self, driver, ref):
        put(driver, ref, GIB - 4, b"last")
        snapshot = keep(driver, ref)
        driver.extend_volume(ref, 2, LATER)
        put(driver, ref, GIB + 100, b"new")
        assert get(driver, ref, GIB - 4, 8) == b"last" + bytes(4)
        assert get(driver, ref, GIB + 99, 5) == b"\0new\0"
        assert get(driver, snapshot, GIB - 4, 4) == b"last"

    # --- exports of snapshots

    def test_a_snapshot_is_exported_read_only_and_only_so(self, driver, ref):
        snapshot = keep(driver, ref)
        with pytest.raises(NotSupported):
            driver.export_snapshot(snapshot, new_request("rw"), FIRST)
        request = new_request("ro")
        info = driver.export_snapshot(snapshot, request, FIRST)
        assert info.driver_volume_type == driver.stats().storage_protocol
        assert (info.data["volume_id"], info.data["access_mode"]) == (ref.id, "ro")
        assert driver.export_snapshot(snapshot, request, LATER) == info
        with open_connection(info) as connection:
            assert connection.is_read_only
            with pytest.raises(PermanentDriverError):
                connection.pwrite(b"no", 0)

    def test_a_snapshot_can_be_read_while_its_volume_is_written(self, driver, ref):
        put(driver, ref, 0, b"old")
        with open_connection(driver.export(ref, new_request(), FIRST)) as writer:
            snapshot = keep(driver, ref)
            with open_connection(driver.export_snapshot(snapshot, new_request("ro"), FIRST)) as reader:
                writer.pwrite(b"new" * MIB, 0)
                keep(driver, ref)
                assert reader.pread(3, 0) == b"old"
                assert reader.pread(1, 2 * MIB) == b"\0"
                assert not reader.pread(MIB, 3 * MIB).strip(b"\0")

    def test_ending_an_export_of_a_snapshot_cuts_it_and_leads_nowhere(self, driver, another, ref):
        snapshot, gone, stays = keep(driver, ref), new_request("ro"), new_request("ro")
        info = driver.export_snapshot(snapshot, gone, FIRST)
        cut, kept = open_connection(info), open_connection(driver.export_snapshot(snapshot, stays, FIRST))
        for _ in range(2):
            another.unexport_snapshot(snapshot, gone.attachment_id, LATER)
        assert is_dead(cut)
        assert not is_dead(kept)
        with pytest.raises(BackendDown):
            open_connection(info)
        with pytest.raises(StaleFence):
            driver.export_snapshot(snapshot, gone, FIRST)
        cut.close()
        kept.close()

    def test_deleting_a_snapshot_ends_its_exports(self, driver, ref):
        snapshot = keep(driver, ref)
        with open_connection(driver.export_snapshot(snapshot, new_request("ro"), FIRST)) as connection:
            driver.delete_snapshot(snapshot, LATER)
            assert is_dead(connection)

    def test_exporting_a_snapshot_that_is_not_there_says_so_and_ending_it_succeeds(self, driver, ref):
        snapshot = new_snapshot(ref)
        with pytest.raises(SnapshotMissing):
            driver.export_snapshot(snapshot, new_request("ro"), FIRST)
        driver.unexport_snapshot(snapshot, str(uuid.uuid4()), FIRST)

    def test_all_exports_of_snapshots_can_be_stopped_and_come_back(self, driver, ref):
        put(driver, ref, 0, b"kept")
        snapshot, request = keep(driver, ref), new_request("ro")
        with open_connection(driver.export_snapshot(snapshot, request, FIRST)) as connection:
            driver.stop_exports()
            assert is_dead(connection)
        assert text_at(driver.export_snapshot(snapshot, request, FIRST), 0, 4) == b"kept"

    # --- fences

    def test_an_older_claim_on_a_snapshot_is_refused_and_changes_nothing(self, driver, another, ref):
        snapshot = new_snapshot(ref)
        driver.create_snapshot(snapshot, LATER)
        for call in ("create_snapshot", "delete_snapshot"):
            with pytest.raises(StaleFence):
                getattr(another, call)(snapshot, FIRST)
        assert list(driver.list_snapshots()) == [snapshot]
        driver.delete_snapshot(snapshot, LAST)
        with pytest.raises(StaleFence):
            another.create_snapshot(snapshot, LATER)
        assert list(driver.list_snapshots()) == []

    def test_an_older_claim_cannot_make_or_revert_a_volume(self, driver, another, ref):
        snapshot, gone = keep(driver, ref), new_ref()
        driver.delete_volume(gone, LATER)
        with pytest.raises(StaleFence):
            another.create_volume_from_snapshot(gone, snapshot, FIRST)
        with pytest.raises(StaleFence):
            another.clone_volume(gone, ref, FIRST)
        put(driver, ref, 0, b"kept")
        driver.extend_volume(ref, 1, LATER)
        with pytest.raises(StaleFence):
            another.revert_to_snapshot(ref, snapshot, FIRST)
        assert get(driver, ref, 0, 4) == b"kept"
        assert list(driver.list_volumes()) == [ref]

    def test_snapshots_and_clones_need_no_claim_on_their_source(self, driver, ref):
        driver.extend_volume(ref, 1, Fence(99, 1))
        snapshot = keep(driver, ref)
        driver.clone_volume(new_ref(), ref, FIRST)
        driver.create_volume_from_snapshot(new_ref(), snapshot, FIRST)
        driver.extend_volume(ref, 2, Fence(99, 1))

    # --- names

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_a_snapshot_s_id_that_is_no_uuid_is_refused(self, driver, ref, hostile):
        with pytest.raises(InvalidName):
            SnapshotRef(hostile, ref, 1)
        with pytest.raises(InvalidName):
            driver.unexport_snapshot(new_snapshot(ref), hostile, FIRST)

    # --- the back-end as a whole

    def test_the_list_tells_which_snapshots_exist(self, driver, another, ref):
        assert list(driver.list_snapshots()) == []
        made = [keep(driver, ref) for _ in range(3)]
        driver.delete_snapshot(made.pop(), LATER)
        assert sorted(another.list_snapshots(), key=lambda it: it.id) == sorted(made, key=lambda it: it.id)
        assert list(driver.list_volumes()) == [ref]
        assert driver.stats().volumes == 1

    def test_when_everything_is_deleted_nothing_is_left(self, driver, ref):
        put(driver, ref, 0, b"x" * MIB)
        snapshot, made, clone = keep(driver, ref), new_ref(), new_ref()
        driver.create_volume_from_snapshot(made, snapshot, FIRST)
        driver.clone_volume(clone, made, FIRST)
        put(driver, clone, 0, b"y" * MIB)
        assert driver.stats().provisioned_gib == 3
        driver.delete_volume(ref, LATER)
        driver.delete_volume(made, LATER)
        driver.delete_snapshot(snapshot, LATER)
        driver.delete_volume(clone, LATER)
        figures = driver.stats()
        assert (figures.volumes, figures.provisioned_gib, figures.allocated_gib) == (0, 0, 0)

    def test_shared_bytes_are_counted_at_least_once(self, driver, ref):
        put(driver, ref, 0, bytes(range(256)) * 16 * 1024)
        before = driver.stats().allocated_gib
        snapshot = keep(driver, ref)
        driver.delete_volume(ref, LATER)
        assert driver.stats().allocated_gib >= before * 0.9
        driver.delete_snapshot(snapshot, LATER)
        assert driver.stats().allocated_gib == 0

    # --- what changed between two snapshots

    def test_what_was_written_between_two_snapshots_is_told(self, driver, ref):
        put(driver, ref, 100 * MIB, b"before")
        first = keep(driver, ref)
        with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
            for offset in (0, 300 * MIB, GIB - 1):
                connection.pwrite(b"x", offset)
        middle = keep(driver, ref)
        put(driver, ref, 500 * MIB, b"x")
        last = keep(driver, ref)
        found = list(driver.changed_ranges(middle, first))
        assert all(covers(found, offset) for offset in (0, 300 * MIB, GIB - 1))
        assert not any(covers(found, offset) for offset in (100 * MIB, 200 * MIB, 500 * MIB))
        assert sum(it.length for it in found) < 8 * MIB
        assert found == sorted(found)
        assert covers(driver.changed_ranges(last, first), 500 * MIB)
        assert covers(driver.changed_ranges(last, first), 0)
        assert not covers(driver.changed_ranges(last, middle), 0)
        assert list(driver.changed_ranges(last, last)) == []

    def test_changes_are_known_beyond_the_end_the_earlier_snapshot_had(self, driver, ref):
        first = keep(driver, ref)
        driver.extend_volume(ref, 2, LATER)
        put(driver, ref, GIB + 5 * MIB, b"x")
        last = keep(driver, VolumeRef(ref.id, 2))
        found = list(driver.changed_ranges(last, first))
        assert covers(found, GIB + 5 * MIB)
        assert all(it.offset + it.length <= 2 * GIB for it in found)

    def test_what_was_zeroed_between_two_snapshots_is_told(self, driver, ref):
        put(driver, ref, 64 * MIB, b"x" * MIB)
        first = keep(driver, ref)
        put(driver, ref, 64 * MIB, bytes(MIB))
        last = keep(driver, ref)
        assert covers(driver.changed_ranges(last, first), 64 * MIB)

    def test_changes_since_a_snapshot_that_is_gone_or_of_another_volume_are_not_certain(self, driver, ref):
        gone, last, other = keep(driver, ref), keep(driver, ref), new_ref()
        driver.create_volume(other, FIRST)
        driver.delete_snapshot(gone, LATER)
        assert driver.changed_ranges(last, gone) is None
        assert driver.changed_ranges(last, keep(driver, other)) is None
        with pytest.raises(SnapshotMissing):
            driver.changed_ranges(gone, last)

    def test_changes_across_a_revert_are_either_right_or_not_certain(self, driver, ref):
        first = keep(driver, ref)
        put(driver, ref, 0, b"undone")
        second = keep(driver, ref)
        driver.revert_to_snapshot(ref, first, LATER)
        put(driver, ref, 10 * MIB, b"x")
        last = keep(driver, ref)
        assert covers(driver.changed_ranges(last, first), 10 * MIB)
        across = driver.changed_ranges(last, second)
        if across is not None:
            found = list(across)
            assert covers(found, 0)
            assert covers(found, 10 * MIB)

    def test_deleting_a_snapshot_between_two_others_keeps_their_changes_known(self, driver, ref):
        first = keep(driver, ref)
        put(driver, ref, 0, b"x")
        between = keep(driver, ref)
        put(driver, ref, 10 * MIB, b"x")
        last = keep(driver, ref)
        driver.delete_snapshot(between, LATER)
        found = list(driver.changed_ranges(last, first))
        assert covers(found, 0)
        assert covers(found, 10 * MIB)
