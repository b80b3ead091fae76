"""The story of one volume, from its creation to the last trace of it, as its owner lives it through the API."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from storage_site.fleet.chaos.client import PATIENCE_S, Client, Ledger, Stuck
from storage_site.fleet.chaos.content import Content, compare, write
from storage_site.fleet.chaos.things import Things

FIRST_BLOCKS, LATER_BLOCKS = 160, 32
CONNECTOR = {"host": "client", "ip": "127.0.0.1"}
LOOK_S = 0.2


class Spoiled(Exception):
    """Work that nobody had a reason to refuse ended in an error."""


class Story:
    """One volume, what is made of it, and what all of these are to hold."""

    def __init__(
        self, name: str, chance: random.Random, client: Client, ledger: Ledger, targets: Sequence[str]
    ) -> None:
        self.name, self.at = name, "the beginning"
        self._chance, self._client, self._ledger, self._targets = chance, client, ledger, targets
        self._things = Things(client, ledger, name)

    def live(self) -> None:
        """Go through it all. :raises Exception: whatever goes wrong; `at` says where."""
        self._client.log_in()
        origin = self._new_volume("origin", Content())
        now = Content()
        with self._attached(origin, "the first bytes") as info:
            write(info, now.scribble(self._chance, FIRST_BLOCKS), self._ledger)
            snapshot, kept = self._snapshot(origin), now.copy()
            write(info, now.scribble(self._chance, LATER_BLOCKS), self._ledger)
            backups = [(self._backup(origin, self._targets[0], is_attached=True), now.copy())]
            # The backup reads what was there before this, while this goes on.
            write(info, now.scribble(self._chance, LATER_BLOCKS), self._ledger)
            self._settle("backups", backups[0][0], "available")
            compare(info, now, self._ledger)
        copies = [
            (self._new_volume("clone", now, source_volid=origin), now.copy()),
            (self._new_volume("earlier", kept, snapshot_id=snapshot), kept),
        ]
        backups += self._further_backups(origin, now, snapshot, kept)
        backups.append((self._changed_and_backed_up(origin, now), now.copy()))
        self._chance.shuffle(copies)
        for volume, content in copies:
            self._check(volume, content, "a copy")
            self._delete("volumes", volume)
        self._restore_all(origin, backups)
        self._delete_all(origin, snapshot, [backup for backup, _ in backups])

    # --- chapters ---------------------------------------------------------------------------------------------

    def _further_backups(self, origin: str, now: Content, snapshot: str, kept: Content) -> list[tuple[str, Content]]:
        """Back up the snapshot, and the volume to each further target."""
        made = [(self._backup(origin, self._chance.choice(self._targets), snapshot=snapshot), kept)]
        self._settle("backups", made[0][0], "available")
        for target in self._targets[1:]:
            made.append((self._backup(origin, target), now.copy()))
            self._settle("backups", made[-1][0], "available")
        return made

    def _changed_and_backed_up(self, origin: str, now: Content) -> str:
        """Overwrite a part and make an incremental backup of it."""
        with self._attached(origin, "overwriting") as info:
            write(info, now.scribble(self._chance, LATER_BLOCKS), self._ledger)
        backup = self._backup(origin, self._targets[0], is_incremental=True)
        self._settle("backups", backup, "available")
        return backup

    def _restore_all(self, origin: str, backups: list[tuple[str, Content]]) -> None:
        """Restore each backup: to the volume it is of, to a new one by either call; compare every byte."""
        ways = ["old", "new", "create"]
        self._chance.shuffle(ways)
        for number, (backup, content) in enumerate(self._chance.sample(backups, len(backups))):
            way = ways[number % len(ways)]
            self.at = f"restoring ({way})"
            if way == "old":
                self._things.restore_to(backup, origin)
                volume = origin
            elif way == "new":
                volume = self._things.restore_to_new(backup, f"restored-{number}")
            else:
                volume = self._things.create_volume(f"made-{number}", content.size_gib, backup_id=backup)
            self._settle("volumes", volume, "available")
            self._settle("backups", backup, "available")
            self._check(volume, content, f"what was restored ({way})")
            if volume != origin:
                self._delete("volumes", volume)

    def _delete_all(self, origin: str, snapshot: str, backups: list[str]) -> None:
        """Delete what is left: the backups in any order, the last of them after their volume."""
        self._chance.shuffle(backups)
        for backup in backups[:-1]:
            self._delete("backups", backup)
        self._delete("snapshots", snapshot)
        self._delete("volumes", origin)
        self._delete("backups", backups[-1])
        self.at = "the end"

    # --- sentences --------------------------------------------------------------------------------------------

    def _new_volume(self, name: str, content: Content, **source: str) -> str:
        self.at = f"making {name}"
        volume = self._things.create_volume(name, content.size_gib, **source)
        self._settle("volumes", volume, "available")
        return volume

    def _snapshot(self, volume: str) -> str:
        self.at = "taking a snapshot"
        snapshot = self._things.create_snapshot("snapshot", volume)
        self._settle("snapshots", snapshot, "available")
        return snapshot

    def _backup(self, volume: str, target: str, *, is_attached: bool = False, **more: Any) -> str:
        """Accept a backup and wait until what it reads is taken, so that the volume may change."""
        self.at = f"backing up to {target}"
        backup = self._things.create_backup(volume, target, is_attached=is_attached, **more)
        self._settle("volumes", volume, "in-use" if is_attached else "available")
        return backup

    def _check(self, volume: str, content: Content, what: str) -> None:
        with self._attached(volume, f"comparing {what}") as info:
            compare(info, content, self._ledger)

    def _delete(self, kind: str, ident: str) -> None:
        self.at = f"deleting from {kind}"
        self._things.delete(kind, ident)
        self._wait(lambda: self._things.status(kind, ident) is None, f"{kind} {ident} is gone", kind, ident)

    @contextmanager
    def _attached(self, volume: str, what: str) -> Iterator[dict[str, Any]]:
        self.at = f"attaching for {what}"
        attachment, info = self._things.attach(volume, CONNECTOR)
        self.at = what
        yield info
        self.at = f"detaching after {what}"
        self._things.detach(attachment)
        self._settle("volumes", volume, "available")

    def _settle(self, kind: str, ident: str, status: str) -> None:
        self._wait(lambda: self._things.status(kind, ident) == status, f"{kind} {ident} is {status}", kind, ident)

    def _wait(self, is_so: Any, what: str, kind: str, ident: str) -> None:
        """Wait until it is so. :raises Spoiled: if it shows an error instead. :raises Stuck: if nothing comes."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            status = self._things.status(kind, ident)
            if status is not None and status.startswith("error"):
                raise Spoiled(f"{kind} {ident} is {status}")
            if time.monotonic() > deadline:
                raise Stuck(f"waited for: {what}, which is {status}")
            time.sleep(LOOK_S)
