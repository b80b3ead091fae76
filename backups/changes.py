"""What changed since the parent, as a backup's row keeps it: one bit for each part of the volume, compressed."""

import struct
import zlib
from collections.abc import Iterable, Iterator

from backups.engine.chunks import CHUNK_BYTES
from backups.engine.planning import Changed

MOST_BITS = 8 * 1024**2
"""A volume has no more parts than this, however large it is: its parts are larger then."""
_HEAD = struct.Struct(">QQ")  # bytes of the volume, bytes of a part


def dump(volume_bytes: int, ranges: Iterable[tuple[int, int]]) -> bytes:
    """Return the bits of the parts that (offset, length) `ranges` touch, in a form for a column."""
    part_bytes = CHUNK_BYTES
    while volume_bytes > part_bytes * MOST_BITS:
        part_bytes *= 2
    bits = bytearray(-(-volume_bytes // part_bytes) // 8 + 1)
    for offset, length in ranges:
        _set(bits, offset // part_bytes, -(-(offset + length) // part_bytes))
    return _HEAD.pack(volume_bytes, part_bytes) + zlib.compress(bits)


def load(kept: bytes) -> Changed:
    """Return what `dump` made as the engine asks for it."""
    volume_bytes, part_bytes = _HEAD.unpack_from(kept)
    bits = zlib.decompress(kept[_HEAD.size :])

    def changed(offset: int, length: int) -> Iterator[tuple[int, int]]:
        end = min(offset + length, volume_bytes)
        for first, last in _runs(bits, offset // part_bytes, -(-end // part_bytes)):
            start = max(offset, first * part_bytes)
            yield start, min(end, last * part_bytes) - start

    return changed


def _set(bits: bytearray, first: int, end: int) -> None:
    """Set the bits from `first` to before `end`; whole bytes of a long run at once."""
    while first < end:
        count = (end - first) // 8
        if first % 8 == 0 and count:
            bits[first // 8 : first // 8 + count] = b"\xff" * count
            first += 8 * count
        else:
            bits[first // 8] |= 1 << first % 8
            first += 1


def _runs(bits: bytes, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of the runs of set bits in a part."""
    begun: int | None = None
    while first < end:
        if first % 8 == 0 and begun is None and not bits[first // 8]:
            first += 8  # nothing in this byte
            continue
        is_set = bits[first // 8] >> first % 8 & 1
        if is_set and begun is None:
            begun = first
        elif not is_set and begun is not None:
            yield begun, first
            begun = None
        first += 1
    if begun is not None:
        yield begun, end
