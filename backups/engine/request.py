"""What a backup job is asked for, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backups.engine.chunks import CHUNK_BYTES
from backups.engine.manifest import SEGMENT_SLOTS, Manifest
from backups.engine.packs import PACK_BYTES, UPLOADS
from backups.engine.planning import Changed


@dataclass(frozen=True, slots=True)
class Request:
    """What to back up. An attempt that is repeated gives the same ids and the same `source`."""

    backup_id: str
    volume_id: str
    source: str
    """What the connections read: it never changes, for instance a snapshot, and this is its id."""
    parent_id: str | None = None
    parent_digest: bytes | None = None
    """The parent's digest, where it is known: of another manifest nothing is taken over."""
    changed: Changed | None = None
    """The ranges that differ from the parent, where they are known for certain."""
    sequence: int = 0
    """The last checkpoint that was told; an older one that is found is not believed."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes and numbers; the defaults keep a job within 128 MiB."""

    chunk_bytes: int = CHUNK_BYTES
    segment_slots: int = SEGMENT_SLOTS
    pack_bytes: int = PACK_BYTES
    span_bytes: int = 4 * 1024**2
    workers: int = 3
    uploads: int = UPLOADS
    checkpoint_bytes: int = 256 * 1024**2
    checkpoint_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """A finished backup. Keep the digest: with it an older manifest that is put back is found out."""

    manifest: Manifest
    digest: bytes
