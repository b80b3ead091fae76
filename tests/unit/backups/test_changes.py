"""What changed, as a row keeps it: never less than was said, little more, and small for any volume."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups import changes
from backups.changes import MOST_BITS
from backups.engine.chunks import CHUNK_BYTES

GIB, TIB = 1024**3, 1024**4
RANGES = st.lists(st.tuples(st.integers(0, GIB - 1), st.integers(1, GIB)), max_size=8)


def slots(ranges, first: int, count: int) -> set[int]:
    """Return the parts of a MiB that ranges touch."""
    found = set()
    for offset, length in ranges:
        found |= set(range(offset // CHUNK_BYTES, -(-(offset + length) // CHUNK_BYTES)))
    return found & set(range(first, first + count))


# A busy machine is slow at making examples up, which says nothing about what is tested.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ranges=RANGES, first=st.integers(0, 1000), count=st.integers(1, 1024))
def test_exactly_the_chunks_that_were_touched_are_told(ranges, first, count):
    within = [(offset, min(length, GIB - offset)) for offset, length in ranges]
    count = min(count, GIB // CHUNK_BYTES - first)
    changed = changes.load(changes.dump(GIB, within))
    told = list(changed(first * CHUNK_BYTES, count * CHUNK_BYTES))
    assert slots(told, first, count) == slots(within, first, count)
    start, end = first * CHUNK_BYTES, (first + count) * CHUNK_BYTES
    assert all(start <= offset and length > 0 and offset + length <= end for offset, length in told)


def test_nothing_changed_tells_nothing():
    changed = changes.load(changes.dump(16 * TIB, []))
    assert list(changed(0, 16 * TIB)) == []


@pytest.mark.parametrize("size", [GIB, 64 * TIB])
def test_even_the_worst_of_a_large_volume_stays_small(size):
    step = max(2 * CHUNK_BYTES, size // 100_000)
    ranges = ((offset, 512) for offset in range(0, size, step))
    kept = changes.dump(size, ranges)
    assert len(kept) <= MOST_BITS // 8 + 1024


def test_a_large_volume_s_changes_are_told_in_larger_parts():
    changed = changes.load(changes.dump(64 * TIB, [(40 * TIB + 5, 1)]))
    ((offset, length),) = changed(40 * TIB, GIB)
    assert offset == 40 * TIB
    assert CHUNK_BYTES < length <= 16 * CHUNK_BYTES
