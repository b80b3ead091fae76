"""Chunks: fixed aligned pieces of a volume, compressed and encrypted one by one."""

import threading

import zstandard
from cryptography.exceptions import InvalidTag

from backups.engine.errors import Damaged
from backups.engine.format import TAG_BYTES, ZERO_NONCE, Codec, Entry
from backups.engine.keys import ProjectKeys

CHUNK_BYTES = 1024**2
ZSTD_LEVEL = 1
_LEAST_GAIN = 32  # compression must save at least 1/32, or restoring it is not worth the time
_SAMPLES, _SAMPLE_BYTES = 16, 1024

Readable = bytes | bytearray | memoryview


class ChunkCodec:
    """Turns plain chunks into stored ones and back; for many threads at once."""

    def __init__(self, keys: ProjectKeys) -> None:
        self._keys = keys
        self._of_thread = threading.local()

    def compress(self, plain: Readable) -> tuple[Codec, Readable]:
        """Return the codec and the bytes to store; the bytes are `plain` itself where compression does not pay."""
        compressor = self._compressor()
        sample = _sample_of(plain)
        if sample and not _pays(compressor.compress(sample), sample):
            return Codec.PLAIN, plain  # a tenth of the time it takes to find that out from all of it
        smaller = compressor.compress(plain)
        return (Codec.ZSTD, smaller) if _pays(smaller, plain) else (Codec.PLAIN, plain)

    def encrypt_into(self, pack_id: bytes, entry: Entry, squeezed: Readable, buffer: memoryview) -> None:
        """Put the stored form of a chunk into `buffer`, which has exactly its size."""
        cipher = self._keys.cipher_of_chunk(pack_id, entry.chunk_id)
        cipher.encrypt_into(ZERO_NONCE, squeezed, associated(entry), buffer)

    def open(self, pack_id: bytes, entry: Entry, stored: Readable) -> Readable:
        """Return the plain bytes of a stored chunk, which are good until this thread opens the next one.

        :raises Damaged: if they are not what was put there.
        """
        if len(stored) != entry.stored_bytes:
            raise Damaged(f"Chunk {entry.chunk_id.hex()} is cut short in pack {pack_id.hex()}")
        cipher = self._keys.cipher_of_chunk(pack_id, entry.chunk_id)
        squeezed = self._room(entry.stored_bytes - TAG_BYTES)
        try:
            cipher.decrypt_into(ZERO_NONCE, stored, associated(entry), squeezed)
        except InvalidTag:
            raise Damaged(f"Chunk {entry.chunk_id.hex()} was changed in pack {pack_id.hex()}") from None
        plain = self._plain(entry, squeezed)
        if len(plain) != entry.plain_bytes or self._keys.id_of(plain) != entry.chunk_id:
            raise Damaged(f"Chunk {entry.chunk_id.hex()} holds something else in pack {pack_id.hex()}")
        return plain

    def _plain(self, entry: Entry, squeezed: memoryview) -> Readable:
        """Decompress to the expected size and no further. :raises Damaged: if that cannot be done."""
        if entry.codec == Codec.PLAIN:
            return squeezed
        try:
            if zstandard.frame_content_size(squeezed) != entry.plain_bytes:
                raise Damaged(f"Chunk {entry.chunk_id.hex()} would unfold to another size")
            return self._decompressor().decompress(squeezed)
        except zstandard.ZstdError as error:
            raise Damaged(f"Chunk {entry.chunk_id.hex()} does not unfold: {error}") from None

    def _room(self, size: int) -> memoryview:
        """Return `size` bytes of this thread's buffer: allocating some for each chunk means clearing them, too."""
        found: bytearray | None = getattr(self._of_thread, "room", None)
        if found is None or len(found) < size:
            found = self._of_thread.room = bytearray(size)
        return memoryview(found)[:size]

    def _compressor(self) -> zstandard.ZstdCompressor:
        """Return this thread's compressor; they are costly to make and must not be shared."""
        found = getattr(self._of_thread, "compressor", None)
        if found is None:
            found = self._of_thread.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        return found

    def _decompressor(self) -> zstandard.ZstdDecompressor:
        """Return this thread's decompressor."""
        found = getattr(self._of_thread, "decompressor", None)
        if found is None:
            found = self._of_thread.decompressor = zstandard.ZstdDecompressor()
        return found


def _sample_of(plain: Readable) -> bytes:
    """Return small pieces from all over a chunk, nothing of a small one."""
    step = len(plain) // _SAMPLES
    if step < 4 * _SAMPLE_BYTES:
        return b""
    return b"".join(plain[at : at + _SAMPLE_BYTES] for at in range(0, step * _SAMPLES, step))


def _pays(smaller: bytes, plain: Readable) -> bool:
    """Return whether compression saved enough."""
    return len(smaller) + len(plain) // _LEAST_GAIN < len(plain)


def associated(entry: Entry) -> bytes:
    """Return what is authenticated beside a chunk's bytes."""
    return entry.chunk_id + bytes([entry.codec]) + entry.plain_bytes.to_bytes(4, "big")


def stored_size(squeezed: Readable) -> int:
    """Return how many bytes this takes in a pack."""
    return len(squeezed) + TAG_BYTES
