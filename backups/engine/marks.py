"""Marks that jobs leave for each other in a repository: who writes, what is condemned, what is bad."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backups.engine import format as fmt
from backups.engine.errors import Damaged
from backups.engine.format import Kind
from backups.engine.repository import ProjectStore
from drivers.errors import ObjectMissing

WRITERS = "writers/"
CONDEMNED = "gc/condemned/"
QUARANTINE = "quarantine/"
EPOCH = "gc/epoch"
FRAME = bytes(fmt.ID_BYTES)
"""Among the ids of a pack's bad chunks: its header, table or tail is bad."""
CHECKPOINTS = "checkpoints/"
REVOKED_AGE = timedelta(days=30)
"""By then nobody can still be writing what was given up."""
_NUMBER = struct.Struct(">Q")
_MARK = struct.Struct(">Q16s")
_REVOKED = bytes(16)
_KINDS = {CONDEMNED: (Kind.CONDEMNED, fmt.PACK_ID_BYTES), QUARANTINE: (Kind.QUARANTINE, fmt.ID_BYTES)}


@dataclass(frozen=True, slots=True)
class Writer:
    """A backup that is under way, or was when its worker died."""

    backup_id: str
    epoch: int
    """Lists of condemned packs up to this one were known when it began, so it relies on none of them."""
    seen_at: datetime
    """Its last checkpoint, by the target's clock."""


def current_epoch(store: ProjectStore) -> int:
    """Return the number of the latest list of condemned packs, even if it is gone.

    Where that cannot be read it is taken for a low one: then the collector waits for more backups than it must.
    """
    try:
        kept = read_number(store, Kind.EPOCH, EPOCH) or 0
    except Damaged:
        kept = 0
    return max([kept, *(epoch_of(found.name) for found in store.list(CONDEMNED))])


def epoch_of(name: str) -> int:
    """Return which list of condemned packs is called `name`, 0 if none can be."""
    try:
        return int(name.rpartition("/")[2], 16)
    except ValueError:
        return 0


class Hold(StrEnum):
    """What became of the mark that an attempt found or put."""

    HELD = "held"
    LOST = "lost"
    """The collector took the backup for dead, and perhaps another attempt has begun anew since."""
    GONE = "gone"
    """Another attempt finished the backup, or somebody abandoned it."""


def enter(store: ProjectStore, backup_id: str) -> tuple[bytes, bool]:
    """Make known that this backup is being written; return the mark's token, and whether it was known before.

    A mark that is there stays as it is: what the earlier attempt relied upon is still protected by it.
    """
    found = _mark(store, backup_id)
    if found and found[1] != _REVOKED:
        return found[1], True
    token = os.urandom(len(_REVOKED))
    store.put_sealed(Kind.WRITER, WRITERS + backup_id, _MARK.pack(current_epoch(store), token))
    return token, False


def hold(store: ProjectStore, backup_id: str, token: bytes) -> Hold:
    """Return whether the mark with this token still protects the backup."""
    found = _mark(store, backup_id)
    if found is None:
        return Hold.GONE
    return Hold.HELD if found[1] == token else Hold.LOST


def leave(store: ProjectStore, backup_id: str) -> None:
    """Take the mark of this backup away."""
    store.delete(WRITERS + backup_id)


def revoke(store: ProjectStore, backup_id: str) -> None:
    """Protect what this backup relies upon no longer; whoever still writes it finds that out before he is done."""
    store.put_sealed(Kind.WRITER, WRITERS + backup_id, _MARK.pack(0, _REVOKED))


def writers(store: ProjectStore) -> Iterator[Writer]:
    """Yield the backups that are being written. One whose mark is damaged counts as the oldest."""
    told = {found.name.removeprefix(CHECKPOINTS): found.modified_at for found in store.list(CHECKPOINTS)}
    for found in store.list(WRITERS):
        backup_id = found.name.removeprefix(WRITERS)
        mark = _mark(store, backup_id)
        if mark and mark[1] != _REVOKED:
            yield Writer(backup_id, mark[0], max(found.modified_at, told.get(backup_id, found.modified_at)))
        elif mark and datetime.now(UTC) - found.modified_at > REVOKED_AGE:
            leave(store, backup_id)


def _mark(store: ProjectStore, backup_id: str) -> tuple[int, bytes] | None:
    """Return the epoch and the token of a backup's mark, None if it has none; nobody has a damaged one's token."""
    try:
        body, _ = store.get_sealed(Kind.WRITER, WRITERS + backup_id)
    except ObjectMissing:
        return None
    except Damaged:
        return 0, b""
    epoch, token = _MARK.unpack(body)
    return epoch, token


def read_number(store: ProjectStore, kind: Kind, name: str) -> int | None:
    """Return the number that a sealed object holds, None if there is no such object. :raises Damaged: if not one."""
    try:
        body, _ = store.get_sealed(kind, name)
    except ObjectMissing:
        return None
    if len(body) != _NUMBER.size:
        raise Damaged(f"{name} holds no number")
    return int(_NUMBER.unpack(body)[0])


def write_number(store: ProjectStore, kind: Kind, name: str, value: int) -> None:
    """Put a number into a sealed object."""
    store.put_sealed(kind, name, _NUMBER.pack(value))


def read_ids(store: ProjectStore, folder: str) -> Iterator[tuple[str, list[bytes] | None]]:
    """Yield (name, ids) of each list in a folder; None for the ids of one that cannot be read."""
    for found in store.list(folder):
        kind, size = _KINDS[folder]
        try:
            body, _ = store.get_sealed(kind, found.name)
        except ObjectMissing:
            continue
        except Damaged:
            yield found.name, None
        else:
            yield found.name, [body[at : at + size] for at in range(0, len(body), size)]


def quarantine(store: ProjectStore, pack_id: bytes, chunk_ids: list[bytes]) -> None:
    """Have nobody rely on these chunks in this pack any more; without ids, on none in it.

    A pack with such a mark is written anew by the collector, as far as it is whole and needed.
    """
    name = f"{QUARANTINE}{pack_id.hex()}"
    known: set[bytes] = set()
    try:
        body, _ = store.get_sealed(Kind.QUARANTINE, name)
        known = {body[at : at + fmt.ID_BYTES] for at in range(0, len(body), fmt.ID_BYTES)}
    except (ObjectMissing, Damaged):
        pass
    else:
        if not known:
            return  # all of it is quarantined already
    ids = sorted(known | set(chunk_ids)) if chunk_ids else []
    store.put_sealed(Kind.QUARANTINE, name, b"".join(ids))
