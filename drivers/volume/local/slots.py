"""Small files whose content changes as a whole or not at all, without needing room on a full disk."""

import hashlib
import os
from pathlib import Path

SLOT_BYTES = 4096


class SlottedFile:
    """A file of two slots of equal size: the newer complete one counts, the other one is written next.

    A crash while writing leaves the older content. Blocks are taken when the file is made, so on most file systems
    writing again needs none: a volume can be detached and deleted when nothing else can be written any more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """Return the content, None if there is no file.

        :raises ValueError: if neither slot is complete.
        :raises OSError: if the file cannot be read.
        """
        try:
            found = _newest(self._path.read_bytes())
        except FileNotFoundError:
            return None
        return found[2]

    def write(self, content: bytes) -> None:
        """Replace the content and wait until that is on the disk. :raises OSError, ValueError: as `read`; no change."""
        try:
            whole = self._path.read_bytes()
        except FileNotFoundError:
            self._make(content, 1)
            return
        slot, sequence, _old = _newest(whole)
        size = len(whole) // 2
        filled = _filled(content, sequence + 1, size)
        if filled is None:
            self._make(content, sequence + 1)
            return
        handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(handle, filled, (1 - slot) * size)
            os.fdatasync(handle)
        finally:
            os.close(handle)

    def _make(self, content: bytes, sequence: int) -> None:
        """Make the file anew, with slots that leave room to grow. :raises OSError: if that fails."""
        size, filled = SLOT_BYTES, None
        while filled is None:
            filled = _filled(content, sequence, size)
            size *= 2
        draft = self._path.with_suffix(".new")
        write_durably(draft, filled * 2)
        draft.replace(self._path)
        sync_directory(self._path.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Write a whole file that only we can read, and wait until it is on the disk. :raises OSError: if it fails."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as file:
        written = 0
        while written < len(content):
            written += file.write(content[written:]) or 0
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk. :raises OSError: if it fails."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _filled(content: bytes, sequence: int, size: int) -> bytes | None:
    """Return a slot with its head line, None if `content` does not fit into `size` bytes."""
    head = f"{sequence} {len(content)} {hashlib.sha256(b'%d ' % sequence + content).hexdigest()}\n".encode()
    return (head + content).ljust(size, b"\n") if len(head) + len(content) <= size else None


def _newest(whole: bytes) -> tuple[int, int, bytes]:
    """Return number, sequence and content of the slot that counts. :raises ValueError: if neither is complete."""
    size = len(whole) // 2
    found = [
        (sequence, slot, content)
        for slot in (0, 1)
        for sequence, content in _complete(whole[slot * size : (slot + 1) * size])
    ]
    if not found:
        raise ValueError("neither of the two copies is complete")
    sequence, slot, content = max(found)
    return slot, sequence, content


def _complete(slot: bytes) -> list[tuple[int, bytes]]:
    """Return the sequence and content of a slot, nothing if it was not written to its end."""
    head, _newline, rest = slot.partition(b"\n")
    try:
        sequence, length, _digest = (word.decode("ascii") for word in head.split(b" "))
        content = rest[: int(length)]
        is_whole = _filled(content, int(sequence), len(slot)) == slot
    except ValueError:
        return []
    return [(int(sequence), content)] if is_whole else []
