"""The bytes of a repository: names, sizes, headers and how to read them when nobody can be trusted.

Numbers are big-endian. `docs/backup-format.md` says the same in words.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby

from backups.engine.errors import Damaged

VERSION = 1
ID_BYTES = 32
PACK_ID_BYTES = 16
TAG_BYTES = 16
ZERO_NONCE = bytes(12)
MAX_CHUNK_BYTES = 16 * 1024**2
MIN_CHUNK_BYTES = 4096
MAX_PACK_BYTES = 256 * 1024**2
MAX_SEALED_BYTES = 64 * 1024**2
MAX_VOLUME_BYTES = 2**56
MAX_SEGMENT_SLOTS = 2**16

REPOSITORY_NAME = "repository"
SEAL_MAGIC = b"CLDRSEAL"
PACK_MAGIC = b"CLDRPACK"
PACK_END = b"CLDRPEND"
SEGMENT_MAGIC = b"CLDRSEG1"

SEAL_HEADER = struct.Struct(">8sBBHI16s")  # magic, version, kind, 0, body length, salt
PACK_HEADER = struct.Struct(">8sB7s16s16s")  # magic, version, 0, repository, pack
PACK_TAIL = struct.Struct(">II8s")  # offset of the table, its length, magic
ENTRY = struct.Struct(">32sIIIB")  # chunk id, offset, stored length, plain length, codec
INDEX_PACK = struct.Struct(">16sII")  # pack, its size, number of entries
RUN = struct.Struct(">I")
RUN_OF_CHUNKS = 0x80000000

_PROJECT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_BACKUP = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Kind(IntEnum):
    """What a sealed object is; part of what its key is made from."""

    MANIFEST = 1
    INDEX = 2
    TABLE = 3
    WRITER = 4
    CHECKPOINT = 5
    CONDEMNED = 6
    EPOCH = 7
    QUARANTINE = 8
    COLLECTOR = 9


class Codec(IntEnum):
    """How the bytes of a chunk were made smaller."""

    PLAIN = 0
    ZSTD = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """Where in its pack a chunk is, and what it takes to open it."""

    chunk_id: bytes
    offset: int
    stored_bytes: int
    plain_bytes: int
    codec: int

    def pack(self) -> bytes:
        """Return the entry as tables and indexes hold it."""
        return ENTRY.pack(self.chunk_id, self.offset, self.stored_bytes, self.plain_bytes, self.codec)


@dataclass(frozen=True, slots=True)
class PackTable:
    """What is in one pack."""

    pack_id: bytes
    size: int
    entries: tuple[Entry, ...]


def project_prefix(project_id: str) -> str:
    """Return where a project's objects are. :raises ValueError: if the id cannot be part of a name."""
    if not _PROJECT.fullmatch(project_id):
        raise ValueError(f"{project_id[:80]!r} is not the id of a project")
    return f"projects/{project_id}/"


def checked_backup_id(backup_id: str) -> str:
    """Return `backup_id` unchanged. :raises ValueError: if it cannot be part of a name."""
    if not _BACKUP.fullmatch(backup_id):
        raise ValueError(f"{backup_id[:80]!r} is not the id of a backup")
    return backup_id


def pack_name(pack_id: bytes) -> str:
    """Return the name of a pack below its project's prefix."""
    text = pack_id.hex()
    return f"packs/{text[:2]}/{text}"


def pack_id_of(name: str) -> bytes | None:
    """Return the pack that is called `name` below its project's prefix, or None if that is no name of a pack."""
    try:
        found = bytes.fromhex(name.rpartition("/")[2])
    except ValueError:
        return None
    return found if len(found) == PACK_ID_BYTES and pack_name(found) == name else None


def parse_entries(body: bytes | memoryview, pack_size: int) -> tuple[Entry, ...]:
    """Read the entries of a pack of this size. :raises Damaged: if one of them cannot be."""
    if len(body) % ENTRY.size:
        raise Damaged("A table of chunks ends in the middle of an entry")
    found = tuple(Entry(*fields) for fields in ENTRY.iter_unpack(body))
    for entry in found:
        if not PACK_HEADER.size <= entry.offset <= entry.offset + entry.stored_bytes <= pack_size:
            raise Damaged("A chunk is said to lie outside its pack")
        if not 0 < entry.plain_bytes <= MAX_CHUNK_BYTES or entry.codec not in set(Codec):
            raise Damaged("A chunk is said to have an impossible size or codec")
        if not TAG_BYTES < entry.stored_bytes <= entry.plain_bytes + TAG_BYTES:
            raise Damaged("A chunk is said to be stored in an impossible size")
    return found


def dump_index(tables: list[PackTable]) -> bytes:
    """Return the body of an index segment."""
    parts = []
    for table in tables:
        parts.append(INDEX_PACK.pack(table.pack_id, table.size, len(table.entries)))
        parts.extend(entry.pack() for entry in table.entries)
    return b"".join(parts)


def parse_index(body: bytes) -> Iterator[PackTable]:
    """Read the body of an index segment. :raises Damaged: if it makes no sense."""
    view, at = memoryview(body), 0
    while at < len(view):
        if at + INDEX_PACK.size > len(view):
            raise Damaged("An index ends in the middle of a pack's head")
        pack_id, size, count = INDEX_PACK.unpack_from(view, at)
        at += INDEX_PACK.size
        end = at + count * ENTRY.size
        if end > len(view) or size > MAX_PACK_BYTES:
            raise Damaged("An index promises more than it holds")
        yield PackTable(pack_id, size, parse_entries(view[at:end], size))
        at = end


def dump_slots(slots: list[bytes | None]) -> bytes:
    """Return a manifest segment: runs of chunk ids and of zeros, always the same bytes for the same slots."""
    parts = [SEGMENT_MAGIC]
    for is_zero, group in groupby(slots, key=lambda slot: slot is None):
        run = list(group)
        parts.append(RUN.pack(len(run) if is_zero else RUN_OF_CHUNKS | len(run)))
        parts.extend(slot for slot in run if slot is not None)
    return b"".join(parts)


def parse_slots(body: bytes, count: int) -> list[bytes | None]:
    """Read a manifest segment of `count` slots. :raises Damaged: if it is anything else."""
    if body[:8] != SEGMENT_MAGIC:
        raise Damaged("A segment of a manifest does not begin like one")
    found: list[bytes | None] = []
    at = len(SEGMENT_MAGIC)
    while at < len(body):
        if at + RUN.size > len(body):
            raise Damaged("A segment of a manifest ends in the middle of a run")
        (head,) = RUN.unpack_from(body, at)
        at += RUN.size
        length = head & ~RUN_OF_CHUNKS
        if not 0 < length <= count - len(found):
            raise Damaged("A segment of a manifest has more slots than it should")
        if not head & RUN_OF_CHUNKS:
            found.extend([None] * length)
            continue
        end = at + length * ID_BYTES
        if end > len(body):
            raise Damaged("A segment of a manifest ends in the middle of a run")
        found.extend(body[start : start + ID_BYTES] for start in range(at, end, ID_BYTES))
        at = end
    if len(found) != count:
        raise Damaged("A segment of a manifest has fewer slots than it should")
    return found
