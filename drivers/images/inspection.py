"""What a fetched image really is, read byte by byte before any program opens it; nothing in it is believed."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from drivers.images.errors import ImageTooLarge, ImageUnfit

RAW, QCOW2 = "raw", "qcow2"
FORMATS = (RAW, QCOW2)
_QCOW = b"QFI\xfb"
_BY_BEGINNING = {
    _QCOW: "qcow",
    b"KDMV": "vmdk",
    b"COWD": "vmdk",
    b"# Disk DescriptorFile": "vmdk",
    b"vhdxfile": "vhdx",
    b"conectix": "vhd",
    b"QED\0": "qed",
    b"WithoutFreeSpace": "parallels",
    b"WithouFreSpacExt": "parallels",
    b"Bochs Virtual HD Image": "bochs",
    b"#!/bin/sh\n#V2.0 Format": "cloop",
}
_BY_END = {b"conectix": "vhd", b"koly": "dmg"}
_VDI_AT, _VDI = 0x40, b"\x7f\x10\xda\xbe"
_TRAILER_BYTES = 512

_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
_HEADER_3 = struct.Struct(">QQQII")
_LATER_BYTES = 104
_COMPRESSION, _WAYS_OF_COMPRESSION = 1 << 3, {0, 1}
_FEATURES = {
    1 << 0: "was not closed properly",
    1 << 1: "is marked as damaged",
    1 << 2: "keeps its data in another file",
}
_EXTENSIONS = {0xE2792ACA: "names another image below it", 0x44415441: "names another file", 0x0537BE77: "is encrypted"}
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED, _COPIED = 1 << 62, 1 << 63
_MAX_L1_BYTES = 32 * 1024**2
_SMALLEST_CLUSTER, _LARGEST_CLUSTER = 9, 21


@dataclass(frozen=True, slots=True)
class Found:
    """What an image was found to be, and how many bytes a machine would see."""

    format: str
    virtual_bytes: int


def format_of(file: BinaryIO, size: int) -> str:
    """Return the name of the format whose marks the file has; raw if it has none that is known."""
    beginning = _read(file, 0, min(size, 1024))
    for mark, name in _BY_BEGINNING.items():
        if beginning.startswith(mark):
            return QCOW2 if name == "qcow" and beginning[4:8] in {b"\0\0\0\2", b"\0\0\0\3"} else name
    if beginning[_VDI_AT : _VDI_AT + 4] == _VDI:
        return "vdi"
    trailer = _read(file, size - _TRAILER_BYTES, _TRAILER_BYTES) if size >= _TRAILER_BYTES else b""
    return next((name for mark, name in _BY_END.items() if trailer.startswith(mark)), RAW)


def inspect(file: BinaryIO, size: int, *, claimed: str, room: int) -> Found:
    """Return what the image of `size` bytes is, if it is what it is `claimed` to be and fits into `room` bytes.

    :raises ImageUnfit: if it is another thing, refers to other files, or does not hold together.
    :raises ImageTooLarge: if a machine would see more bytes than there is room for.
    """
    if claimed not in FORMATS:
        raise ImageUnfit(f"The image is {claimed or 'of no format'}; volumes are made from raw and qcow2 images.")
    found = format_of(file, size)
    if found != claimed:
        raise ImageUnfit(f"The image is said to be {claimed}, but what it holds is {found}.")
    virtual = _Qcow2(file, size).checked(room) if found == QCOW2 else size
    if not virtual:
        raise ImageUnfit("The image is empty.")
    _require_room(virtual, room)
    return Found(found, virtual)


def _require_room(virtual: int, room: int) -> None:
    if virtual > room:
        raise ImageTooLarge(f"The image has {virtual} bytes, the volume {room}.")


class _Qcow2:
    """One qcow2 image: its header and tables."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def checked(self, room: int) -> int:
        """Return the bytes that a machine would see. :raises ImageUnfit, ImageTooLarge: as `inspect`."""
        if self._size < _HEADER.size:
            raise ImageUnfit("The qcow2 image ends within its header.")
        header = _HEADER.unpack(_read(self._file, 0, _HEADER.size))
        (_, version, backing_at, backing_length, cluster_bits, virtual, crypt, l1_entries, l1_at, counts_at,
         counts_clusters, snapshots, _) = header  # fmt: skip
        if backing_at or backing_length:
            raise ImageUnfit("The qcow2 image lies on another image; qemu-img convert makes it whole.")
        if crypt:
            raise ImageUnfit("The qcow2 image is encrypted.")
        if snapshots:
            raise ImageUnfit("The qcow2 image has snapshots inside; qemu-img convert makes one without.")
        if not _SMALLEST_CLUSTER <= cluster_bits <= _LARGEST_CLUSTER:
            raise ImageUnfit(f"The qcow2 image has clusters of 2^{cluster_bits} bytes.")
        _require_room(virtual, room)
        if virtual % 512:
            raise ImageUnfit(f"The qcow2 image has {virtual} bytes, which are no whole sectors.")
        self._check_features(version)
        cluster = 1 << cluster_bits
        covered = cluster * (cluster // 8)
        if not -(-virtual // covered) <= l1_entries or l1_entries * 8 > _MAX_L1_BYTES:
            raise ImageUnfit(f"The first table of the qcow2 image has {l1_entries} entries for {virtual} bytes.")
        self._require_inside(l1_at, l1_entries * 8, cluster)
        self._require_inside(counts_at, counts_clusters * cluster, cluster)
        self._check_tables(l1_at, l1_entries, cluster_bits)
        return int(virtual)

    def _check_features(self, version: int) -> None:
        """Read what follows the header. :raises ImageUnfit: if it asks for more than we allow."""
        at = _HEADER.size
        if version >= 3:  # noqa: PLR2004 - the version that has them
            if self._size < _LATER_BYTES:
                raise ImageUnfit("The qcow2 image ends within its header.")
            incompatible, _, _, _, at = _HEADER_3.unpack(_read(self._file, at, _HEADER_3.size))
            for bit, meaning in _FEATURES.items():
                if incompatible & bit:
                    raise ImageUnfit(f"The qcow2 image {meaning}.")
            if incompatible & ~_COMPRESSION:
                raise ImageUnfit(f"The qcow2 image has features {incompatible:#x}, which are not known here.")
            if not _LATER_BYTES <= at <= 1024 or at % 8:  # noqa: PLR2004 - far beyond any header known
                raise ImageUnfit(f"The header of the qcow2 image is said to have {at} bytes.")
            if incompatible & _COMPRESSION and self._compression(at) not in _WAYS_OF_COMPRESSION:
                raise ImageUnfit("The qcow2 image is compressed in a way that is not known here.")
        for kind in self._extensions(at):
            if kind in _EXTENSIONS:
                raise ImageUnfit(f"The qcow2 image {_EXTENSIONS[kind]}.")

    def _compression(self, header_bytes: int) -> int:
        return _read(self._file, _LATER_BYTES, 1)[0] if header_bytes > _LATER_BYTES else -1

    def _extensions(self, at: int) -> Iterator[int]:
        """Yield the kinds of all extensions of the header. :raises ImageUnfit: if they do not end."""
        for _ in range(64):
            if at + 8 > self._size:
                break
            kind, length = struct.unpack(">II", _read(self._file, at, 8))
            if kind == 0:
                return
            yield kind
            at += 8 + -(-length // 8) * 8
        raise ImageUnfit("The header of the qcow2 image does not end.")

    def _check_tables(self, l1_at: int, entries: int, cluster_bits: int) -> None:
        """Make sure that all tables and clusters are inside the file. :raises ImageUnfit: if they are not."""
        cluster = 1 << cluster_bits
        reserved = ~(_OFFSET | _COPIED)
        seen: set[int] = set()
        for entry in struct.unpack(f">{entries}Q", _read(self._file, l1_at, entries * 8)):
            table = entry & _OFFSET
            if not entry:
                continue
            if entry & reserved or not table or table in seen:
                raise ImageUnfit("The first table of the qcow2 image does not make sense.")
            seen.add(table)
            self._require_inside(table, cluster, cluster)
            for held in struct.unpack(f">{cluster // 8}Q", _read(self._file, table, cluster)):
                if held:
                    self._check_cluster(held, cluster_bits)

    def _check_cluster(self, entry: int, cluster_bits: int) -> None:
        if entry & _COMPRESSED:
            at = entry & ((1 << (62 - (cluster_bits - 8))) - 1)
            if at >= self._size:
                raise ImageUnfit("The qcow2 image is cut off: it refers to what lies beyond its end.")
        elif at := entry & _OFFSET:
            # The last cluster of a file may be a short one.
            self._require_inside(at, 1, 1 << cluster_bits)

    def _require_inside(self, at: int, length: int, alignment: int) -> None:
        if at % alignment or at + length > self._size:
            raise ImageUnfit("The qcow2 image is cut off: it refers to what lies beyond its end.")


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    """Return `length` bytes from `at`. :raises ImageUnfit: if the file ends before."""
    file.seek(at)
    found = file.read(length)
    if len(found) != length:
        raise ImageUnfit("The image is cut off.")
    return found
