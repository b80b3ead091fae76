"""A repository on a target, and one project's part of it: where all its objects are put, sealed, and opened."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self

from blake3 import blake3
from cryptography.exceptions import InvalidTag

from backups.engine import format as fmt
from backups.engine.errors import Damaged, KeyMissing, NotARepository
from backups.engine.format import Kind
from backups.engine.keys import KEY_BYTES, MasterKeys, ProjectKeys, wrapper_of
from drivers.backup.base import BackupTarget, ObjectInfo
from drivers.errors import ObjectMissing

_MAX_HEAD_BYTES = 4096


class Repository:
    """What a target holds. A worker serves a target only after it has seen that the id is the one it expects."""

    def __init__(self, target: BackupTarget, repository_id: uuid.UUID) -> None:
        self.target, self.id = target, repository_id

    @classmethod
    def create(cls, target: BackupTarget) -> Self:
        """Make the target a repository, or find the one that is there already. :raises NotARepository: as `open`."""
        head = {"format": "celinder-backup", "version": fmt.VERSION, "id": str(uuid.uuid4())}
        body = json.dumps(head | {"created_at": datetime.now(UTC).isoformat(timespec="seconds")}).encode()
        target.put(fmt.REPOSITORY_NAME, [body, b"\n", blake3(body).hexdigest().encode()], only_if_absent=True)
        return cls.open(target)

    @classmethod
    def open(cls, target: BackupTarget, *, expected_id: uuid.UUID | None = None) -> Self:
        """Find the repository on a target.

        :raises NotARepository: if there is none, another one than expected, or one of a later version.
        """
        try:
            found = target.get(fmt.REPOSITORY_NAME, length=_MAX_HEAD_BYTES)
        except ObjectMissing:
            raise NotARepository(f"Backup target {target.key!r} holds no repository") from None
        body, _, checksum = found.partition(b"\n")
        if blake3(body).hexdigest().encode() != checksum:
            raise NotARepository(f"The head of the repository on backup target {target.key!r} is damaged")
        try:
            head = json.loads(body)
            kind, found_id = (head["format"], head["version"]), uuid.UUID(head["id"])
        except (ValueError, TypeError, KeyError):
            raise NotARepository(f"The head of the repository on backup target {target.key!r} is no head") from None
        if kind != ("celinder-backup", fmt.VERSION):
            raise NotARepository(f"Backup target {target.key!r} holds a repository of an unknown version")
        if expected_id not in {None, found_id}:
            raise NotARepository(f"Backup target {target.key!r} holds repository {found_id}, not {expected_id}")
        return cls(target, found_id)

    def projects(self) -> Iterator[str]:
        """Yield the ids of the projects that have a key here."""
        last = ""
        for found in self.target.list("projects/"):
            _, project_id, folder, *_ = [*found.name.split("/"), "", ""]
            if folder == "keys" and project_id != last:
                last = project_id
                yield project_id

    def has_key(self, project_id: str) -> bool:
        """Return whether the project has a key here, whoever can open it; without one it has nothing."""
        return any(True for _ in self.target.list(f"{fmt.project_prefix(project_id)}keys/"))

    def project(
        self,
        project_id: str,
        masters: MasterKeys,
        *,
        create: bool = False,
        agree: Callable[[bytes], bytes] = lambda wrapped: wrapped,
    ) -> "ProjectStore":
        """Open a project's part; with `create`, make its key if it has none.

        Where the target has no conditional put, two who create the same project at once may get different keys, unless
        `agree` has all of them put the same: given a new wrapped key it returns the one that counts.

        :raises KeyMissing: if there is no key that the master keys open.
        """
        prefix = fmt.project_prefix(project_id)
        context = self.id.bytes + project_id.encode()
        if create and not self.has_key(project_id):
            wrapped = agree(masters.wrap(os.urandom(KEY_BYTES), context))
            self.target.put(f"{prefix}keys/{wrapper_of(wrapped).hex()}", wrapped, only_if_absent=True)
        for master in masters:
            try:
                wrapped = self.target.get(f"{prefix}keys/{master.hex()}", length=_MAX_HEAD_BYTES)
            except ObjectMissing:
                continue
            return ProjectStore(self, project_id, ProjectKeys(masters.unwrap(wrapped, context)))
        raise KeyMissing(f"Project {project_id} has no key in this repository that the master keys at hand open")

    def shred(self, project_id: str) -> None:
        """Destroy everything a project has: first its keys, after which the rest is noise, then the rest."""
        prefix = fmt.project_prefix(project_id)
        for folder in ("keys/", ""):
            for found in list(self.target.list(prefix + folder)):
                self.target.delete(found.name)

    def rotate(self, masters: MasterKeys) -> int:
        """Wrap all project keys by the current master key, drop what other ones wrapped, return how many projects.

        Nothing else is touched: chunks depend on project keys only. :raises KeyMissing: if one cannot be opened.
        """
        count = 0
        for project_id in list(self.projects()):
            count += 1
            store = self.project(project_id, masters)
            wrapped = masters.wrap(store.keys.key, self.id.bytes + project_id.encode())
            name = f"{store.prefix}keys/{masters.current_id.hex()}"
            self.target.put(name, wrapped)
            for found in list(self.target.list(f"{store.prefix}keys/")):
                if found.name != name:
                    self.target.delete(found.name)
        return count


class ProjectStore:
    """One project's objects. Names are given below the project's prefix; what is sealed is bound to its name."""

    def __init__(self, repository: Repository, project_id: str, keys: ProjectKeys) -> None:
        self.repository, self.project_id, self.keys = repository, project_id, keys
        self.target = repository.target
        self.prefix = fmt.project_prefix(project_id)

    def seal(self, kind: Kind, name: str, body: bytes) -> bytes:
        """Return `body` encrypted and authenticated as this kind of object under this name."""
        head = fmt.SEAL_HEADER.pack(fmt.SEAL_MAGIC, fmt.VERSION, kind, 0, len(body), os.urandom(16))
        cipher = self.keys.cipher_of_object(kind, head[16:32])
        return head + cipher.encrypt(fmt.ZERO_NONCE, body, self._bound(head, name))

    def unseal(self, kind: Kind, name: str, found: bytes) -> bytes:
        """Return the body of a sealed object. :raises Damaged: if it is not what was sealed under this name."""
        if len(found) < fmt.SEAL_HEADER.size + fmt.TAG_BYTES:
            raise Damaged(f"{name} is cut short")
        head = bytes(found[: fmt.SEAL_HEADER.size])
        magic, version, is_kind, _, length, salt = fmt.SEAL_HEADER.unpack(head)
        if (magic, version, is_kind) != (fmt.SEAL_MAGIC, fmt.VERSION, kind):
            raise Damaged(f"{name} is not what should be there")
        if len(found) != fmt.SEAL_HEADER.size + length + fmt.TAG_BYTES:
            raise Damaged(f"{name} has not its right length")
        try:
            body = found[fmt.SEAL_HEADER.size :]
            return self.keys.cipher_of_object(kind, salt).decrypt(fmt.ZERO_NONCE, body, self._bound(head, name))
        except InvalidTag:
            raise Damaged(f"{name} was changed, or belongs elsewhere") from None

    def put_sealed(self, kind: Kind, name: str, body: bytes, *, only_if_absent: bool = False) -> bytes | None:
        """Put a sealed object; return the digest of what was put, or None if it was there already."""
        sealed = self.seal(kind, name, body)
        if not self.target.put(self.prefix + name, sealed, only_if_absent=only_if_absent):
            return None
        return blake3(sealed).digest()

    def get_sealed(self, kind: Kind, name: str) -> tuple[bytes, bytes]:
        """Return the body and the digest of a sealed object.

        :raises ObjectMissing: if there is none.
        :raises Damaged: if it is not what was sealed under this name.
        """
        found = self.target.get(self.prefix + name, length=fmt.MAX_SEALED_BYTES + 1)
        return self.unseal(kind, name, found), blake3(found).digest()

    def list(self, folder: str) -> Iterator[ObjectInfo]:
        """Yield the objects below a folder, with names below the project's prefix."""
        for found in self.target.list(self.prefix + folder):
            yield found._replace(name=found.name.removeprefix(self.prefix))

    def delete(self, name: str) -> None:
        """Delete an object."""
        self.target.delete(self.prefix + name)

    def _bound(self, head: bytes, name: str) -> bytes:
        """Return what is authenticated beside the body."""
        return head + self.repository.id.bytes + name.encode()
