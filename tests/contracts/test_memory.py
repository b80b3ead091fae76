"""The reference back-end, and the faulty driver around it, keep the contracts."""

import uuid

import pytest

from drivers import memory_pool
from drivers.connect import open_connection
from drivers.errors import BackendDown, BackendFull
from drivers.types import Connector, ExportRequest, Fence, VolumeRef
from drivers.volume.memory import MemoryDriver
from tests.contracts.connector import ConnectorContract
from tests.contracts.volume_driver import VolumeDriverContract
from tests.contracts.volume_groups import VolumeGroupsContract
from tests.contracts.volume_managing import VolumeManagingContract
from tests.contracts.volume_snapshots import VolumeSnapshotsContract
from tests.faults import FaultyDriver


@pytest.fixture
def pool_key():
    key = f"memory-{uuid.uuid4().hex[:8]}"
    yield key
    memory_pool.forget(key)


@pytest.fixture
def driver(pool_key):
    return MemoryDriver.from_settings(pool_key, {"driver": "memory", "size_gib": 10})


@pytest.fixture
def another(pool_key):
    return MemoryDriver.from_settings(pool_key, {"driver": "memory", "size_gib": 10})


class TestMemorySnapshots(VolumeSnapshotsContract):
    pass


class TestMemoryGroups(VolumeGroupsContract):
    pass


class TestMemoryManaging(VolumeManagingContract):
    @pytest.fixture
    def put(self, pool_key):
        def put(name, size, content):
            made = memory_pool.SparseBytes(size)
            made.write(memoryview(content), 0)
            memory_pool.pool(pool_key).foreign[name] = made

        return put


class TestMemoryDriver(VolumeDriverContract):
    def test_the_sum_of_promises_stays_within_the_pool(self, driver):
        driver.create_volume(VolumeRef(str(uuid.uuid4()), 7), Fence(1, 1))
        with pytest.raises(BackendFull):
            driver.create_volume(VolumeRef(str(uuid.uuid4()), 4), Fence(1, 1))
        driver.create_volume(VolumeRef(str(uuid.uuid4()), 3), Fence(1, 1))
        assert driver.stats().free_gib == 0


class TestFaultyDriver(VolumeDriverContract, VolumeSnapshotsContract, VolumeGroupsContract):
    """A driver that refuses nothing yet behaves as the one inside."""

    @pytest.fixture
    def driver(self, driver):
        return FaultyDriver(driver)

    @pytest.fixture
    def another(self, another):
        return FaultyDriver(another)

    test_an_unknown_entry_of_the_settings_is_named = None  # it is not made from settings
    test_a_key_that_cannot_be_part_of_names_is_refused = None

    def test_a_refused_call_does_nothing_as_often_as_it_was_told(self, driver):
        ref = VolumeRef(str(uuid.uuid4()), 1)
        driver.refuse("create_volume", BackendFull("told so"), times=1)
        with pytest.raises(BackendFull, match="told so"):
            driver.create_volume(ref, Fence(1, 1))
        assert list(driver.list_volumes()) == []
        driver.create_volume(ref, Fence(1, 1))
        assert driver.calls == ["create_volume", "list_volumes", "create_volume"]

    def test_an_answer_can_be_lost_after_the_deed(self, driver):
        ref = VolumeRef(str(uuid.uuid4()), 1)
        driver.refuse("create_volume", BackendDown(), after_acting=True)
        with pytest.raises(BackendDown):
            driver.create_volume(ref, Fence(1, 1))
        assert list(driver.list_volumes()) == [ref]

    def test_a_misspelt_call_is_noticed(self, driver):
        with pytest.raises(ValueError, match="creat_volume"):
            driver.refuse("creat_volume", BackendDown())


class TestMemoryConnection(ConnectorContract):
    @pytest.fixture
    def reach(self, driver):
        ref = VolumeRef(str(uuid.uuid4()), 1)
        driver.create_volume(ref, Fence(1, 1))

        def reach(mode):
            request = ExportRequest(str(uuid.uuid4()), Connector("here"), mode)
            return open_connection(driver.export(ref, request, Fence(1, 1)))

        return reach
