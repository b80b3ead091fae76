"""Checkpoints: how far a backup is, kept in the repository, so that a killed one goes on from there."""

from dataclasses import asdict, dataclass, field, replace

from backups.engine import format as fmt
from backups.engine.errors import Damaged
from backups.engine.format import Kind
from backups.engine.manifest import Geometry, join_head, parse_segments, split_head
from backups.engine.marks import CHECKPOINTS
from backups.engine.repository import ProjectStore
from drivers.errors import ObjectMissing


@dataclass(slots=True)
class State:
    """What is finished: whole segments, and the first slots of the next one."""

    source: str
    geometry: Geometry
    segments: list[bytes | None] = field(default_factory=list)
    slots: list[bytes | None] = field(default_factory=list)
    sequence: int = 0
    chunks_bytes: int = 0
    stored_bytes: int = 0
    packs: int = 0

    @property
    def position(self) -> int:
        """Return up to which byte the volume is finished."""
        slots = len(self.segments) * self.geometry.segment_slots + len(self.slots)
        return min(slots * self.geometry.chunk_bytes, self.geometry.volume_bytes)


def save(store: ProjectStore, backup_id: str, state: State) -> None:
    """Put the checkpoint of a backup in the place of the one before."""
    head = asdict(replace(state, segments=[], slots=[]))
    head |= {"segments": len(state.segments), "slots": len(state.slots)}
    body = join_head(head, tuple(state.segments)) + fmt.dump_slots(state.slots)
    store.put_sealed(Kind.CHECKPOINT, CHECKPOINTS + backup_id, body)


def load(store: ProjectStore, backup_id: str, wanted: State) -> State | None:
    """Return the checkpoint of a backup if it is of the same source and size and no older than `wanted`."""
    try:
        body, _ = store.get_sealed(Kind.CHECKPOINT, CHECKPOINTS + backup_id)
        found = _parse(body)
    except (ObjectMissing, Damaged):
        return None
    same = (found.source, found.geometry) == (wanted.source, wanted.geometry)
    return found if same and found.sequence >= wanted.sequence else None


def drop(store: ProjectStore, backup_id: str) -> None:
    """Forget how far a backup was."""
    store.delete(CHECKPOINTS + backup_id)


def _parse(body: bytes) -> State:
    """Read a checkpoint. :raises Damaged: if it makes no sense."""
    head, rest = split_head(body)
    try:
        segments, slots = int(head.pop("segments")), int(head.pop("slots"))
        geometry = Geometry(**head.pop("geometry"))
        end = segments * fmt.ID_BYTES
        done = list(parse_segments(rest[:end], segments))
        return State(geometry=geometry, segments=done, slots=fmt.parse_slots(rest[end:], slots), **head)
    except (TypeError, KeyError, ValueError) as error:
        raise Damaged(f"A checkpoint lacks something: {error}") from None
