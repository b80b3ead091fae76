"""Who is compared: Celinder over NBD to a directory or to S3, restic, Borg, and `cp` as the limit."""

import json
import os
import secrets
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.backend import Volumes, cpu_s_of
from bench.cases import Case, State
from bench.job import Order
from bench.running import BenchFailed, Taken, files_below, forget, run, size_of, sync
from drivers.backup import make
from drivers.connect import open_connection
from tests import servers

_BORG_CHUNKER = "fixed,4194304"
_COMPARED_BYTES = 4 * 1024**2


class Contender(ABC):
    """A way to back up one case, from an empty repository to the last restore."""

    name: str

    def __init__(self, case: Case, volumes: Volumes, room: Path) -> None:
        self.case, self.volumes, self.room = case, volumes, room
        self.repository = room / "repository"
        self.restored = room / "restored"

    def begin(self) -> None:
        """Make an empty repository."""
        self.repository.mkdir()

    def end(self) -> None:
        """Remove everything."""
        for path in (self.repository, self.restored):
            shutil.rmtree(path, ignore_errors=True)

    def stored_bytes(self) -> int:
        """Return how large the repository is."""
        return size_of(self.repository)

    @abstractmethod
    def back_up(self, state: State) -> Taken:
        """Make a backup of a state."""

    @abstractmethod
    def verify(self) -> Taken | None:
        """Verify all data; None if this contender has no such thing."""

    @abstractmethod
    def restore(self, state: State) -> Taken:
        """Restore the backup of a state, until it is safe."""

    @abstractmethod
    def compare(self) -> None:
        """Compare what was restored with the image. :raises BenchFailed: if they differ."""


class Celinder(Contender):
    """This engine, reading and writing volumes of the local back-end over NBD."""

    name = "Celinder"

    def begin(self) -> None:
        """Make an empty repository and a volume to restore to."""
        super().begin()
        (self.room / "cache").mkdir()
        self.target: Mapping[str, Any] = {"driver": "posix", "path": str(self.repository)}
        self._previous: str | None = None

    def end(self) -> None:
        """Remove everything."""
        super().end()
        shutil.rmtree(self.room / "cache", ignore_errors=True)

    def back_up(self, state: State) -> Taken:
        """Make a backup of the state's snapshot."""
        with self.volumes.exported(state.snapshot) as info:
            taken = self._job("back_up", state, info, parent_id=self._previous, changed=state.changed)
        self._previous = state.name
        return taken

    def verify(self) -> Taken:
        """Verify all data."""
        return self._job("verify")

    def restore(self, state: State) -> Taken:
        """Restore into a fresh volume."""
        self._volume = self.volumes.make(self.case.size)
        with self.volumes.exported(self._volume) as info:
            return self._job("restore", state, info)

    def compare(self) -> None:
        """Read the volume and compare. :raises BenchFailed: if it differs."""
        with (
            self.volumes.exported(self._volume) as info,
            open_connection(info) as connection,
            self.case.path.open("rb") as image,
        ):
            buffer = bytearray(_COMPARED_BYTES)
            for offset in range(0, self.case.size, _COMPARED_BYTES):
                connection.pread_into(buffer, offset)
                if image.read(_COMPARED_BYTES) != buffer:
                    raise BenchFailed(f"{self.name} restored something else at {offset}")

    def drop(self) -> None:
        """Remove the volume that was restored to."""
        self.volumes.delete(self._volume)

    def _job(self, verb: str, state: State | None = None, info: Mapping[str, Any] | None = None, **more: Any) -> Taken:
        """Have a process of its own do one job."""
        order = Order(
            verb,
            self.target,
            connection_info=info,
            backup_id=state.name if state else "",
            cache=str(self.room / "cache"),
            **more,
        )
        before = self._servers_cpu_s()
        argv = [sys.executable, "-m", "bench.job", json.dumps(asdict(order))]
        _, printed = run(argv, self.room)
        taken = Taken(**json.loads(printed.splitlines()[-1]))
        taken.server_cpu_s = self._servers_cpu_s() - before
        return taken

    def _servers_cpu_s(self) -> float:
        return self.volumes.cpu_s()


class CelinderS3(Celinder):
    """The same to a SeaweedFS of its own on this machine."""

    name = "Celinder to S3"

    def begin(self) -> None:
        """Start a server. :raises tests.servers.Missing: if it is not installed."""
        super().begin()
        self._opened = ExitStack()
        self._server = self._opened.enter_context(servers.seaweedfs("4GiB"))
        self.target = {
            "driver": "s3",
            "endpoint_url": self._server.url,
            "bucket": servers.BUCKET,
            "credentials_file": str(self._server.folder / "credentials"),
        }

    def end(self) -> None:
        """End the server."""
        self._opened.close()
        super().end()

    def stored_bytes(self) -> int:
        """Return how large the objects are together."""
        return sum(found.size for found in make("bench", self.target).list())

    def _servers_cpu_s(self) -> float:
        return super()._servers_cpu_s() + cpu_s_of(self._server.pid)


class Program(Contender):
    """A program that reads the image as a file and restores a file."""

    environment: Mapping[str, str] = {}

    def verify(self) -> Taken | None:
        """Have nothing to verify."""
        return None

    def compare(self) -> None:
        """Compare files. :raises BenchFailed: if they differ."""
        run(["cmp", str(self.case.path), str(self._found())], self.room)

    def _run(self, *argv: str, folder: Path | None = None) -> Taken:
        return run(argv, self.room, environment=self.environment, folder=folder)[0]

    def _restored_by(self, *argv: str) -> Taken:
        """Run a restore and make the file safe."""
        self.restored.mkdir()
        taken = self._run(*argv, folder=self.restored)
        began = os.times().elapsed
        sync(self._found())
        taken.seconds += os.times().elapsed - began
        return taken

    def _found(self) -> Path:
        """Return the file that was restored. :raises BenchFailed: if there is none, or more than one."""
        found = files_below(self.restored)
        if len(found) != 1:
            raise BenchFailed(f"{self.name} restored {len(found)} files")
        return found[0]


class Restic(Program):
    """restic with its defaults: repository version 2, compression auto (zstd's default level)."""

    name = "restic"

    def begin(self) -> None:
        """Make an empty repository."""
        super().begin()
        self.environment = {
            "RESTIC_PASSWORD": secrets.token_hex(16),
            "RESTIC_REPOSITORY": str(self.repository),
            "RESTIC_CACHE_DIR": str(self.room / "restic-cache"),
        }
        self._run("restic", "-q", "init")

    def end(self) -> None:
        """Remove everything."""
        super().end()
        shutil.rmtree(self.room / "restic-cache", ignore_errors=True)

    def back_up(self, state: State) -> Taken:
        """Back the file up."""
        return self._run("restic", "-q", "backup", "--tag", state.name, str(self.case.path))

    def verify(self) -> Taken:
        """Check the repository and read all data."""
        return self._run("restic", "-q", "check", "--read-data")

    def restore(self, state: State) -> Taken:
        """Restore the file."""
        return self._restored_by("restic", "-q", "restore", "latest", "--tag", state.name, "--target", ".")


class Borg(Program):
    """Borg as its manual advises for images (fixed chunks, holes not read), with the zstd level of Celinder."""

    name = "borg"

    def begin(self) -> None:
        """Make an empty repository."""
        super().begin()
        self.environment = {
            "BORG_PASSPHRASE": secrets.token_hex(16),
            "BORG_REPO": str(self.repository),
            "BORG_BASE_DIR": str(self.room / "borg"),
        }
        self._run("borg", "init", "-e", "repokey")

    def end(self) -> None:
        """Remove everything."""
        super().end()
        shutil.rmtree(self.room / "borg", ignore_errors=True)

    def back_up(self, state: State) -> Taken:
        """Back the file up."""
        options = ["-C", "zstd,1", "--chunker-params", _BORG_CHUNKER, "--sparse"]
        return self._run("borg", "create", *options, f"::{state.name}", str(self.case.path))

    def verify(self) -> Taken:
        """Check the repository and its archives, and verify all data."""
        return self._run("borg", "check", "--verify-data")

    def restore(self, state: State) -> Taken:
        """Restore the file."""
        return self._restored_by("borg", "extract", "--sparse", f"::{state.name}")


class Copy(Program):
    """`cp` of the image, holes left out, no sharing of blocks: nothing is faster, and it makes full copies only."""

    name = "cp"
    argv = ("cp", "--sparse=always", "--reflink=never")

    def back_up(self, state: State) -> Taken:
        """Copy the file and make the copy safe."""
        copy = self.repository / state.name
        taken = self._run(*self.argv, str(self.case.path), str(copy))
        began = os.times().elapsed
        sync(copy)
        taken.seconds += os.times().elapsed - began
        return taken

    def stored_bytes(self) -> int:
        """Return the room that the copies take."""
        return sum(path.stat().st_blocks * 512 for path in files_below(self.repository))

    def restore(self, state: State) -> Taken:
        """Copy it back."""
        return self._restored_by(*self.argv, str(self.repository / state.name), "copy")


def steps(contender: Contender, *, is_compared: bool) -> dict[str, Taken]:
    """Let a contender do the whole case on an empty repository; return what each step took.

    :raises BenchFailed: if a step fails, or what is restored differs.
    """
    case = contender.case
    states = case.states[:1] if isinstance(contender, Copy) else case.states
    taken: dict[str, Taken] = {}
    try:
        contender.begin()
        for state in states:
            case.advance(state)
            forget(case.path)
            before = contender.stored_bytes()
            taken[f"{case.name} {state.name}"] = contender.back_up(state)
            taken[f"{case.name} {state.name}"].stored_bytes = contender.stored_bytes() - before
        if case.is_restored:
            forget(contender.repository)
            if verified := contender.verify():
                taken[f"{case.name} verify"] = verified
            forget(contender.repository)
            taken[f"{case.name} restore"] = contender.restore(states[-1])
            if is_compared:
                contender.compare()
            if isinstance(contender, Celinder):
                contender.drop()
    finally:
        contender.end()
        case.rewind()
    return taken


EVERY_ROUND: tuple[type[Contender], ...] = (Celinder, Restic, Borg, Copy)
ONCE = CelinderS3
"""Takes long and says little about us: once will do."""
