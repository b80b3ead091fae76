"""Bodies of requests and answers, moved without joining or splitting what is in memory already."""

from collections.abc import Sequence
from typing import Any

PIECE_BYTES = 1024 * 1024


class Body:
    """Several buffers that boto3 reads, and reads again when it repeats a request, as if they were one file."""

    def __init__(self, buffers: Sequence[memoryview]) -> None:
        self._buffers = buffers
        self.size = sum(map(len, buffers))
        self._number = self._offset = 0

    def read(self, size: int | None = None) -> bytes | memoryview:
        """Return the next piece, nothing at the end; all that is left if no `size` is given.

        A size is taken for a wish: http.client asks for 16 KiB at a time, and larger pieces spare it thousands of
        rounds.
        """
        if size is None or size < 0:
            pieces = []
            while piece := self.read(PIECE_BYTES):
                pieces.append(piece)
            return b"".join(pieces)
        if self._number == len(self._buffers):
            return b""
        buffer = self._buffers[self._number]
        piece = buffer[self._offset : self._offset + PIECE_BYTES]
        self._offset += len(piece)
        if self._offset == len(buffer):
            self._number, self._offset = self._number + 1, 0
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to the beginning. :raises ValueError: for anything else."""
        if offset or whence:
            raise ValueError("a body starts at its beginning")
        self._number = self._offset = 0
        return 0

    def tell(self) -> int:
        """Return how much was read."""
        return sum(map(len, self._buffers[: self._number])) + self._offset


def read_into(body: Any, view: memoryview) -> int:
    """Fill `view` from the body of an answer; return how much there was."""
    done = 0
    while done < len(view):
        piece = body.read(min(PIECE_BYTES, len(view) - done))
        if not piece:
            break
        view[done : done + len(piece)] = piece
        done += len(piece)
    return done
