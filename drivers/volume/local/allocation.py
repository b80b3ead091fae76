"""Which parts of a volume a layer holds itself, read from the tables of its file, which clients cannot write."""

import struct
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from drivers.types import ByteRange
from drivers.volume.local.images import DamagedImage

# magic, version, (noted name below), cluster bits, size, encryption, entries and place of the first table, (…),
# features that one must know
_HEADER = struct.Struct(">4sI12xIQIIQ24xQ")
_MAGIC, _VERSION = b"QFI\xfb", 3
_PLACE = 0x00FF_FFFF_FFFF_FE00
_ENTRY_BYTES = 8
_MUST_KNOW = ~1
"""All features but the mark of an image that was not closed, which concerns the counting of clusters only."""


class Allocation:
    """The tables of one qcow2 file, held open: they are found even when the layer is dropped meanwhile.

    :raises DamagedImage: if it is not an image as we make them.
    :raises OSError: if it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        try:
            self._read_header(path)
        except BaseException:
            self.close()
            raise

    @property
    def tables(self) -> int:
        """Return how many second tables there can be; each tells of `table_bytes` of the volume."""
        return len(self._places)

    def table(self, number: int) -> bytes:
        """Return the entries of a second table, empty if there is none: eight bytes a cluster, zeros for nothing."""
        place = self._places[number] if number < len(self._places) else 0
        return self._read(place, self.cluster_bytes) if place else b""

    def is_empty(self) -> bool:
        """Tell whether the layer holds nothing at all."""
        return not any(self.table(number).strip(b"\0") for number in range(self.tables))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _read_header(self, path: Path) -> None:
        """Read the header and the first table. :raises DamagedImage: if they are not as we make them."""
        header = self._read(0, _HEADER.size)
        if len(header) < _HEADER.size:
            raise DamagedImage(f"{path} is too short for an image")
        magic, version, bits, size, encryption, entries, place, features = _HEADER.unpack(header)
        if (magic, version, encryption) != (_MAGIC, _VERSION, 0) or not 9 <= bits <= 21:  # noqa: PLR2004 qcow2's limits
            raise DamagedImage(f"{path} is not an image as we make them")
        if features & _MUST_KNOW:
            raise DamagedImage(f"{path} has features {features:#x}, which we never ask for")
        self.size = int(size)
        self.cluster_bytes = 1 << bits
        self.table_bytes = self.cluster_bytes // _ENTRY_BYTES * self.cluster_bytes
        first = self._read(place, entries * _ENTRY_BYTES)
        self._places = [entry & _PLACE for (entry,) in struct.iter_unpack(">Q", first)]

    def _read(self, place: int, length: int) -> bytes:
        """Return bytes of the file. :raises OSError: if they cannot be read."""
        self._file.seek(place)
        return self._file.read(length) or b""


def is_empty(path: Path) -> bool:
    """Tell whether a layer that no daemon has open holds nothing. Raises as `Allocation`."""
    found = Allocation(path)
    try:
        return found.is_empty()
    finally:
        found.close()


def held_ranges(layers: Sequence[Allocation], size: int) -> Iterator[ByteRange]:
    """Yield the parts of the first `size` bytes that any of the layers holds, in order and joined; closes them."""
    pending = ByteRange(0, 0)
    try:
        for found in _pieces(layers):
            if pending.offset + pending.length == found.offset:
                pending = ByteRange(pending.offset, pending.length + found.length)
                continue
            if pending.length:
                yield pending
            pending = found
        if pending.length:
            yield ByteRange(pending.offset, min(pending.length, size - pending.offset))
    finally:
        for layer in layers:
            layer.close()


def _pieces(layers: Sequence[Allocation]) -> Iterator[ByteRange]:
    """Yield the runs of held clusters, table by table. :raises DamagedImage: if the layers do not fit together."""
    if not layers:
        return
    cluster, span = layers[0].cluster_bytes, layers[0].table_bytes
    if any(layer.cluster_bytes != cluster for layer in layers):
        raise DamagedImage("The layers have clusters of different sizes")
    for number in range(max(layer.tables for layer in layers)):
        united = 0
        for layer in layers:
            united |= int.from_bytes(layer.table(number), "big")
        if united:
            for start, count in _runs(united.to_bytes(cluster, "big")):
                yield ByteRange(number * span + start * cluster, count * cluster)


def _runs(table: bytes) -> Iterator[tuple[int, int]]:
    """Yield where runs of entries that are not zero start, and how long they are."""
    start = None
    entries = array("Q", table)
    for index, entry in enumerate(entries):
        if entry and start is None:
            start = index
        elif not entry and start is not None:
            yield start, index - start
            start = None
    if start is not None:
        yield start, len(entries) - start
