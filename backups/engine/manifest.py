"""Manifests: what a backup is made of, as a list of segments which are lists of chunks."""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from backups.engine import format as fmt
from backups.engine.errors import BackupMissing, Damaged, ManifestReplaced
from backups.engine.format import Kind
from backups.engine.repository import ProjectStore
from backups.engine.source import ChunkSource
from drivers.errors import ObjectMissing

FOLDER = "manifests/"
SEGMENT_SLOTS = 16384
_LENGTH = struct.Struct(">I")
_NO_SEGMENT = bytes(fmt.ID_BYTES)


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a volume is divided: into slots of one chunk each, and those into segments."""

    volume_bytes: int
    chunk_bytes: int
    segment_slots: int = SEGMENT_SLOTS

    def __post_init__(self) -> None:
        if not 0 <= self.volume_bytes <= fmt.MAX_VOLUME_BYTES:
            raise Damaged(f"{self.volume_bytes} bytes are not the size of a volume")
        if not fmt.MIN_CHUNK_BYTES <= self.chunk_bytes <= fmt.MAX_CHUNK_BYTES:
            raise Damaged(f"{self.chunk_bytes} bytes are not the size of a chunk")
        if not 1 <= self.segment_slots <= fmt.MAX_SEGMENT_SLOTS:
            raise Damaged(f"A segment of {self.segment_slots} chunks cannot be")

    @property
    def slots(self) -> int:
        """Return into how many chunks the volume is divided; the last may be a short one."""
        return -(-self.volume_bytes // self.chunk_bytes)

    @property
    def segments(self) -> int:
        """Return how many segments that makes."""
        return -(-self.slots // self.segment_slots)

    def slots_of(self, segment: int) -> int:
        """Return how many slots a segment has."""
        return min(self.segment_slots, self.slots - segment * self.segment_slots)

    def length_of(self, slot: int) -> int:
        """Return how many bytes a slot has."""
        return min(self.chunk_bytes, self.volume_bytes - slot * self.chunk_bytes)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All there is to say about a backup. `None` among the segments is one of zeros only."""

    backup_id: str
    volume_id: str
    source: str
    """What was read, for instance a snapshot's id: an attempt that is repeated must read the same."""
    created_at: str
    geometry: Geometry
    segments: tuple[bytes | None, ...]
    parent_id: str | None = None
    generation: int = 1
    chunks_bytes: int = 0
    """Bytes of the volume that are not zeros."""
    stored_bytes: int = 0
    """What this backup added to the repository."""
    packs: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)


def put_manifest(store: ProjectStore, manifest: Manifest) -> bytes | None:
    """Put a manifest, which makes the backup exist; return its digest, to be kept elsewhere.

    Return None if there is one already, which is left alone.
    """
    name = FOLDER + fmt.checked_backup_id(manifest.backup_id)
    return store.put_sealed(Kind.MANIFEST, name, dump(manifest), only_if_absent=True)


def read_manifest(store: ProjectStore, backup_id: str, *, digest: bytes | None = None) -> tuple[Manifest, bytes]:
    """Return a backup's manifest and its digest.

    :raises BackupMissing: if there is none.
    :raises Damaged: if it is not what was written.
    :raises ManifestReplaced: if it is genuine, but not the one with this digest.
    """
    name = FOLDER + fmt.checked_backup_id(backup_id)
    try:
        body, found_digest = store.get_sealed(Kind.MANIFEST, name)
    except ObjectMissing:
        raise BackupMissing(f"There is no backup {backup_id} on target {store.target.key!r}") from None
    if digest not in {None, found_digest}:
        raise ManifestReplaced(f"The manifest of backup {backup_id} is not the one that was written last")
    found = parse(body)
    if found.backup_id != backup_id:
        raise Damaged(f"{name} describes another backup")
    return found, found_digest


def delete_manifest(store: ProjectStore, backup_id: str) -> None:
    """Make a backup not exist; what only it needed goes when the collector comes."""
    store.delete(FOLDER + fmt.checked_backup_id(backup_id))


def backup_ids(store: ProjectStore) -> Iterator[str]:
    """Yield the ids of all backups of the project."""
    for found in store.list(FOLDER):
        yield found.name.removeprefix(FOLDER)


def slots_of(manifest: Manifest, number: int, source: ChunkSource) -> list[bytes | None]:
    """Return the chunk ids of one segment, `None` for zeros. :raises Damaged: if the segment is not whole."""
    count = manifest.geometry.slots_of(number)
    segment = manifest.segments[number]
    if segment is None:
        return [None] * count
    return fmt.parse_slots(source.fetch(segment), count)


def is_whole(manifest: Manifest, source: ChunkSource) -> bool:
    """Return whether a backup may rely upon everything that a manifest names, and rely upon it."""
    is_stored = source.index.is_stored
    try:
        return all(segment is None or is_stored(segment) for segment in manifest.segments) and all(
            slot is None or is_stored(slot)
            for number in range(len(manifest.segments))
            for slot in slots_of(manifest, number, source)
        )
    except Damaged:
        return False


def dump(manifest: Manifest) -> bytes:
    """Return the body of a manifest."""
    head = {name: value for name, value in asdict(manifest).items() if name != "segments"}
    return join_head(head, manifest.segments)


def parse(body: bytes) -> Manifest:
    """Read the body of a manifest. :raises Damaged: if it makes no sense."""
    head, rest = split_head(body)
    try:
        geometry = Geometry(**head.pop("geometry"))
        segments = parse_segments(rest, geometry.segments)
        return Manifest(geometry=geometry, segments=segments, **head)
    except (TypeError, KeyError) as error:
        raise Damaged(f"A manifest lacks something: {error}") from None


def join_head(head: Mapping[str, Any], segments: tuple[bytes | None, ...]) -> bytes:
    """Return a JSON object with its length before it and segments behind it."""
    text = json.dumps(head, sort_keys=True).encode()
    return b"".join([_LENGTH.pack(len(text)), text, *(segment or _NO_SEGMENT for segment in segments)])


def split_head(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the JSON object and what comes after it. :raises Damaged: if there is none."""
    if len(body) < _LENGTH.size:
        raise Damaged("A manifest has no head")
    end = _LENGTH.size + _LENGTH.unpack_from(body)[0]
    try:
        head = json.loads(body[_LENGTH.size : end])
    except ValueError:
        raise Damaged("The head of a manifest is not JSON") from None
    if not isinstance(head, dict):
        raise Damaged("The head of a manifest is not an object")
    return head, body[end:]


def parse_segments(body: bytes, count: int) -> tuple[bytes | None, ...]:
    """Return `count` segments' ids. :raises Damaged: if there are more or fewer."""
    if len(body) != count * fmt.ID_BYTES:
        raise Damaged("A manifest has not the segments that its volume's size demands")
    found = (body[at : at + fmt.ID_BYTES] for at in range(0, len(body), fmt.ID_BYTES))
    return tuple(None if segment == _NO_SEGMENT else segment for segment in found)
