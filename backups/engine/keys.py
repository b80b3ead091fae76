"""Keys: a project's key, what is derived from it, and the master keys that wrap it."""

import os
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backups.engine.errors import KeyMissing
from drivers.errors import InvalidConfiguration

KEY_BYTES = 32
_WRAPPED = struct.Struct(">8s8s12s48s")  # magic, master key's id, nonce, wrapped key with its tag
_MAGIC = b"CLDRKEY1"
_LINE = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProjectKeys:
    """What protects one project in one repository; all of it comes from one random key.

    Ids are keyed hashes, so equal content has equal ids within the project and unrelated ones elsewhere.
    """

    key: bytes = field(repr=False)
    id_key: bytes = field(init=False, repr=False)
    chunk_key: bytes = field(init=False, repr=False)
    seal_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("id", "chunk", "seal"):
            derived = blake3(self.key, derive_key_context=f"celinder backup v1 {name}").digest()
            object.__setattr__(self, f"{name}_key", derived)

    def id_of(self, content: bytes | bytearray | memoryview) -> bytes:
        """Return the id of a chunk."""
        return blake3(content, key=self.id_key).digest()

    def cipher_of_chunk(self, pack_id: bytes, chunk_id: bytes) -> AESGCM:
        """Return the cipher for one chunk in one pack.

        A pack's id is random and a pack holds a chunk once at most, so each key encrypts one message, ever. That is
        why the nonce can be fixed. Deriving from the chunk's id alone would not do: the same content compressed by
        another release of zstd would be a second message under the same key.
        """
        return AESGCM(blake3(pack_id + chunk_id, key=self.chunk_key).digest())

    def cipher_of_object(self, kind: int, salt: bytes) -> AESGCM:
        """Return the cipher for one sealed object; its salt is random and used once, so the nonce can be fixed."""
        return AESGCM(blake3(bytes([kind]) + salt, key=self.seal_key).digest())


class MasterKeys:
    """The keys that wrap project keys: the first is used for wrapping, all of them for unwrapping."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise InvalidConfiguration(f"Master keys of backups are {KEY_BYTES} bytes each, and there must be one")
        self._keys: Mapping[bytes, bytes] = {master_id(key): key for key in keys}

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a file with one key a line, 64 hexadecimal digits each, the current one first; `#` begins a comment.

        :raises InvalidConfiguration: if it cannot be read, others may read it, or a line is anything else.
        """
        try:
            mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidConfiguration(f"The master keys of backups cannot be read: {error}") from None
        if mode & 0o077:
            raise InvalidConfiguration(f"Others than its owner have access to {path}: chmod 600 it")
        lines = [line for line in (raw.partition("#")[0].strip() for raw in text.splitlines()) if line]
        if not all(_LINE.fullmatch(line) for line in lines):
            raise InvalidConfiguration(f"A line of {path} is not 64 hexadecimal digits")
        return cls([bytes.fromhex(line) for line in lines])

    @property
    def current_id(self) -> bytes:
        """Return the id of the key that wraps."""
        return next(iter(self._keys))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._keys)

    def wrap(self, project_key: bytes, context: bytes) -> bytes:
        """Return `project_key` wrapped by the current key, for this context only."""
        nonce = os.urandom(12)
        head = _MAGIC + self.current_id
        wrapped = AESGCM(self._keys[self.current_id]).encrypt(nonce, project_key, head + context)
        return _WRAPPED.pack(_MAGIC, self.current_id, nonce, wrapped)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the project key inside. :raises KeyMissing: if it was damaged, or made by a key that is not here."""
        if len(wrapped) != _WRAPPED.size or not wrapped.startswith(_MAGIC):
            raise KeyMissing("What should be the wrapped key of a project is none")
        magic, name, nonce, sealed = _WRAPPED.unpack(wrapped)
        if name not in self._keys:
            raise KeyMissing(f"The project's key is wrapped by master key {name.hex()}, which is not at hand")
        try:
            return AESGCM(self._keys[name]).decrypt(nonce, sealed, magic + name + context)
        except InvalidTag:
            raise KeyMissing("The wrapped key of the project was changed, or belongs to another project") from None


def wrapper_of(wrapped: bytes) -> bytes:
    """Return the id of the master key that wrapped a project's key."""
    return wrapped[len(_MAGIC) : 2 * len(_MAGIC)]


def master_id(key: bytes) -> bytes:
    """Return by what a master key is called in a repository."""
    return blake3(key, derive_key_context="celinder backup v1 master id").digest()[:8]
