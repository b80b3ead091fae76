"""Collecting what no backup needs any more: condemned in one run, deleted in a later one, while backups go on.

A run condemns packs by a numbered list. A backup that begins later knows the list and relies on nothing in it; for
those that began earlier the next run waits, then looks whether their manifests need a condemned pack after all.
"""

import os
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from backups.engine import checkpoints, marks
from backups.engine import format as fmt
from backups.engine.errors import CollectorBusy, Damaged
from backups.engine.format import Kind, PackTable
from backups.engine.index import ChunkIndex
from backups.engine.live import LiveChunks, live_chunks
from backups.engine.marks import Writer
from backups.engine.packs import PackWriter
from backups.engine.repository import ProjectStore
from backups.engine.source import ChunkSource
from drivers.errors import ObjectMissing

LOCK = "gc/running"
WRITER_AGE = timedelta(days=7)
LOCK_AGE = timedelta(days=1)


def is_old(writer: Writer) -> bool:
    """Return whether a backup made no checkpoint for so long that it is taken for dead."""
    return datetime.now(UTC) - writer.seen_at > WRITER_AGE


@dataclass(frozen=True, slots=True)
class Options:
    """How thorough to be."""

    least_live: float = 0.5
    """Packs of which backups need less than this part are written anew without the rest."""
    most_rewritten_bytes: int = 4 * 1024**3
    """In one run; what is left is for the next one."""
    most_segments: int = 64
    """More index segments than this become few."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who collects: its name in the repository while it does, and how it knows of others that died doing so."""

    token: bytes = field(default_factory=lambda: os.urandom(16))
    is_over: Callable[[bytes], bool] = lambda _token: False
    """Tells of a name that is found whether that run has ended without taking it away."""
    check: Callable[[], None] = lambda: None
    """Is called before anything is taken away, and raises if somebody else has taken over."""


@dataclass(slots=True)
class Collected:
    """What a run did."""

    condemned_packs: int = 0
    rescued_packs: int = 0
    rewritten_packs: int = 0
    deleted_packs: int = 0
    deleted_bytes: int = 0
    waits_for: tuple[str, ...] = ()
    """Backups under way that began before something was condemned: it stays until they end."""


def collect(
    store: ProjectStore,
    *,
    is_dead: Callable[[Writer], bool] = is_old,
    options: Options | None = None,
    limit: Callable[[int], None] = lambda _bytes: None,
    holder: Holder | None = None,
) -> Collected:
    """Delete what an earlier run condemned and nobody needs, then condemn what nobody needs now. Blocks no backup.

    `is_dead` tells which backups under way will not be continued; one that is, all the same, has to begin anew.

    :raises CollectorBusy: if another run is under way for this project.
    :raises Damaged: if it cannot be known what a backup needs; verify, then delete or heal that backup.
    """
    holder = holder or Holder()
    with _lock(store, holder):
        index = ChunkIndex(store)  # of its own: what others publish meanwhile must not appear in the middle
        try:
            return _Run(store, index, options or Options(), limit, check=holder.check).run(is_dead)
        finally:
            index.close()


class _Run:
    """One run of the collector."""

    def __init__(
        self,
        store: ProjectStore,
        index: ChunkIndex,
        options: Options,
        limit: Callable[[int], None],
        *,
        check: Callable[[], None],
    ) -> None:
        self._store, self._index, self._options, self._limit = store, index, options, limit
        self._check = check
        self._source = ChunkSource(store, index)
        self._done = Collected()

    def run(self, is_dead: Callable[[Writer], bool]) -> Collected:
        """Do both phases. Raises as `collect` does.

        The order matters: writers are looked at before manifests, so whoever ended in between has put his manifest.
        """
        for writer in list(marks.writers(self._store)):
            if is_dead(writer):
                marks.revoke(self._store, writer.backup_id)
                checkpoints.drop(self._store, writer.backup_id)
        writers = list(marks.writers(self._store))
        self._index.refresh()
        live = live_chunks(self._store, self._source)
        if self._index.damaged or self._index.adopted:
            self._index.repair()
        else:
            self._index.refresh()  # what the manifests rely upon was indexed before they were put
        try:
            self._sweep(live, writers)
            self._condemn(live, writers)
        finally:
            live.close()
        return self._done

    def _sweep(self, live: LiveChunks, writers: list[Writer]) -> None:
        """Delete condemned packs that no backup needs and no writer may rely upon."""
        gone: dict[bytes, int] = {}
        lists, waits_for = [], set()
        for name, pack_ids in marks.read_ids(self._store, marks.CONDEMNED):
            earlier = [writer.backup_id for writer in writers if writer.epoch < marks.epoch_of(name)]
            waits_for.update(earlier)
            if not earlier:
                lists.append(name)
                gone.update((pack_id, 0) for pack_id in pack_ids or [])
        self._done.waits_for = tuple(sorted(waits_for))
        for pack_id in list(gone):
            table = self._index.mirror.table(pack_id)
            if table and self._is_needed(table, live):
                del gone[pack_id]
                self._done.rescued_packs += 1
            elif table:
                gone[pack_id] = table.size
        self._check()
        self._index.rewrite_segments(without=set(gone), most=self._options.most_segments)
        for pack_id, size in gone.items():
            self._check()
            self._store.delete(fmt.pack_name(pack_id))
            self._store.delete(f"{marks.QUARANTINE}{pack_id.hex()}")
            self._done.deleted_packs += 1
            self._done.deleted_bytes += size
        for name in lists:
            self._store.delete(name)
        self._index.refresh()

    def _is_needed(self, table: PackTable, live: LiveChunks) -> bool:
        """Return whether a condemned pack holds the last copy of something live."""
        for entry in table.entries:
            if entry.chunk_id in live:
                places = self._index.places(entry.chunk_id)
                if not any(not place.is_bad and not place.is_condemned for place in places):
                    return True
        return False

    def _condemn(self, live: LiveChunks, writers: list[Writer]) -> None:
        """Put the list of packs that no backup needs now, after writing anew those that are mostly waste."""
        needed = self._needed_bytes(live)
        if needed is None:
            return  # a backup is damaged: verify names it; until it is healed or deleted nothing is thrown away
        condemned = [] if writers else list(self._index.unknown_packs())
        worn: list[PackTable] = []
        for number, table in self._index.mirror.packs():
            if self._is_condemned(table):
                continue
            if not needed[number]:
                condemned.append(table.pack_id)
            elif self._is_worn(table, needed[number]):
                worn.append(table)
        condemned += self._rewrite(worn, live)
        if condemned:
            self._check()
            self._write_list(condemned, writers)

    def _is_worn(self, table: PackTable, needed_bytes: int) -> bool:
        """Return whether a pack is mostly waste, or partly bad."""
        return needed_bytes < table.size * self._options.least_live or self._index.mirror.has_bad_parts(table.pack_id)

    def _write_list(self, condemned: list[bytes], writers: list[Writer]) -> None:
        """Put a list of condemned packs, then its number: who knows the number has seen the list."""
        epoch = max([marks.current_epoch(self._store), *(writer.epoch for writer in writers)]) + 1
        self._store.put_sealed(Kind.CONDEMNED, f"{marks.CONDEMNED}{epoch:016x}", b"".join(condemned))
        marks.write_number(self._store, Kind.EPOCH, marks.EPOCH, epoch)
        self._done.condemned_packs = len(condemned)

    def _needed_bytes(self, live: LiveChunks) -> "array[int] | None":
        """Return for each pack, by its number, how many bytes backups need; None if something live is nowhere.

        Of several copies the one that readers would take counts.
        """
        numbers = [number for number, _ in self._index.mirror.packs()]
        needed = array("Q", bytes(8 * (max(numbers, default=0) + 1)))
        for chunk_id in live:
            places = self._index.places(chunk_id)
            if not places:
                return None
            needed[places[0].pack_number] += places[0].entry.stored_bytes
        return needed

    def _is_condemned(self, table: PackTable) -> bool:
        """Return whether a pack is on a list already."""
        places = self._index.places(table.entries[0].chunk_id) if table.entries else []
        return any(place.is_condemned for place in places if place.pack_id == table.pack_id)

    def _rewrite(self, worn: list[PackTable], live: LiveChunks) -> list[bytes]:
        """Store what is needed of these packs once more; return those of them that are not needed then."""
        writer = PackWriter(self._store, self._source.codec, limit=self._limit)
        done: list[bytes] = []
        copied: set[bytes] = set()
        try:
            for table in worn:
                if writer.stored_bytes > self._options.most_rewritten_bytes:
                    break
                if self._copy(table, live, writer, copied):
                    done.append(table.pack_id)
            self._index.publish(writer.flush())
        finally:
            writer.close()
        self._done.rewritten_packs = len(done)
        return done

    def _copy(self, table: PackTable, live: LiveChunks, writer: PackWriter, copied: set[bytes]) -> bool:
        """Store anew what readers would take from this pack; return False if that is not whole."""
        for entry in table.entries:
            if entry.chunk_id not in copied and self._lives_here(entry.chunk_id, table, live):
                try:
                    plain = self._source.fetch(entry.chunk_id)
                except Damaged:
                    return False  # for verify to find and for the next backup to heal
                writer.add(entry.chunk_id, plain)
                copied.add(entry.chunk_id)
        return True

    def _lives_here(self, chunk_id: bytes, table: PackTable, live: LiveChunks) -> bool:
        """Return whether readers would take a live chunk from this pack."""
        return chunk_id in live and self._index.places(chunk_id)[0].pack_id == table.pack_id


@contextmanager
def _lock(store: ProjectStore, holder: Holder) -> Iterator[None]:
    """Keep other runs for this project away; a lock that is over, or a day old, was left by a worker that died.

    :raises CollectorBusy: if another run has it.
    """
    token = holder.token
    if store.put_sealed(Kind.COLLECTOR, LOCK, token, only_if_absent=True) is None:
        since = next((found.modified_at for found in store.list(LOCK)), None)
        is_young = since is None or datetime.now(UTC) - since < LOCK_AGE
        if is_young and not holder.is_over(_holder(store) or b""):
            raise CollectorBusy
        store.put_sealed(Kind.COLLECTOR, LOCK, token)
    try:
        yield
    finally:
        if _holder(store) == token:
            store.delete(LOCK)


def _holder(store: ProjectStore) -> bytes | None:
    """Return the token of the run that is under way."""
    try:
        return store.get_sealed(Kind.COLLECTOR, LOCK)[0]
    except (ObjectMissing, Damaged):
        return None
