"""qcow2 files: made, enlarged and measured, always with their format named and never probed."""

import json
import os
import stat
import struct
from pathlib import Path

from drivers.errors import BackendDown
from drivers.types import GIB
from drivers.volume.local.programs import run_limited

_HEADER = struct.Struct(">4sIQ8xQ")
_LONG_HEADER = struct.Struct(">4sIQ8xQI24xI8xQ")
_WITH_FEATURES = 3
_HARMLESS = 0b11000  # another compression, and extended entries of its tables
_MAGIC = b"QFI\xfb"


class UnfitImage(Exception):
    """A file cannot become a volume; the message says why."""


class DamagedImage(BackendDown):
    """A volume's file is not what we made; its storage may be damaged."""


def make_image(path: Path, size_gib: int, *, below: str = "") -> None:
    """Make an empty image in a file that only we can read, and wait until it is on the disk.

    It reads as zeros, or as the image `below` if it is opened on top of it. That name is noted in the file for people
    and for `needs_layers`; whoever opens an image says himself what is below it.

    :raises BackendFull, BackendBusy, BackendDown, OSError: if that fails; the file may be there then.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    noted = ["-u", "-b", below, "-F", "qcow2"] if below else []
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=1.1", *noted]
    run_limited([*argv, "--", str(path), str(size_gib * GIB)])
    sync_file(path)


def resize_image(path: Path, size_gib: int) -> None:
    """Enlarge an image nobody has open and wait until that is on the disk. Raises as `make_image`."""
    alone = {"driver": "qcow2", "backing": None, "file": {"driver": "file", "filename": str(path)}}
    run_limited(["qemu-img", "resize", "-q", "--", f"json:{json.dumps(alone)}", str(size_gib * GIB)])
    sync_file(path)


def image_bytes(path: Path) -> int:
    """Return the size a client sees, from the header, which clients cannot write.

    :raises FileNotFoundError: if there is no such file.
    :raises DamagedImage: if it is not an image of ours.
    """
    return _header(path)[1]


def needs_layers(path: Path) -> bool:
    """Tell whether an image was made to be on top of another one. Raises as `image_bytes`."""
    return _header(path)[0] != 0


def foreign_bytes(path: Path) -> int:
    """Return the size that a client would see of an image which somebody else has made.

    :raises UnfitImage: if it is not one qcow2 file that holds everything itself, or not a whole one.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise UnfitImage("it is not a file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise UnfitImage(f"user {os.geteuid()} may not write to it")
    with path.open("rb") as file:
        header = file.read(_LONG_HEADER.size)
    if len(header) < _LONG_HEADER.size or not header.startswith(_MAGIC):
        raise UnfitImage("it is not a qcow2 image; qemu-img convert -O qcow2 makes one of it")
    _magic, version, below, size, encryption, snapshots, features = _LONG_HEADER.unpack(header)
    if version not in {2, 3}:
        raise UnfitImage(f"it is of version {version} of the format, 2 and 3 are known")
    if below:
        raise UnfitImage("it lies on another image; qemu-img convert makes it whole")
    if encryption or snapshots or not size:
        raise UnfitImage("it is encrypted, has snapshots inside, or is empty")
    if version == _WITH_FEATURES and features & ~_HARMLESS:
        raise UnfitImage("it was not closed properly, is damaged, or keeps its data in another file")
    return int(size)


def _header(path: Path) -> tuple[int, int]:
    """Return where an image notes the name of the one below it, 0 for nowhere, and its size. Raises likewise."""
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if len(header) == _HEADER.size:
        magic, _version, below, size = _HEADER.unpack(header)
        if magic == _MAGIC:
            return int(below), int(size)
    raise DamagedImage(f"{path} is not a qcow2 image any more; its storage may be damaged")


def sync_file(path: Path) -> None:
    """Wait until a file is on the disk. :raises OSError: if that fails."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
