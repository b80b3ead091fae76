"""Verifying a repository: its structure, its data in samples or all; what is bad is set aside and healed by backups."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from backups.engine import format as fmt
from backups.engine import marks
from backups.engine.crew import Buffers, Crew
from backups.engine.errors import BackupMissing, Damaged, NotARepository
from backups.engine.format import Entry, Kind, PackTable
from backups.engine.index import ChunkIndex
from backups.engine.manifest import Manifest, backup_ids, read_manifest, slots_of
from backups.engine.packs import neighbours, read_table
from backups.engine.progress import Hooks, Meter
from backups.engine.repository import ProjectStore, Repository
from backups.engine.source import ChunkSource
from drivers.errors import ObjectMissing

_RANGE_BYTES = 4 * 1024**2
_MARKS = {
    marks.WRITERS: Kind.WRITER,
    marks.CHECKPOINTS: Kind.CHECKPOINT,
    marks.CONDEMNED: Kind.CONDEMNED,
    marks.EPOCH: Kind.EPOCH,
    marks.QUARANTINE: Kind.QUARANTINE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written."""

    name: str
    """The object, below the project's prefix."""
    reason: str


@dataclass(slots=True)
class Report:
    """What was found."""

    backups: int = 0
    packs: int = 0
    read_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)
    concerned: dict[str, str] = field(default_factory=dict)
    """Backups that cannot be restored as they are, and why."""

    @property
    def is_sound(self) -> bool:
        """Return whether nothing was found."""
        return not self.problems and not self.concerned


@dataclass(frozen=True, slots=True)
class Options:
    """How thorough to be."""

    part: float = 1.0
    """Of all packs, the part whose data are read: 0 looks at the structure only, 1 reads all."""
    workers: int = 3
    seed: int | None = None
    """Chooses the packs; without one each run chooses others."""


def verify(
    store: ProjectStore,
    *,
    digests: Mapping[str, bytes] | None = None,
    hooks: Hooks | None = None,
    options: Options | None = None,
) -> Report:
    """Look at everything a project has, set aside what is bad, and say which backups that concerns.

    `digests` are those of backups that ought to be there, as `back_up` returned them. Chunks that are set aside are
    relied upon by nobody, so the next backup of a volume that has them stores them anew, and heals older backups too.

    :raises Cancelled: if `hooks` say so.
    """
    index = ChunkIndex(store)
    try:
        return _Run(store, index, hooks or Hooks(), options or Options()).run(digests or {})
    finally:
        index.close()


class _Run:
    """One verification."""

    def __init__(self, store: ProjectStore, index: ChunkIndex, hooks: Hooks, options: Options) -> None:
        self._store, self._index, self._hooks, self._options = store, index, hooks, options
        self._source = ChunkSource(store, index)
        self._report = Report()
        self._lock = threading.Lock()
        self._verdicts: dict[bytes, str] = {}

    def run(self, digests: Mapping[str, bytes]) -> Report:
        """Do it: the head, the marks, the index, the packs, and last the backups in the light of all that."""
        self._look(
            fmt.REPOSITORY_NAME, partial(Repository.open, self._store.target, expected_id=self._store.repository.id)
        )
        for folder, kind in _MARKS.items():
            for found in self._store.list(folder):
                self._look(found.name, partial(self._store.get_sealed, kind, found.name))
        self._look_at_index()
        names = (found.name for found in self._store.list(marks.QUARANTINE))
        self._quarantined = {bytes.fromhex(name.rpartition("/")[2]) for name in names}
        self._look_at_packs()
        self._index.refresh()
        for backup_id in sorted({*backup_ids(self._store), *digests}):
            self._report.backups += 1
            self._look_at_backup(backup_id, digests.get(backup_id))
        return self._report

    def _look(self, name: str, look: Callable[[], object]) -> None:
        """Note what is wrong with one object."""
        try:
            look()
        except (Damaged, NotARepository) as error:
            self._note(name, error.message)
        except ObjectMissing:
            pass  # it went its way since it was listed

    def _note(self, name: str, reason: str) -> None:
        self._report.problems.append(Problem(name, reason))

    def _look_at_index(self) -> None:
        """Note segments that are damaged and packs that no segment names; then make the index whole from the packs.

        While somebody writes there are such packs, and nothing is wrong with that.
        """
        self._index.refresh()
        for name, reason in self._index.damaged.items():
            self._note(name, reason)
        if any(True for _ in marks.writers(self._store)):
            self._index.adopt()
            return
        unknown = sorted(self._index.unknown_packs())
        for pack_id in unknown:
            self._note(fmt.pack_name(pack_id), "No segment of the index names this pack")
        if unknown or self._index.damaged:
            self._index.repair()

    def _look_at_packs(self) -> None:
        """Look whether packs are there with their size; read the chosen ones."""
        chosen = random.Random(self._options.seed)  # noqa: S311 - samples need no secrecy
        meter = Meter(self._hooks, sum(found.size for found in self._store.list("packs/")))
        crew = Crew(self._options.workers, "verify")
        buffers = Buffers([bytearray(_RANGE_BYTES) for _ in range(self._options.workers)])
        seen = 0
        try:
            for table, size in self._packs_with_sizes():
                self._report.packs += 1
                if size is None:
                    self._set_aside(table, [], "It is missing")
                elif size != table.size or chosen.random() < self._options.part:
                    crew.submit(partial(self._read_pack, table, buffers))
                seen += size or 0
                meter.tell(seen, self._report.read_bytes)
            crew.drain()
        finally:
            crew.close()

    def _packs_with_sizes(self) -> Iterator[tuple[PackTable, int | None]]:
        """Yield the packs of the index with their sizes on the target; both come in the same order."""
        listing = self._store.list("packs/")
        found = next(listing, None)
        for _, table in self._index.mirror.packs():
            name = fmt.pack_name(table.pack_id)
            while found and found.name < name:
                found = next(listing, None)
            yield table, found.size if found and found.name == name else None

    def _read_pack(self, table: PackTable, buffers: Buffers) -> None:
        """Open every chunk of a pack; set aside those that are bad."""
        bad: list[bytes] = []
        for entries in neighbours(table.entries, _RANGE_BYTES):
            bad.extend(entry.chunk_id for entry in self._bad_of(table.pack_id, entries, buffers))
        reasons = [f"{len(bad)} of its {len(table.entries)} chunks are bad"] if bad else []
        try:
            self._compare(table)
        except (Damaged, ObjectMissing) as error:
            reasons.append(error.message)
            bad.append(marks.FRAME)
        if bad:
            self._set_aside(table, bad, "; ".join(reasons))
        elif table.pack_id in self._quarantined:
            self._store.delete(f"{marks.QUARANTINE}{table.pack_id.hex()}")  # somebody has put it right

    def _bad_of(self, pack_id: bytes, entries: list[Entry], buffers: Buffers) -> Iterator[Entry]:
        """Read neighbours in a pack, and yield those that are not what their ids say."""
        start, last = entries[0].offset, entries[-1]
        with buffers.one() as buffer:
            length = last.offset + last.stored_bytes - start
            whole = buffer if length <= len(buffer) else bytearray(length)
            with memoryview(whole)[:length] as view:
                found = self._fill(pack_id, view, start)
                for entry in entries:
                    end = min(entry.offset - start + entry.stored_bytes, found)
                    with view[min(entry.offset - start, end) : end] as stored:
                        if not self._opens(pack_id, entry, stored):
                            yield entry

    def _fill(self, pack_id: bytes, view: memoryview, offset: int) -> int:
        """Fill `view` from a pack, and return how much there was."""
        self._hooks.limit(len(view))
        try:
            found = self._store.target.get_into(self._store.prefix + fmt.pack_name(pack_id), view, offset=offset)
        except ObjectMissing:
            return 0
        with self._lock:
            self._report.read_bytes += found
        return found

    def _opens(self, pack_id: bytes, entry: Entry, stored: memoryview) -> bool:
        """Return whether a chunk is what its id says."""
        try:
            self._source.codec.open(pack_id, entry, stored)
        except Damaged:
            return False
        return True

    def _compare(self, table: PackTable) -> None:
        """Compare a pack's own table with the index. :raises Damaged: if they differ, or the pack has none."""
        if set(read_table(self._store, table.pack_id).entries) != set(table.entries):
            raise Damaged("Its own table and the index differ")

    def _set_aside(self, table: PackTable, chunk_ids: list[bytes], reason: str) -> None:
        """Have nobody rely on chunks of a pack, on none of it without ids."""
        marks.quarantine(self._store, table.pack_id, chunk_ids)
        self._note(fmt.pack_name(table.pack_id), reason)

    def _look_at_backup(self, backup_id: str, digest: bytes | None) -> None:
        """Note a backup if it is not the one it should be, or a chunk of it is nowhere whole."""
        try:
            manifest, _ = read_manifest(self._store, backup_id, digest=digest)
        except BackupMissing as error:
            if digest is not None:
                self._report.concerned[backup_id] = error.message
            return  # otherwise it was deleted since it was listed
        except Damaged as error:
            self._report.concerned[backup_id] = error.message
            return
        for verdict in self._verdicts_of(manifest):
            if verdict:
                self._report.concerned[backup_id] = verdict
                return

    def _verdicts_of(self, manifest: Manifest) -> Iterator[str]:
        """Yield for each segment what is wrong with it, "" for nothing; each is looked at once for all backups."""
        for number, segment in enumerate(manifest.segments):
            if segment is None:
                continue
            if segment not in self._verdicts:
                self._verdicts[segment] = self._verdict(manifest, number, segment)
            yield self._verdicts[segment]

    def _verdict(self, manifest: Manifest, number: int, segment: bytes) -> str:
        """Return what is wrong with a segment, "" for nothing."""
        if not self._is_good(segment):
            return f"The list of its chunks from segment {number} on is bad"
        try:
            slots = slots_of(manifest, number, self._source)
        except Damaged as error:
            return error.message
        bad = {slot for slot in slots if slot is not None and not self._is_good(slot)}
        return f"{len(bad)} of its chunks are bad or missing" if bad else ""

    def _is_good(self, chunk_id: bytes) -> bool:
        """Return whether some copy of a chunk is not known to be bad."""
        return any(not place.is_bad for place in self._index.places(chunk_id))
