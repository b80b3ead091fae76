"""Making a backup: the stages from extents to the manifest, at work all at once within little memory."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from backups.engine import checkpoints, marks
from backups.engine import format as fmt
from backups.engine.checkpoints import State
from backups.engine.chunks import ChunkCodec
from backups.engine.errors import BackupMissing, ChunksGone, Damaged
from backups.engine.index import NO_PACK, ChunkIndex
from backups.engine.manifest import (
    Geometry,
    Manifest,
    delete_manifest,
    is_whole,
    put_manifest,
    read_manifest,
)
from backups.engine.marks import Hold
from backups.engine.packs import PackWriter
from backups.engine.planning import Planner, SegmentPlan
from backups.engine.progress import Checkpoint, Hooks, Meter
from backups.engine.reading import SpanReaders
from backups.engine.repository import ProjectStore
from backups.engine.request import Options, Request, Result
from backups.engine.source import ChunkSource
from drivers.connect.base import Connection


def back_up(
    store: ProjectStore,
    connections: Sequence[Connection],
    request: Request,
    *,
    hooks: Hooks | None = None,
    options: Options | None = None,
    cache: Path | None = None,
) -> Result:
    """Back up a volume through one or more connections to the same content; go on where a killed attempt was.

    The backup exists when this returns and not before. One that is finished already is left as it is.

    :raises Cancelled: if `hooks` say so; a later attempt goes on, or `abandon` clears up.
    :raises ChunksGone: if what it relied upon went away; the next attempt begins anew.
    """
    index = ChunkIndex(store, cache)
    try:
        finished, generation = _finished(store, request, index)
        if finished:
            _clear(store, request.backup_id)
            return finished
        job = _Job(store, connections, request, hooks=hooks or Hooks(), options=options or Options(), index=index)
        return job.run(generation)
    finally:
        index.close()


def abandon(store: ProjectStore, backup_id: str) -> None:
    """Forget an attempt that will not be continued; the collector takes what it stored."""
    delete_manifest(store, backup_id)
    _clear(store, backup_id)


class _Job:
    """One attempt at one backup."""

    def __init__(
        self,
        store: ProjectStore,
        connections: Sequence[Connection],
        request: Request,
        *,
        hooks: Hooks,
        options: Options,
        index: ChunkIndex,
    ) -> None:
        self._store, self._request, self._hooks, self._options = store, request, hooks, options
        self._index = index
        self._geometry = Geometry(connections[0].size, options.chunk_bytes, options.segment_slots)
        codec = ChunkCodec(store.keys)
        self._source = ChunkSource(store, index, codec)
        self._packs = PackWriter(
            store, codec, pack_bytes=options.pack_bytes, uploads=options.uploads, limit=hooks.limit
        )
        self._readers = SpanReaders(
            connections,
            self._geometry,
            store.keys,
            index,
            self._packs,
            workers=options.workers,
            span_bytes=options.span_bytes,
        )

    def run(self, generation: int) -> Result:
        """Do it. Raises as `back_up` does."""
        try:
            self._state = self._begin()
            self._resumed = self._state.chunks_bytes, self._state.stored_bytes, self._state.packs
            self._meter = Meter(self._hooks, self._geometry.volume_bytes, done_bytes=self._state.position)
            self._submitted_bytes, self._saved_bytes, self._saved_at = 0, 0, time.monotonic()
            planner = Planner(self._geometry, self._source, self._parent(), self._request.changed)
            for number in range(len(self._state.segments), self._geometry.segments):
                with self._readers.connections.one() as connection:
                    plan = planner.plan(number, connection)
                self._segment(plan)
            return self._commit(generation)
        finally:
            self._readers.close()
            self._packs.close()

    def _begin(self) -> State:
        """Make known that this writes, look what there is, and return where to begin."""
        fresh = State(self._request.source, self._geometry, sequence=self._request.sequence)
        self._token, was_known = marks.enter(self._store, self._request.backup_id)
        self._index.refresh()
        found = checkpoints.load(self._store, self._request.backup_id, fresh) if was_known else None
        if found and self._is_whole(found):
            return found
        self._index.forget_uses()
        return fresh

    def _is_whole(self, state: State) -> bool:
        """Return whether everything that a checkpoint relies upon is there, and rely upon it."""
        if not all(chunk_id is None or self._index.is_stored(chunk_id) for chunk_id in state.slots):
            return False
        bytes_done = min(
            len(state.segments) * self._geometry.segment_slots * self._geometry.chunk_bytes,
            self._geometry.volume_bytes,
        )
        part = Geometry(bytes_done, self._geometry.chunk_bytes, self._geometry.segment_slots)
        return is_whole(Manifest("", "", "", "", part, tuple(state.segments)), self._source)

    def _parent(self) -> Manifest | None:
        """Return the parent if its slots can be of use; the volume is read where they cannot."""
        if self._request.parent_id is None or self._request.changed is None:
            return None
        try:
            return read_manifest(self._store, self._request.parent_id, digest=self._request.parent_digest)[0]
        except (BackupMissing, Damaged):
            return None

    def _segment(self, plan: SegmentPlan) -> None:
        """Fill in one segment and store it, with checkpoints on the way."""
        plan.skip(self._state.slots)
        base = plan.number * self._geometry.segment_slots
        for first, count in plan.spans(self._readers.span_slots):
            self._readers.submit(plan.slots, base, first, count)
            self._submitted_bytes += count * self._geometry.chunk_bytes
            self._tell((base + first) * self._geometry.chunk_bytes)
            if self._is_due():
                self._readers.drain()
                self._state.slots = plan.slots[: first + count]
                self._checkpoint()
        self._readers.drain()
        self._state.segments.append(self._stored_segment(plan.slots))
        self._state.slots = []
        self._tell(self._state.position)
        if self._is_due():
            self._checkpoint()

    def _stored_segment(self, slots: list[bytes | None]) -> bytes | None:
        """Store the list of a segment's chunks as a chunk of its own; zeros alone need none."""
        if not any(slots):
            return None
        body = fmt.dump_slots(slots)
        segment = self._store.keys.id_of(body)
        if self._index.claim(segment):
            self._packs.add(segment, body)
        return segment

    def _is_due(self) -> bool:
        """Return whether another span would be more than may be done twice, or it is time for a checkpoint."""
        if self._submitted_bytes - self._saved_bytes + self._options.span_bytes > self._options.checkpoint_bytes:
            return True
        return time.monotonic() - self._saved_at >= self._options.checkpoint_s

    def _checkpoint(self) -> None:
        """Make everything before the current position safe, then say so. Nobody reads meanwhile.

        :raises ChunksGone: if the collector gave this backup up.
        """
        self._publish()
        self._need_hold()
        self._state.sequence += 1
        checkpoints.save(self._store, self._request.backup_id, self._state)
        self._hooks.on_checkpoint(Checkpoint(self._state.sequence, self._state.position))
        self._tell(self._state.position, now=True)
        self._saved_bytes, self._saved_at = self._submitted_bytes, time.monotonic()

    def _publish(self) -> None:
        """Have all packs on the target and in the index, and count them."""
        self._index.publish(self._packs.flush())
        chunks_bytes, stored_bytes, packs = self._resumed
        self._state.chunks_bytes = chunks_bytes + self._readers.chunks_bytes
        self._state.stored_bytes = stored_bytes + self._packs.stored_bytes
        self._state.packs = packs + self._packs.packs

    def _commit(self, generation: int) -> Result:
        """Look again whether all is there that this relies upon, and put the manifest, which makes it a backup.

        If our mark is lost after that, the collector no longer waited for us and may not have seen the manifest.

        :raises ChunksGone: if it is so, or something is not there any more, or another attempt was quicker.
        """
        self._publish()
        self._need_hold()
        self._need_packs()
        self._tell(self._geometry.volume_bytes, now=True)
        manifest = self._manifest(generation)
        digest = put_manifest(self._store, manifest)
        if digest is None:
            raise ChunksGone("Another attempt at this backup is just finishing it")
        if marks.hold(self._store, self._request.backup_id, self._token) is Hold.LOST:
            delete_manifest(self._store, self._request.backup_id)
            self._need_hold()
        _clear(self._store, self._request.backup_id)
        return Result(manifest, digest)

    def _need_hold(self) -> None:
        """Make sure that our mark protects what this relies upon. If not, our own packs may be gone as well.

        :raises ChunksGone: if it does not.
        """
        found = marks.hold(self._store, self._request.backup_id, self._token)
        if found is not Hold.HELD:
            self._need_packs(own=True)
            raise ChunksGone(f"This attempt is no longer the one that counts: its mark is {found}")

    def _need_packs(self, *, own: bool = False) -> None:
        """Make sure that the packs relied upon are there. :raises ChunksGone: if not; then nobody relies on them."""
        missing = self._index.missing_packs(own=own)
        for pack_id in set(missing) - {NO_PACK}:
            marks.quarantine(self._store, pack_id, [])
        if missing:
            checkpoints.drop(self._store, self._request.backup_id)
            raise ChunksGone(f"{len(missing)} packs that this backup relied upon are gone")

    def _manifest(self, generation: int) -> Manifest:
        """Return the manifest of what was done."""
        return Manifest(
            backup_id=self._request.backup_id,
            volume_id=self._request.volume_id,
            source=self._request.source,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            geometry=self._geometry,
            segments=tuple(self._state.segments),
            parent_id=self._request.parent_id,
            generation=generation,
            chunks_bytes=self._state.chunks_bytes,
            stored_bytes=self._state.stored_bytes,
            packs=self._state.packs,
            metadata=self._request.metadata,
        )

    def _tell(self, position: int, *, now: bool = False) -> None:
        """Report progress. :raises Cancelled: if the job is called off."""
        self._meter.tell(position, self._readers.read_bytes, now=now)


def _finished(store: ProjectStore, request: Request, index: ChunkIndex) -> tuple[Result | None, int]:
    """Return the backup if an earlier attempt put its manifest and could not say so; else the generation to make.

    What it relies upon is looked for, since the collector may have taken that attempt for dead. A manifest that is
    of no use is deleted, so that a new one can be put.
    """
    generation = 1
    try:
        manifest, digest = read_manifest(store, request.backup_id)
        generation = manifest.generation + 1
        if manifest.source == request.source:
            marks.enter(store, request.backup_id)
            index.refresh()
            if is_whole(manifest, ChunkSource(store, index)) and not index.missing_packs():
                return Result(manifest, digest), generation
    except BackupMissing:
        return None, generation
    except Damaged:
        pass
    delete_manifest(store, request.backup_id)
    index.forget_uses()
    return None, generation


def _clear(store: ProjectStore, backup_id: str) -> None:
    """Take away what only a backup under way needs."""
    checkpoints.drop(store, backup_id)
    marks.leave(store, backup_id)
