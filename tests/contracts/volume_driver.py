"""What every volume driver must do: a suite to be run on each of them."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from drivers.connect import Connection, open_connection
from drivers.errors import (
    BackendDown,
    BackendFull,
    InvalidConfiguration,
    InvalidName,
    NotSupported,
    PermanentDriverError,
    StaleFence,
    VolumeMissing,
)
from drivers.types import GIB, Capabilities, ConnectionInfo, Connector, ExportRequest, Fence, VolumeRef
from drivers.volume.base import VolumeDriver

TOO_LARGE_GIB = 10_000_000
HOSTILE = [
    "",
    "../../etc/passwd",
    "a/../../b",
    "0" * 36,
    "{0c4d1f0e-9c62-4b0d-8f25-0a1b2c3d4e5f}",
    "0c4d1f0e-9c62-4b0d-8f25-0a1b2c3d4e5f\n",
    "x" * 5000,
    "%s\0",
]
HOST = Connector("host-a", ip="192.0.2.7", initiator="iqn.2000-01.test:a")
FIRST, LATER, LAST = Fence(10, 1), Fence(10, 2), Fence(11, 1)


def new_ref(size_gib: int = 1) -> VolumeRef:
    return VolumeRef(str(uuid.uuid4()), size_gib)


def new_request(mode: str = "rw") -> ExportRequest:
    return ExportRequest(str(uuid.uuid4()), HOST, mode)


def text_at(info: ConnectionInfo, offset: int, length: int) -> bytes:
    with open_connection(info) as connection:
        return connection.pread(length, offset)


def write_at(info: ConnectionInfo, offset: int, content: bytes) -> None:
    with open_connection(info) as connection:
        connection.pwrite(content, offset)
        connection.flush()


def is_dead(connection: Connection) -> bool:
    try:
        connection.pread(512, 0)
    except BackendDown:
        return True
    return False


class VolumeDriverContract:
    """Subclasses provide `driver` (checked) and `another`, a second object on the same storage."""

    @pytest.fixture
    def ref(self, driver: VolumeDriver) -> VolumeRef:
        """Return a volume of 1 GiB that exists."""
        ref = new_ref()
        driver.create_volume(ref, FIRST)
        return ref

    # --- what it says about itself

    def test_it_declares_its_capabilities(self, driver):
        assert isinstance(driver.capabilities, Capabilities)
        assert driver.key

    def test_checking_twice_is_as_good_as_once(self, driver):
        driver.check()
        driver.check()

    def test_an_unknown_entry_of_the_settings_is_named(self, driver):
        with pytest.raises(InvalidConfiguration, match="colour"):
            type(driver).from_settings("some", {"driver": "x", "path": "/nowhere", "colour": "blue"})

    @pytest.mark.parametrize("key", ["", "a/b", "..", "a b", "é", "x" * 65])
    def test_a_key_that_cannot_be_part_of_names_is_refused(self, driver, key):
        with pytest.raises(InvalidConfiguration):
            type(driver).from_settings(key, {"path": "/nowhere"})

    # --- create

    def test_a_new_volume_has_its_size_and_reads_as_zeros(self, driver):
        ref = new_ref(3)
        driver.create_volume(ref, FIRST)
        with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
            assert connection.size == 3 * GIB
            assert connection.pread(4096, 0) == connection.pread(4096, 3 * GIB - 4096) == bytes(4096)
            assert not any(extent.is_data for extent in connection.extents())

    def test_creating_it_again_changes_nothing(self, driver, another, ref):
        request = new_request()
        write_at(driver.export(ref, request, FIRST), 5, b"kept")
        driver.create_volume(ref, FIRST)
        another.create_volume(ref, LATER)
        assert text_at(driver.export(ref, request, FIRST), 5, 4) == b"kept"

    def test_creating_it_again_with_another_size_is_refused(self, driver, ref):
        with pytest.raises(PermanentDriverError):
            driver.create_volume(VolumeRef(ref.id, 2), LATER)

    def test_a_volume_without_room_raises_backend_full_and_leaves_nothing(self, driver):
        ref = new_ref(TOO_LARGE_GIB)
        with pytest.raises(BackendFull):
            driver.create_volume(ref, FIRST)
        assert list(driver.list_volumes()) == []
        assert driver.stats().volumes == 0
        with pytest.raises(VolumeMissing):
            driver.export(ref, new_request(), FIRST)

    def test_many_threads_creating_one_volume_make_one_volume(self, driver, another):
        ref = new_ref()
        with ThreadPoolExecutor(4) as pool:
            claims = [pool.submit((driver, another)[n % 2].create_volume, ref, Fence(1, n)) for n in range(4)]
            errors = [claim.exception() for claim in claims]
        assert errors[3] is None
        assert all(error is None or isinstance(error, StaleFence) for error in errors)
        assert list(driver.list_volumes()) == [ref]

    # --- delete

    def test_deleting_a_volume_that_is_not_there_succeeds(self, driver):
        driver.delete_volume(new_ref(), FIRST)

    def test_deleting_twice_succeeds(self, driver, another, ref):
        driver.delete_volume(ref, FIRST)
        driver.delete_volume(ref, FIRST)
        another.delete_volume(ref, LATER)
        assert list(driver.list_volumes()) == []

    def test_deleting_ends_the_exports_and_their_live_connections(self, driver, ref):
        connection = open_connection(driver.export(ref, new_request(), FIRST))
        driver.delete_volume(ref, LATER)
        assert is_dead(connection)
        connection.close()
        assert driver.exports(ref) == frozenset()

    def test_a_volume_made_again_under_its_id_holds_nothing_of_the_old_one(self, driver, ref):
        write_at(driver.export(ref, new_request(), FIRST), 0, b"old")
        driver.delete_volume(ref, LATER)
        driver.create_volume(ref, LAST)
        assert driver.exports(ref) == frozenset()
        assert text_at(driver.export(ref, new_request(), LAST), 0, 3) == bytes(3)

    # --- extend

    def test_extending_keeps_what_was_written_and_adds_zeros(self, driver, ref):
        request = new_request()
        write_at(driver.export(ref, request, FIRST), GIB - 4, b"last")
        driver.unexport(ref, request.attachment_id, FIRST)
        driver.extend_volume(ref, 3, LATER)
        driver.extend_volume(ref, 3, LATER)
        with open_connection(driver.export(ref, new_request(), LAST)) as connection:
            assert connection.size == 3 * GIB
            assert connection.pread(8, GIB - 4) == b"last" + bytes(4)
        assert list(driver.list_volumes()) == [VolumeRef(ref.id, 3)]

    def test_shrinking_is_refused(self, driver, ref):
        driver.extend_volume(ref, 2, FIRST)
        with pytest.raises(NotSupported):
            driver.extend_volume(ref, 1, LATER)

    def test_extending_a_volume_that_is_not_there_says_so(self, driver):
        with pytest.raises(VolumeMissing):
            driver.extend_volume(new_ref(), 2, FIRST)

    def test_extending_without_room_raises_backend_full_and_keeps_the_size(self, driver, ref):
        with pytest.raises(BackendFull):
            driver.extend_volume(ref, TOO_LARGE_GIB, LATER)
        assert list(driver.list_volumes()) == [ref]

    def test_extending_while_exported_works_only_where_it_is_declared(self, driver, ref):
        request = new_request()
        driver.export(ref, request, FIRST)
        if not driver.capabilities.online_extend:
            with pytest.raises(NotSupported):
                driver.extend_volume(ref, 2, LATER)
            driver.unexport(ref, request.attachment_id, LAST)
        driver.extend_volume(ref, 2, LAST)
        assert list(driver.list_volumes()) == [VolumeRef(ref.id, 2)]

    # --- export and unexport

    def test_connection_information_is_made_of_json_values_and_names_no_more_than_it_must(self, driver, ref):
        request = new_request("ro")
        info = driver.export(ref, request, FIRST)
        assert info.driver_volume_type == driver.stats().storage_protocol
        assert info.data["volume_id"] == ref.id
        assert info.data["access_mode"] == "ro"
        assert all(isinstance(value, str | int | bool | None) for value in info.data.values())

    def test_exporting_again_answers_the_same_and_keeps_live_connections(self, driver, another, ref):
        request = new_request()
        first = driver.export(ref, request, FIRST)
        with open_connection(first) as connection:
            assert driver.export(ref, request, FIRST) == another.export(ref, request, LATER) == first
            assert not is_dead(connection)
        assert driver.exports(ref) == {request.attachment_id}

    def test_exporting_a_volume_that_is_not_there_says_so(self, driver):
        with pytest.raises(VolumeMissing):
            driver.export(new_ref(), new_request(), FIRST)

    def test_two_attachments_see_the_same_bytes(self, driver, ref):
        here, there = (driver.export(ref, new_request(), FIRST) for _ in range(2))
        write_at(here, 1000, b"shared")
        assert text_at(there, 1000, 6) == b"shared"

    def test_ending_one_export_cuts_its_connections_and_keeps_the_other(self, driver, another, ref):
        gone, stays = new_request(), new_request("ro")
        cut, kept = (open_connection(driver.export(ref, request, FIRST)) for request in (gone, stays))
        another.unexport(ref, gone.attachment_id, LATER)
        assert is_dead(cut)
        assert not is_dead(kept)
        assert driver.exports(ref) == another.exports(ref) == {stays.attachment_id}
        cut.close()
        kept.close()

    def test_ending_an_export_that_is_not_there_succeeds(self, driver, ref):
        request = new_request()
        driver.export(ref, request, FIRST)
        for _ in range(2):
            driver.unexport(ref, request.attachment_id, LATER)
        driver.unexport(ref, str(uuid.uuid4()), FIRST)
        driver.unexport(new_ref(), str(uuid.uuid4()), FIRST)
        assert driver.exports(ref) == frozenset()

    def test_what_an_ended_export_told_leads_nowhere(self, driver, ref):
        request, other = new_request(), new_request()
        info = driver.export(ref, request, FIRST)
        driver.export(ref, other, FIRST)
        driver.unexport(ref, request.attachment_id, LATER)
        with pytest.raises(BackendDown):
            open_connection(info)

    def test_bytes_survive_the_end_of_an_export(self, driver, ref):
        request = new_request()
        write_at(driver.export(ref, request, FIRST), 70_000, b"survives")
        driver.unexport(ref, request.attachment_id, LATER)
        assert text_at(driver.export(ref, new_request("ro"), LAST), 70_000, 8) == b"survives"

    def test_a_read_only_export_refuses_writes(self, driver, ref):
        with open_connection(driver.export(ref, new_request("ro"), FIRST)) as connection:
            assert connection.is_read_only
            with pytest.raises(PermanentDriverError):
                connection.pwrite(b"no", 0)

    @pytest.mark.parametrize(("before", "after"), [("rw", "ro"), ("ro", "rw")])
    def test_a_later_claim_may_change_the_mode_of_an_export(self, driver, ref, before, after):
        request = new_request(before)
        driver.export(ref, request, FIRST)
        info = driver.export(ref, ExportRequest(request.attachment_id, HOST, after), LATER)
        with open_connection(info) as connection:
            assert connection.is_read_only == (after == "ro")

    def test_many_threads_may_export_one_volume(self, driver, another, ref):
        requests = [new_request() for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            done = [
                pool.submit((driver, another)[n % 2].export, ref, it, Fence(20, n)) for n, it in enumerate(requests)
            ]
            infos = [it.result() for it in done]
        assert driver.exports(ref) == {it.attachment_id for it in requests}
        assert [text_at(info, 0, 1) for info in infos] == [b"\0"] * 6

    # --- fences

    @pytest.mark.parametrize("call", ["create_volume", "delete_volume", "extend_volume"])
    def test_an_older_claim_on_a_volume_is_refused_and_changes_nothing(self, driver, another, call):
        ref = new_ref()
        driver.create_volume(ref, LATER)
        info = driver.export(ref, new_request(), FIRST)
        before = list(driver.list_volumes())
        with pytest.raises(StaleFence):
            getattr(another, call)(ref, *([2] if call == "extend_volume" else []), FIRST)
        assert list(driver.list_volumes()) == before
        assert text_at(info, 0, 1) == b"\0"

    def test_an_older_claim_cannot_bring_a_deleted_volume_back(self, driver, another, ref):
        driver.delete_volume(ref, LATER)
        with pytest.raises(StaleFence):
            another.create_volume(ref, FIRST)
        assert list(driver.list_volumes()) == []

    def test_an_older_claim_cannot_bring_an_ended_export_back(self, driver, another, ref):
        request, other = new_request(), new_request()
        driver.export(ref, request, FIRST)
        driver.export(ref, other, FIRST)
        driver.unexport(ref, request.attachment_id, LATER)
        with pytest.raises(StaleFence):
            another.export(ref, request, FIRST)
        assert driver.exports(ref) == {other.attachment_id}

    def test_an_end_that_came_before_its_export_is_remembered(self, driver, ref):
        request = new_request()
        driver.unexport(ref, request.attachment_id, LATER)
        with pytest.raises(StaleFence):
            driver.export(ref, request, FIRST)
        assert driver.exports(ref) == frozenset()

    def test_an_older_claim_cannot_end_an_export(self, driver, another, ref):
        request = new_request()
        with open_connection(driver.export(ref, request, LATER)) as connection:
            with pytest.raises(StaleFence):
                another.unexport(ref, request.attachment_id, FIRST)
            assert not is_dead(connection)

    def test_an_older_claim_cannot_change_the_mode_of_an_export(self, driver, ref):
        request = new_request("ro")
        info = driver.export(ref, request, LATER)
        with pytest.raises(StaleFence):
            driver.export(ref, ExportRequest(request.attachment_id, HOST, "rw"), FIRST)
        with open_connection(info) as connection:
            assert connection.is_read_only

    def test_a_deletion_overtaken_by_an_export_is_refused(self, driver, ref):
        request = new_request()
        with open_connection(driver.export(ref, request, LAST)) as connection:
            with pytest.raises(StaleFence):
                driver.delete_volume(ref, LATER)
            assert not is_dead(connection)
        driver.unexport(ref, request.attachment_id, LAST)
        driver.delete_volume(ref, LATER)

    def test_attachments_do_not_disturb_each_other_s_fences(self, driver, ref):
        old, new = new_request(), new_request()
        driver.export(ref, old, FIRST)
        driver.export(ref, new, LAST)
        driver.extend_volume(ref, 1, LAST)
        driver.export(ref, old, FIRST)
        assert driver.exports(ref) == {old.attachment_id, new.attachment_id}

    # --- names

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_an_id_that_is_no_uuid_is_refused_before_anything_is_touched(self, driver, ref, hostile):
        with pytest.raises(InvalidName):
            VolumeRef(hostile, 1)
        with pytest.raises(InvalidName):
            ExportRequest(hostile, HOST)
        with pytest.raises(InvalidName):
            driver.unexport(ref, hostile, FIRST)

    # --- the back-end as a whole

    def test_the_list_tells_what_exists(self, driver, another):
        assert list(driver.list_volumes()) == []
        refs = [new_ref(size_gib) for size_gib in (1, 2, 3)]
        for ref in refs:
            driver.create_volume(ref, FIRST)
        driver.delete_volume(refs.pop(0), LATER)
        assert sorted(another.list_volumes(), key=lambda it: it.size_gib) == refs

    def test_the_figures_follow_what_happens(self, driver, ref):
        before = driver.stats()
        assert (before.volumes, before.provisioned_gib) == (1, 1)
        write_at(driver.export(ref, new_request(), FIRST), 0, bytes(range(256)) * 4096)
        after = driver.stats()
        assert after.allocated_gib > before.allocated_gib
        assert after.free_gib is None or 0 <= after.free_gib <= after.total_gib
        driver.delete_volume(ref, LATER)
        emptied = driver.stats()
        assert (emptied.volumes, emptied.provisioned_gib, emptied.allocated_gib) == (0, 0, 0)

    def test_all_exports_can_be_stopped_and_come_back_with_the_claims_they_had(self, driver, ref):
        kept, other = new_request(), new_request()
        driver.export(ref, other, FIRST)
        connection = open_connection(driver.export(ref, kept, LATER))
        connection.pwrite(b"written out", 0)
        connection.flush()
        driver.stop_exports()
        driver.stop_exports()
        assert is_dead(connection)
        connection.close()
        assert driver.exports(ref) == frozenset()
        assert text_at(driver.export(ref, kept, LATER), 0, 11) == b"written out"
        driver.export(ref, other, FIRST)
        assert driver.exports(ref) == {kept.attachment_id, other.attachment_id}

    def test_volumes_do_not_wait_for_each_other(self, driver):
        refs = [new_ref() for _ in range(4)]
        barrier = threading.Barrier(4)

        def live(ref: VolumeRef) -> None:
            request = new_request()
            barrier.wait(10)
            driver.create_volume(ref, FIRST)
            write_at(driver.export(ref, request, FIRST), 0, ref.id.encode())
            driver.unexport(ref, request.attachment_id, LATER)
            assert text_at(driver.export(ref, new_request(), FIRST), 0, 36) == ref.id.encode()
            driver.delete_volume(ref, LATER)

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(live, ref) for ref in refs]:
                done.result()
        assert list(driver.list_volumes()) == []
