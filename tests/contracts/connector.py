"""What every connection must do: a suite to be run on each protocol."""

import hashlib
import sys
from itertools import pairwise

import pytest

from drivers.connect import Connection
from drivers.errors import BackendDown, PermanentDriverError

MIB = 1024 * 1024


def noise(length: int) -> bytes:
    """Return bytes in which no part looks like another, always the same."""
    return hashlib.shake_256(b"celinder").digest(length)


class ConnectorContract:
    """Subclasses provide `reach(mode)`, which opens one and the same volume of at least 64 MiB, all zeros at first."""

    @pytest.fixture
    def connection(self, reach) -> Connection:
        with reach("rw") as connection:
            yield connection

    def test_it_knows_its_size_and_mode(self, connection, reach):
        assert connection.size >= 64 * MIB
        assert not connection.is_read_only
        with reach("ro") as reader:
            assert reader.is_read_only

    def test_what_was_written_is_read_back_at_any_offset(self, connection):
        content = noise(3 * MIB + 17)
        connection.pwrite(content, 12_345)
        assert connection.pread(len(content), 12_345) == content
        assert connection.pread(3, 12_344) == b"\0" + content[:2]
        assert connection.pread(5, 12_345 + len(content) - 1) == content[-1:] + bytes(4)

    def test_a_transfer_may_be_larger_than_the_server_takes_at_once(self, connection):
        content = noise(40 * MIB)
        connection.pwrite(content, 1)
        assert connection.pread(len(content), 1) == content

    def test_the_first_and_the_last_byte_can_be_written(self, connection):
        for offset in (0, connection.size - 1):
            connection.pwrite(b"x", offset)
            assert connection.pread(1, offset) == b"x"

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_every_kind_of_bytes_can_be_written(self, connection, kind):
        connection.pwrite(kind(b"some bytes"), 100)
        assert connection.pread(10, 100) == b"some bytes"

    def test_reading_can_fill_a_part_of_a_buffer(self, connection):
        connection.pwrite(b"abc", 0)
        buffer = bytearray(b".........")
        connection.pread_into(memoryview(buffer)[3:6], 0)
        assert buffer == b"...abc..."

    def test_a_buffer_is_let_go_once_it_was_moved(self, connection):
        buffer = bytearray(3 * MIB)
        before = sys.getrefcount(buffer)
        for _ in range(5):
            connection.pwrite(buffer, 0)
            connection.pread_into(buffer, 0)
        assert sys.getrefcount(buffer) == before

    @pytest.mark.parametrize(("length", "beyond"), [(1, 0), (2, -1), (1, 2**40)])
    def test_beyond_the_end_nothing_is_read_or_written(self, connection, length, beyond):
        offset = connection.size + beyond
        for act in (
            lambda: connection.pread(length, offset),
            lambda: connection.pwrite(bytes(length), offset),
            lambda: list(connection.extents(offset, length)),
            lambda: connection.pread(1, -1),
        ):
            with pytest.raises(ValueError, match="not inside"):
                act()
        assert connection.pread(1, 0) == b"\0"

    def test_nothing_can_be_read_written_and_asked_about(self, connection):
        connection.pwrite(b"", 0)
        assert connection.pread(0, connection.size) == b""
        assert list(connection.extents(5, 0)) == []

    @pytest.mark.parametrize("may_unmap", [True, False])
    def test_zeros_take_the_place_of_what_was_there_to_the_byte(self, connection, may_unmap):
        content = noise(5 * MIB)
        connection.pwrite(content, MIB)
        connection.pwrite_zeroes(3 * MIB + 2, 2 * MIB - 1, may_unmap=may_unmap)
        left = content[: MIB - 1] + bytes(3 * MIB + 2) + content[4 * MIB + 1 :]
        assert connection.pread(5 * MIB, MIB) == left

    def test_zeros_may_be_written_over_everything_at_once(self, connection):
        connection.pwrite(b"first", 0)
        connection.pwrite(b"last", connection.size - 4)
        connection.pwrite_zeroes(connection.size, 0)
        assert connection.pread(5, 0) == bytes(5)
        assert connection.pread(4, connection.size - 4) == bytes(4)

    def test_zeros_make_holes_where_that_is_allowed(self, connection):
        connection.pwrite(noise(8 * MIB), 0)
        connection.pwrite_zeroes(4 * MIB, MIB)
        connection.flush()
        data = [it for it in connection.extents(0, 8 * MIB) if it.is_data]
        assert data == [(0, MIB, True), (5 * MIB, 3 * MIB, True)]

    def test_no_zeros_are_written_beyond_the_end_or_read_only(self, connection, reach):
        connection.pwrite_zeroes(0, connection.size)
        for length, offset in ((2, connection.size - 1), (1, -1), (-1, 0)):
            with pytest.raises(ValueError, match="not inside"):
                connection.pwrite_zeroes(length, offset)
        with reach("ro") as reader, pytest.raises(PermanentDriverError):
            reader.pwrite_zeroes(1, 0)

    def test_a_read_only_connection_refuses_writes_and_stays_usable(self, connection, reach):
        with reach("ro") as reader:
            with pytest.raises(PermanentDriverError):
                reader.pwrite(b"no", 0)
            assert reader.pread(2, 0) == bytes(2)
            reader.flush()

    def test_others_see_what_was_flushed(self, connection, reach):
        connection.pwrite(b"news", 4096)
        connection.flush()
        with reach("ro") as reader:
            assert reader.pread(4, 4096) == b"news"

    def test_extents_cover_everything_once_and_tell_where_data_are(self, connection):
        for offset in (0, 10 * MIB, 11 * MIB, connection.size - 1):
            connection.pwrite(b"data", min(offset, connection.size - 4))
        connection.flush()
        found = list(connection.extents())
        assert found[0].offset == 0
        assert sum(extent.length for extent in found) == connection.size
        for before, after in pairwise(found):
            assert after.offset == before.offset + before.length
            assert after.is_data != before.is_data
        assert any(it.is_data and it.offset <= 10 * MIB < it.offset + it.length for it in found)
        holes = [it for it in found if not it.is_data]
        assert sum(it.length for it in holes) > connection.size - 2 * MIB
        assert not any(connection.pread(min(it.length, MIB), it.offset).strip(b"\0") for it in holes)

    def test_extents_of_a_part_end_where_it_ends(self, connection):
        connection.pwrite(b"data", 20 * MIB)
        connection.flush()
        found = list(connection.extents(20 * MIB + 1, 5 * MIB))
        assert found[0].offset == 20 * MIB + 1
        assert found[0].is_data
        assert sum(it.length for it in found) == 5 * MIB

    def test_closing_twice_is_as_good_as_once_and_ends_all_use(self, reach):
        connection = reach("rw")
        connection.close()
        connection.close()
        for act in (
            lambda: connection.pread(1, 0),
            lambda: connection.pwrite(b"x", 0),
            lambda: connection.pwrite_zeroes(1, 0),
            lambda: list(connection.extents()),
            connection.flush,
        ):
            with pytest.raises(BackendDown):
                act()
