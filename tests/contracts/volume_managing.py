"""What every volume driver must do that can take over what is on its storage: a suite to be run on each of them."""

import pytest

from drivers.errors import NotStored, StaleFence, VolumeMissing
from drivers.types import GIB
from drivers.volume.base import VolumeDriver
from tests.contracts.volume_driver import FIRST, HOSTILE, LAST, LATER, new_ref, new_request, text_at, write_at
from tests.contracts.volume_snapshots import keep

GONE = "0c4d1f0e-9c62-4b0d-8f25-0a1b2c3d4e5f"
NAME = "web server, of 2019.qcow2"


class VolumeManagingContract:
    """Subclasses provide `driver` (checked), and `put`, which puts something foreign of some bytes on the storage."""

    @pytest.fixture
    def ref(self, driver: VolumeDriver):
        """Return a volume of 1 GiB that exists and holds something."""
        ref = new_ref()
        driver.create_volume(ref, FIRST)
        write_at(driver.export(ref, new_request(), FIRST), 4096, b"kept")
        return ref

    def test_it_says_that_it_can(self, driver):
        assert driver.capabilities.manage

    def test_what_is_given_up_stays_and_nobody_reaches_it(self, driver, ref):
        driver.unmanage_volume(ref, LATER)
        assert driver.exports(ref) == frozenset()
        assert [(it.name, it.size_gib, it.stored_as, it.obstacle) for it in driver.stored_volumes()] == [
            (ref.name, 1, ref.id, "")
        ]
        driver.unmanage_volume(ref, LATER)
        driver.unmanage_volume(new_ref(), LATER)

    def test_what_was_given_up_is_taken_over_with_what_it_holds(self, driver, another, ref):
        driver.unmanage_volume(ref, LATER)
        found = another.manage_volume(new_ref(), ref.name, LAST)
        assert (found.id, found.size_gib) == (ref.id, 1)
        assert another.manage_volume(new_ref(), ref.name, LAST) == found
        assert text_at(driver.export(found, new_request(), LAST), 4096, 4) == b"kept"

    def test_a_late_claim_neither_gives_up_nor_takes_over(self, driver, ref):
        driver.unmanage_volume(ref, LAST)
        with pytest.raises(StaleFence):
            driver.unmanage_volume(ref, LATER)
        with pytest.raises(StaleFence):
            driver.manage_volume(new_ref(), ref.name, LATER)

    @pytest.mark.parametrize(("size", "size_gib"), [(GIB, 1), (2 * GIB, 2), (GIB + 512, 2), (512, 1)])
    def test_something_foreign_becomes_a_volume_whose_size_is_rounded_up(self, driver, put, size, size_gib):
        put(NAME, size, b"foreign")
        assert [(it.name, it.size_gib, it.stored_as) for it in driver.stored_volumes()] == [(NAME, size_gib, "")]
        wanted = new_ref()
        for _ in ("first", "again"):
            found = driver.manage_volume(wanted, NAME, FIRST)
            assert (found.id, found.size_gib) == (wanted.id, size_gib)
        assert [it.name for it in driver.stored_volumes()] == [wanted.name]
        info = driver.export(found, new_request(), FIRST)
        assert text_at(info, 0, 7) == b"foreign"
        assert text_at(info, size_gib * GIB - 8, 8) == bytes(8)
        driver.delete_volume(found, LATER)
        assert list(driver.stored_volumes()) == []

    @pytest.mark.parametrize("name", [*HOSTILE, ".", "..", "/", "nothing", "json:{}", "-o", f"volume-{GONE}"])
    def test_what_is_not_there_is_not_taken_over_whatever_its_name(self, driver, put, ref, name):
        put(NAME, GIB, b"foreign")
        before = list(driver.stored_volumes())
        wanted = new_ref()
        with pytest.raises(NotStored):
            driver.manage_volume(wanted, name, FIRST)
        with pytest.raises(VolumeMissing):
            driver.export(wanted, new_request(), FIRST)
        with pytest.raises(NotStored):
            driver.manage_snapshot(ref, name, FIRST)
        assert list(driver.stored_volumes()) == before

    def test_a_snapshot_is_given_up_and_taken_over(self, driver, another, ref):
        snapshot = keep(driver, ref)
        driver.unmanage_snapshot(snapshot, LATER)
        [found] = driver.stored_snapshots()
        assert (found.name, found.size_gib, found.stored_as, found.of) == (snapshot.name, 1, snapshot.id, ref.id)
        assert another.manage_snapshot(ref, snapshot.name, LAST) == snapshot
        made = new_ref()
        driver.create_volume_from_snapshot(made, snapshot, FIRST)
        assert text_at(driver.export(made, new_request(), FIRST), 4096, 4) == b"kept"

    def test_a_snapshot_is_taken_over_for_its_own_volume_only(self, driver, ref):
        snapshot = keep(driver, ref)
        other = new_ref()
        driver.create_volume(other, FIRST)
        with pytest.raises(NotStored):
            driver.manage_snapshot(other, snapshot.name, LATER)
        with pytest.raises(NotStored):
            driver.manage_snapshot(ref, ref.name, LATER)
        driver.unmanage_snapshot(snapshot, LAST)
        with pytest.raises(StaleFence):
            driver.manage_snapshot(ref, snapshot.name, LATER)
