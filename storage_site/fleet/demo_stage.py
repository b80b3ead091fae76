"""Where the demonstration plays: the fleet from outside, by unmodified clients, and what is left to the next step."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cinderclient import client as cinder
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

MICROVERSION = "3.71"
LIMIT_S = 60


class DemoFailed(Exception):
    """A step did not do what it shows."""


@dataclass
class Stage:
    """Where the demonstration plays, and what its steps leave to the next ones."""

    root: Path
    url: str
    volume_id: str = ""
    attachment_id: str = ""
    connection_info: dict[str, Any] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    """The checksum of every block that was written, in their order."""
    kept: dict[str, list[str]] = field(default_factory=dict)
    """What a snapshot, a clone or a backup is to hold, by its name."""
    targets: tuple[str, ...] = ()
    """Where backups go."""
    remains: Callable[[], list[str]] = list
    """What backups have left there."""
    environment: dict[str, str] | None = None
    """What a command of the fleet's operator finds."""

    def credentials(self, user: str) -> dict[str, str]:
        """Return what the user's openrc sets."""
        path = shlex.quote(str(self.root / f"{user}-openrc"))
        told = subprocess.run(["sh", "-c", f". {path} && env -0"], check=True, capture_output=True, text=True).stdout
        return dict(pair.split("=", 1) for pair in told.split("\0") if pair.startswith("OS_"))

    def command(self, user: str, *words: str) -> str:
        """Run `cinder` as a person would, and return what it prints. :raises DemoFailed: if it fails."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("cinder")), "--os-volume-api-version", MICROVERSION, *words],
            env={**os.environ, **self.credentials(user)},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(f"cinder {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def client(self, user: str) -> Any:
        """Return the library's client for the user."""
        given = self.credentials(user)
        login = Password(
            auth_url=given["OS_AUTH_URL"],
            username=given["OS_USERNAME"],
            password=given["OS_PASSWORD"],
            project_name=given["OS_PROJECT_NAME"],
            user_domain_name=given["OS_USER_DOMAIN_NAME"],
            project_domain_name=given["OS_PROJECT_DOMAIN_NAME"],
        )
        return cinder.Client(MICROVERSION, session=Session(login), region_name=given["OS_REGION_NAME"])

    def settled(self, kind: str, name_or_id: str, status: str = "available") -> Any:
        """Wait until a volume, snapshot or backup of the user `demo` has this status, and return it."""
        group = getattr(self.client("demo"), kind)
        found = (
            group.find(name=name_or_id) if name_or_id not in {one.id for one in group.list()} else group.get(name_or_id)
        )

        def is_settled() -> bool:
            now = group.get(found.id)
            if now.status.startswith("error"):
                raise DemoFailed(f"{kind} {name_or_id} is in status {now.status}")
            return bool(now.status == status)

        wait(is_settled, f"{kind} {name_or_id} is not {status}")
        return group.get(found.id)

    def gone(self, kind: str) -> None:
        """Wait until the user `demo` has no volume, snapshot or backup left."""
        group = getattr(self.client("demo"), kind)
        wait(lambda: not group.list(), f"there are {kind} left")


def expect(what: str, found: object, wanted: object) -> None:
    """Compare. :raises DemoFailed: naming both, if they differ."""
    if found != wanted:
        raise DemoFailed(f"{what}: expected {wanted!r}, found {found!r}")


def wait(is_so: Callable[[], bool], trouble: str) -> None:
    """Wait until it is so. :raises DemoFailed: telling the trouble, if it never is."""
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            raise DemoFailed(f"{trouble} after {LIMIT_S} s")
        time.sleep(0.1)


def run(*argv: str) -> None:
    """Run a program. :raises DemoFailed: with what it said, if it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise DemoFailed(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
