"""What is backed up: images made from a seed, and a real file system, each with the states it goes through."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

KIB, MIB, GIB = 1024, 1024**2, 1024**3
_BLOCK = 4 * MIB
_SEED = 20240229


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large everything is."""

    random_mib: int = 2048
    sparse_gib: int = 8
    sparse_mib: int = 400
    scattered: int = 328
    """Writes of 64 KiB, 1 % of the random image."""
    clustered: int = 5
    """Changed blocks of 4 MiB, 1 % of the random image."""
    files_gib: int = 2
    files_mib: int = 880
    """Files that are put into the file system, twice each."""


SMALL = Sizes(random_mib=256, sparse_gib=2, sparse_mib=64, scattered=41, clustered=1, files_gib=1, files_mib=96)


def noise(name: object, length: int) -> bytes:
    """Return bytes that nothing compresses, the same for the same name."""
    return random.Random(f"{_SEED} {name}").randbytes(length)  # noqa: S311 - content only


def make_random(path: Path, sizes: Sizes) -> None:
    """Make an image that is random all over, in a file of whole GiB."""
    with path.open("wb") as image:
        for number in range(sizes.random_mib * MIB // _BLOCK):
            image.write(noise(number, _BLOCK))
        image.truncate(_whole_gib(sizes.random_mib * MIB))


def make_sparse(path: Path, sizes: Sizes) -> None:
    """Make an image of holes with random data here and there."""
    places = random.Random(_SEED).sample(range(sizes.sparse_gib * GIB // _BLOCK), sizes.sparse_mib * MIB // _BLOCK)  # noqa: S311
    with path.open("wb") as image:
        for place in sorted(places):
            image.seek(place * _BLOCK)
            image.write(noise(f"sparse {place}", _BLOCK))
        image.truncate(sizes.sparse_gib * GIB)


def make_files(path: Path, sizes: Sizes, room: Path) -> None:
    """Make an ext4 with files of this machine's /usr, each of them there twice. Needs neither root nor a mount."""
    tree = room / "tree"
    try:
        left = sizes.files_mib * MIB
        for source in _some_files(Path("/usr")):
            left -= source.stat().st_size
            if left < 0:
                break
            for twin in ("a", "b"):
                copy = tree / twin / source.relative_to("/usr")
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
        with path.open("wb") as image:
            image.truncate(sizes.files_gib * GIB)
        argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d", str(tree), str(path)]
        subprocess.run(argv, check=True, env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def scattered(sizes: Sizes) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, content) of small writes all over the random image."""
    places = random.Random(_SEED + 1).sample(range(sizes.random_mib * MIB // (64 * KIB)), sizes.scattered)  # noqa: S311
    for place in sorted(places):
        yield place * 64 * KIB, noise(f"scattered {place}", 64 * KIB)


def clustered(sizes: Sizes) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, content) of a few whole blocks of the random image."""
    places = random.Random(_SEED + 2).sample(range(sizes.random_mib * MIB // _BLOCK), sizes.clustered)  # noqa: S311
    for place in sorted(places):
        yield place * _BLOCK, noise(f"clustered {place}", _BLOCK)


def write(path: Path, changes: Iterable[tuple[int, bytes]]) -> None:
    """Change an image in place."""
    with path.open("r+b") as image:
        for offset, content in changes:
            image.seek(offset)
            image.write(content)


def data_of(path: Path) -> Iterator[tuple[int, int]]:
    """Yield (offset, length) of what is no hole in a file."""
    with path.open("rb") as image:
        end, size = 0, path.stat().st_size
        while end < size:
            try:
                start = os.lseek(image.fileno(), end, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(image.fileno(), start, os.SEEK_HOLE)
            yield start, end - start


def _some_files(root: Path) -> Iterator[Path]:
    """Yield plain files in an order that depends on nothing but their names."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                yield path


def _whole_gib(size: int) -> int:
    """Return a size that a volume can have."""
    return -(-size // GIB) * GIB
