"""Images on a worker's own disk, in files without names: whatever dies, nothing is left of them."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from drivers.images.errors import ImageDamaged, ImageTooLarge, ScratchFull
from drivers.images.glance import Image, Service

BLOCK_BYTES = 64 * 1024
SPARE_BYTES = 256 * 1024**2
_ZEROS = bytes(BLOCK_BYTES)
_ALGORITHMS = frozenset(("sha512", "sha384", "sha256", "sha1", "md5"))

Told = Callable[[int], None]
"""Is told how many bytes are done; ends the work by raising."""


@contextmanager
def scratch(folder: Path) -> Iterator[BinaryIO]:
    """Give a new file without a name. :raises ScratchFull: if the disk is, here or in the block."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            yield file
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        raise ScratchFull(f"{folder} is full.") from error


def require_free(folder: Path, needed: int) -> None:
    """Make sure that so many bytes can be kept there. :raises ScratchFull: if they cannot now."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < needed + SPARE_BYTES:
        raise ScratchFull("The worker's disk has too little room for the image now.")


def fetch(service: Service, image: Image, into: BinaryIO, *, most: int, told: Told) -> int:
    """Write what the image holds, proved by its size and digest, zeros as holes; return its bytes.

    :raises ImageTooLarge: beyond `most` bytes. :raises ImageDamaged: if it is not what its record says. Raises as the
        service's `content`.
    """
    if image.size is not None and image.size > most:
        raise ImageTooLarge(f"The image has {image.size} bytes; with this volume it may have {most}.")
    algorithm, expected = _digest_of(image)
    digest = hashlib.new(algorithm, usedforsecurity=False)
    done = 0
    for piece in service.content(image.id):
        if done + len(piece) > most:
            raise ImageTooLarge(f"The image has more than {most} bytes.")
        digest.update(piece)
        write_sparse(into, piece, done)
        done += len(piece)
        told(done)
    into.truncate(done)
    if image.size is not None and done != image.size:
        raise ImageDamaged(f"The image is said to have {image.size} bytes, but {done} came.")
    if expected and digest.hexdigest() != expected:
        raise ImageDamaged(f"What came is not what the image's {algorithm} digest says.")
    return done


def write_sparse(file: BinaryIO, piece: bytes, offset: int) -> None:
    """Write `piece` at `offset` of a file that reads as zeros there, leaving blocks of zeros out."""
    with memoryview(piece) as view:
        for start in range(0, len(piece), BLOCK_BYTES):
            block = view[start : start + BLOCK_BYTES]
            if block != _ZEROS[: len(block)]:
                write_all(file, block, offset + start)


def write_all(file: BinaryIO, block: memoryview, offset: int) -> None:
    """Write all of `block`. :raises OSError: if that cannot be done."""
    while block:
        count = os.pwrite(file.fileno(), block, offset)
        block, offset = block[count:], offset + count


def data_ranges(file: BinaryIO, size: int) -> Iterator[tuple[int, int, bool]]:
    """Yield (offset, length, whether it is no hole) of a file, in order and without gaps."""
    at = 0
    while at < size:
        start = _seek(file, at, os.SEEK_DATA, size)
        if start > at:
            yield at, start - at, False
        end = _seek(file, start, os.SEEK_HOLE, size) if start < size else size
        if end > start:
            yield start, end - start, True
        at = end


def _seek(file: BinaryIO, at: int, what: int, size: int) -> int:
    try:
        return min(os.lseek(file.fileno(), at, what), size)
    except OSError as error:
        if error.errno != errno.ENXIO:  # nothing but a hole until the end
            raise
        return size


def _digest_of(image: Image) -> tuple[str, str]:
    """Return by which algorithm which digest is expected, "" for none."""
    if image.hash_value and image.hash_algorithm in _ALGORITHMS:
        return image.hash_algorithm, image.hash_value.lower()
    return "md5", image.checksum.lower()
