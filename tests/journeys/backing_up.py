"""What journeys of backups share: a fleet with a directory and an S3 server to back up to, and sentences about it."""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from storage_site.fleet import s3_server
from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.content import Content, compare, write
from storage_site.fleet.demo_stage import Stage
from storage_site.fleet.repositories import remains
from tests.fleets import Place, place, short_folder
from tests.waiting import until

DIRECTORY, S3 = "directory", "s3"
TARGETS = (DIRECTORY, S3)
CONNECTOR = {"host": "client1", "ip": "127.0.0.1"}
WITHIN_S = 120


class Keeper:
    """A user of a fleet, who makes volumes and backups and compares what they hold."""

    def __init__(self, here: Place, server: s3_server.S3Server) -> None:
        self.here, self._server = here, server
        self.stage = Stage(here.root, here.url, targets=TARGETS, environment=here.environment)
        self.client = self.stage.client("demo")
        self.chance = random.Random(4)  # noqa: S311 - the same bytes each time

    # --- volumes ----------------------------------------------------------------------------------------------

    def volume(self, name: str, **source: Any) -> str:
        made = self.client.volumes.create(1, name=name, **source)
        return self.settled("volumes", made.id)

    @contextmanager
    def attached(self, volume: str) -> Iterator[dict[str, Any]]:
        attachment = self.client.attachments.create(volume, CONNECTOR, mode="rw")["id"]
        info = self.client.attachments.show(attachment).connection_info
        self.client.attachments.complete(attachment)
        try:
            yield info
        finally:
            self.client.attachments.delete(attachment)

    def scribbled(self, volume: str, content: Content, blocks: int) -> Content:
        """Change so many blocks of the volume; return what it holds then, which goes on changing."""
        with self.attached(volume) as info:
            write(info, content.scribble(self.chance, blocks), Ledger())
        return content.copy()

    def holds(self, volume: str, content: Content) -> None:
        with self.attached(volume) as info:
            compare(info, content, Ledger())

    # --- backups ----------------------------------------------------------------------------------------------

    def backup(self, volume: str, target: str, **more: Any) -> str:
        made = self.client.backups.create(volume, container=target, **more)
        return self.settled("backups", made.id)

    def restored_to(self, volume: str, backup: str) -> str:
        self.client.restores.restore(backup, volume_id=volume)
        self.settled("backups", backup)
        return self.settled("volumes", volume)

    def restored_to_new(self, backup: str, name: str) -> str:
        made = self.client.restores.restore(backup, name=name)
        self.settled("backups", backup)
        return self.settled("volumes", made.volume_id)

    # --- both -------------------------------------------------------------------------------------------------

    def settled(self, kind: str, ident: str, status: str = "available") -> str:
        """Wait for the status; return the id."""
        group = getattr(self.client, kind)

        def is_settled() -> bool:
            shown = group.get(ident)
            assert not shown.status.startswith("error"), f"{kind} {ident}: {getattr(shown, 'fail_reason', '')}"
            return shown.status == status

        until(is_settled, f"{kind} {ident} is {status}", WITHIN_S)
        return ident

    def deleted(self, kind: str, *idents: str) -> None:
        group = getattr(self.client, kind)
        for ident in idents:
            group.delete(ident)
        until(lambda: not {one.id for one in group.list()} & {*idents}, f"{kind} are gone", WITHIN_S)

    def stored(self) -> list[str]:
        """Return what is left in the repositories for backups."""
        return remains(self.here.root / DIRECTORY, self._server)

    def collect(self, *names: str) -> None:
        done = self.here.manage("backup_collect", *(names or TARGETS), "--wait")
        assert done.returncode == 0, done.stderr


@contextmanager
def keeper(**variables: str) -> Iterator[Keeper]:
    """Run a fleet that backs up to a directory and to S3. :raises FleetError: if there is no server of S3."""
    with ExitStack() as stack:
        server = stack.enter_context(s3_server.running(stack.enter_context(short_folder()) / "s3"))
        here = stack.enter_context(place(**variables))
        (here.root / DIRECTORY).mkdir()
        targets = {DIRECTORY: {"driver": "posix", "path": str(here.root / DIRECTORY)}, S3: server.target()}
        here.environment["CELINDER_BACKUP_TARGETS"] = json.dumps(targets)
        here.up()
        yield Keeper(here, server)
