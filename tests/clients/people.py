"""People who type commands: what they type, and what they see."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinderclient import client as cinder
from cinderclient import exceptions as cinder_errors
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from tests.fleets import PROJECT
from tests.waiting import until

NEWEST = "3.71"
WITHIN_S = 60


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, str]]:
        """Return the table's rows, by its headings."""
        cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in self.out.splitlines() if "|" in line]
        return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]] if cells else []

    @property
    def headings(self) -> list[str]:
        """Return the headings of the table."""
        line = next(line for line in self.out.splitlines() if "|" in line)
        return [cell.strip() for cell in line.split("|")[1:-1]]

    @property
    def shown(self) -> dict[str, str]:
        """Return a table of two columns; what has several lines keeps the first."""
        found: dict[str, str] = {}
        for line in self.out.splitlines():
            if line.count("|") >= 3:
                name, value = (cell.strip() for cell in line.strip()[1:-1].split("|", 1))
                found.setdefault(name, value)
        return found


class Commands:
    """A process that runs commands, one after another."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cel-")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-W", "ignore", "-m", "tests.clients.forks"],
            cwd=PROJECT,
            env=os.environ | {"PATH": f"/usr/bin:/bin:{os.environ.get('PATH', '')}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str, words: tuple[str, ...], environment: dict[str, str]) -> Said:
        """Run one and return what it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        out, err = (Path(self._folder.name) / name for name in ("out", "err"))
        asked = {"program": program, "words": words, "environment": environment, "out": str(out), "err": str(err)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Said(code, out.read_text(), err.read_text())

    def close(self) -> None:
        """End."""
        self._process.communicate(timeout=20)
        self._folder.cleanup()


class Person:
    """A user, logged in, and the commands at hand.

    The commands are given a token: proving a password anew for each of them would take most of the time. What only
    waits for something asks the library, not a command.
    """

    def __init__(self, commands: Commands, credentials: Mapping[str, str]) -> None:
        self._commands = commands
        self.credentials = dict(credentials)
        self.session = Session(Password(**_named(credentials, "username", "password", *_SCOPE, "user_domain_name")))
        self.client = cinder.Client(NEWEST, session=self.session, region_name=credentials["OS_REGION_NAME"])
        kept = {f"OS_{name.upper()}": value for name, value in _named(credentials, *_SCOPE).items()}
        self.variables = {
            "PATH": "/usr/bin:/bin",
            "HOME": tempfile.gettempdir(),
            "COLUMNS": "400",
            "OS_AUTH_TYPE": "token",
            "OS_TOKEN": self.session.get_token(),
            "OS_IDENTITY_API_VERSION": "3",
            "OS_REGION_NAME": credentials["OS_REGION_NAME"],
            **kept,
        }

    # --- cinder -------------------------------------------------------------------------------------------------

    def cinder(self, *words: str, version: str = NEWEST) -> Said:
        """Run `cinder`. :raises AssertionError: with what it says, if it fails."""
        said = self.try_cinder(*words, version=version)
        assert said.code == 0, f"cinder {' '.join(words)}: {said.err or said.out}"
        return said

    def try_cinder(self, *words: str, version: str = NEWEST) -> Said:
        """Run `cinder`, which may fail."""
        return self._commands.run("cinder", ("--os-volume-api-version", version, *words), self.variables)

    def refused(self, *words: str, version: str = NEWEST) -> str:
        """Run `cinder`, which is to fail; return what it says."""
        said = self.try_cinder(*words, version=version)
        assert said.code == 1, f"cinder {' '.join(words)} ended with {said.code}: {said.out}{said.err}"
        return said.err.strip()

    # --- openstack ----------------------------------------------------------------------------------------------

    def openstack(self, *words: str) -> Any:
        """Run `openstack` and return what it prints, read as JSON. :raises AssertionError: if it fails."""
        said = self.try_openstack(*words, "-f", "json")
        assert said.code == 0, f"openstack {' '.join(words)}: {said.err or said.out}"
        return json.loads(said.out)

    def silent(self, *words: str) -> None:
        """Run `openstack`, which prints nothing if all is well."""
        said = self.try_openstack(*words)
        assert (said.code, said.out.strip()) == (0, ""), f"openstack {' '.join(words)}: {said.err}{said.out}"

    def try_openstack(self, *words: str) -> Said:
        """Run `openstack`, which may fail."""
        variables = self.variables | {"OS_VOLUME_API_VERSION": NEWEST}
        command, *rest = words
        return self._commands.run("openstack", (*command.split(), *rest), variables)

    def openstack_refuses(self, *words: str) -> str:
        """Run `openstack`, which is to fail; return what it says."""
        said = self.try_openstack(*words)
        assert said.code == 1, f"openstack {' '.join(words)} ended with {said.code}: {said.out}{said.err}"
        return said.err.strip()

    # --- sentences ----------------------------------------------------------------------------------------------

    def create(self, name: str, *words: str) -> str:
        """Make a volume of 1 GiB with `cinder`; return its id when it is available."""
        made = self.cinder("create", *words, "--name", name, *([] if "--source-volid" in words else ["1"])).shown["id"]
        self.until("show", made, status="available")
        return made

    def until(self, command: str, ident: str, *, status: str) -> dict[str, str]:
        """Wait until something has a status; return what `cinder` shows then."""

        def is_so() -> bool:
            found = self._asked(command, ident)
            assert not found.status.startswith("error") or found.status == status, found.to_dict()
            return bool(found.status == status)

        until(is_so, f"{ident} is {status}", WITHIN_S)
        return self.cinder(command, ident).shown

    def gone(self, command: str, ident: str) -> None:
        """Wait until something cannot be found any more."""

        def is_so() -> bool:
            try:
                self._asked(command, ident)
            except cinder_errors.NotFound:
                return True
            return False

        until(is_so, f"{ident} is gone", WITHIN_S)

    def delete(self, *idents: str) -> None:
        """Delete volumes, and wait until they are gone."""
        said = self.try_cinder("delete", *idents)
        assert said.code == 0, said.out
        for ident in idents:
            self.gone("show", ident)

    def snapshot(self, volume: str, *words: str) -> str:
        """Take a snapshot with `cinder`; return its id when it is available."""
        made = self.cinder("snapshot-create", *words, volume).shown["id"]
        self.until("snapshot-show", made, status="available")
        return made

    def _asked(self, command: str, ident: str) -> Any:
        return getattr(self.client, _MANAGERS[command]).get(ident)


_SCOPE = ("auth_url", "project_name", "project_domain_name")
_MANAGERS = {
    "show": "volumes",
    "snapshot-show": "volume_snapshots",
    "backup-show": "backups",
    "group-show": "groups",
    "group-snapshot-show": "group_snapshots",
    "consisgroup-show": "consistencygroups",
    "cgsnapshot-show": "cgsnapshots",
}


def _named(credentials: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: credentials[f"OS_{name.upper()}"] for name in names}
