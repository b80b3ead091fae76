"""One run: several stories at once, a killer among them, and the verdict."""

import random
import time
from collections.abc import Callable
from threading import Thread

from storage_site.fleet import temporary
from storage_site.fleet.chaos import books, plan
from storage_site.fleet.chaos.client import PATIENCE_S, Ledger, Stuck
from storage_site.fleet.chaos.content import WrongBytes
from storage_site.fleet.chaos.ground import BACKEND, Ground
from storage_site.fleet.chaos.killer import Killer
from storage_site.fleet.chaos.story import Story
from storage_site.fleet.chaos.verdict import Verdict, examine_books, examine_storage
from storage_site.fleet.repositories import remains

MOST_COLLECTIONS = 4  # one condemns, the next one deletes; what a writer that was killed left takes one more


class Run:
    """What belongs to one seed."""

    def __init__(self, seed: int, ground: Ground) -> None:
        self._ground, self._ledger, self._verdict = ground, Ledger(), Verdict(seed)

    def carry_out(self, *, seconds: float, volumes: int) -> Verdict:
        """Let `volumes` stories happen and kill for so many `seconds`; whatever goes wrong is in the verdict."""
        began = time.monotonic()
        with books.opened(self._ground.database) as opened:
            before = opened.last_serial()
            self._live_and_kill(seconds, volumes)
            self._examine(opened, before)
        self._verdict.seconds = time.monotonic() - began
        return self._verdict

    def _live_and_kill(self, seconds: float, volumes: int) -> None:
        kills = plan.planned(self._verdict.seed, BACKEND)
        killer = Killer(self._ground.fleet.directory, self._ground.database, kills, self._ledger, seconds)
        lives = [Thread(target=self._live, args=(number,), daemon=True) for number in range(volumes)]
        for thread in [killer, *lives]:
            thread.start()
        try:
            for thread in lives:
                thread.join()
            self._collect()
        finally:
            killer.end()
            self._verdict.hits = killer.hits
        if killer.fault:
            self._verdict.troubles.append(f"the killer itself failed: {killer.fault}")

    def _live(self, number: int) -> None:
        seed = self._verdict.seed
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a seed is to tell the same story again
        client = self._ground.client("demo", self._ledger)
        story = Story(f"chaos-{seed}-{number}", chance, client, self._ledger, self._ground.targets)
        try:
            story.live()
        except WrongBytes as error:
            self._verdict.wrong_bytes.append(f"{story.name}, {story.at}: {error}")
        except Stuck as error:
            self._verdict.stuck.append(f"{story.name}, {story.at}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever ends a story early is a fault, and its kind is told
            self._verdict.troubles.append(f"{story.name}, {story.at}: {type(error).__name__}: {error}")

    def _collect(self) -> None:
        """Give back all room in the repositories, of which nothing should be needed now."""
        for _ in range(MOST_COLLECTIONS):
            with books.opened(self._ground.database) as opened:
                targets = opened.targets()
            if not targets or not remains(self._ground.backups, self._ground.server):
                return
            done = temporary.manage(self._ground.fleet, "backup_collect", *targets, "--wait", limit_s=PATIENCE_S)
            if done.returncode:
                self._verdict.troubles.append(f"collecting: {done.stderr.strip() or done.stdout.strip()}")

    def _examine(self, opened: books.Books, before: int) -> None:
        _wait(lambda: not opened.unfinished())
        examine_books(self._verdict, opened, self._ledger, before)
        examine_storage(self._verdict, self._ground.root)
        left = remains(self._ground.backups, self._ground.server)
        self._verdict.leftovers += [f"in a repository: {name}" for name in left]


def _wait(is_so: Callable[[], bool]) -> None:
    """Give it time; whoever looks afterwards finds out whether that was enough."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.2)
