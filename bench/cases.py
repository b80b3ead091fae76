"""The cases: an image, the states it goes through, and what is done with each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.backend import Volumes
from bench.images import (
    KIB,
    MIB,
    Sizes,
    clustered,
    data_of,
    make_files,
    make_random,
    make_sparse,
    scattered,
)
from drivers.types import SnapshotRef

FULL = "full"


@dataclass(frozen=True, slots=True)
class State:
    """An image at one moment: what a backup is made of."""

    name: str
    snapshot: SnapshotRef
    changes: list[tuple[int, bytes]] = field(repr=False, default_factory=list)
    """What was written since the state before."""
    changed: list[tuple[int, int]] | None = None
    """Where the back-end knows it to differ from the state before, if it is asked."""


@dataclass(slots=True)
class Case:
    """An image as a file and as a volume with a snapshot for each state."""

    name: str
    path: Path
    states: list[State]
    is_restored: bool
    """It is verified and restored as well."""
    data_bytes: int = 0
    """Bytes that are no holes."""
    _undo: list[tuple[int, bytes]] = field(repr=False, default_factory=list)

    @property
    def size(self) -> int:
        """Return the bytes of the image."""
        return self.path.stat().st_size

    def rewind(self) -> None:
        """Give the file the content of the first state again."""
        with self.path.open("r+b") as image:
            for offset, content in reversed(self._undo):
                image.seek(offset)
                image.write(content)
        self._undo.clear()

    def advance(self, state: State) -> None:
        """Write into the file what `state` has that the one before it had not."""
        with self.path.open("r+b") as image:
            for offset, content in state.changes:
                image.seek(offset)
                self._undo.append((offset, image.read(len(content))))
                image.seek(offset)
                image.write(content)


@contextmanager
def prepared(name: str, room: Path, sizes: Sizes) -> Iterator[tuple[Case, Volumes]]:
    """Make the image and the volume of case `name`; both are gone after the block."""
    path = room / f"{name}.raw"
    volumes = Volumes(room)
    try:
        MAKERS[name](path, sizes, room)
        ref = volumes.make(path.stat().st_size)
        volumes.fill(ref, path)
        states = [State(FULL, volumes.keep(ref))]
        if name == "random":
            for step, writes, is_known in (("scattered", scattered, False), ("clustered", clustered, True)):
                changes = list(writes(sizes))
                volumes.write(ref, changes)
                snapshot = volumes.keep(ref)
                changed = volumes.changed(snapshot, states[-1].snapshot) if is_known else None
                states.append(State(step, snapshot, changes, changed))
        case = Case(name, path, states, is_restored=name != "sparse")
        case.data_bytes = sum(length for _, length in data_of(path))
        yield case, volumes
    finally:
        volumes.close()
        path.unlink(missing_ok=True)


MAKERS: dict[str, Callable[[Path, Sizes, Path], None]] = {
    "random": lambda path, sizes, _room: make_random(path, sizes),
    "sparse": lambda path, sizes, _room: make_sparse(path, sizes),
    "files": make_files,
}


def described(sizes: Sizes) -> dict[str, str]:
    """Return what each row of the table is about."""
    data = f"{sizes.files_mib} MiB of this machine's /usr, twice"
    small_mib = sizes.scattered * 64 * KIB / MIB
    return {
        "random full": f"{sizes.random_mib} MiB that nothing compresses",
        "random scattered": f"{sizes.scattered} writes of 64 KiB ({small_mib:.1f} MiB), found by reading all",
        "random clustered": f"{sizes.clustered} writes of 4 MiB that the back-end knows of",
        "random verify": "all data of these three backups",
        "random restore": "the last of them",
        "sparse full": f"{sizes.sparse_mib} MiB in a volume of {sizes.sparse_gib} GiB",
        "files full": f"ext4 of {sizes.files_gib} GiB: {data}",
        "files verify": "all data of it",
        "files restore": "all of it",
    }
