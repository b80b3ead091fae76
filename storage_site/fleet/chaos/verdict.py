"""What a run has come to: promises kept or not, bytes, and what is left anywhere."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from storage_site.fleet import leftovers
from storage_site.fleet.chaos.books import Books
from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.killer import Hit


@dataclass
class Verdict:
    """The result of one seed."""

    seed: int
    accepted: int = 0
    found_out: int = 0
    unanswered: int = 0
    ended: int = 0
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong_bytes: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was lost, stuck, wrong or left."""
        return not any((self.lost, self.stuck, self.wrong_bytes, self.leftovers, self.troubles))

    @property
    def faults(self) -> list[str]:
        """Return everything that is not as it should be, a line each."""
        lists = {
            "lost": self.lost,
            "stuck": self.stuck,
            "wrong bytes": self.wrong_bytes,
            "left": self.leftovers,
            "trouble": self.troubles,
        }
        return [f"{word}: {text}" for word, texts in lists.items() for text in texts]

    def phases(self) -> Counter[tuple[str, str]]:
        """Return how often which process was killed in which phase."""
        return Counter((hit.victim, phase) for hit in self.hits for phase in hit.phases)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {len(self.hits)} kills in {self.seconds:.0f} s; accepted {self.accepted} "
            f"({self.unanswered} requests unanswered, {self.found_out} of them found out as carried out), "
            f"ended {self.ended}, lost {len(self.lost)}, stuck {len(self.stuck)}, "
            f"wrong bytes {len(self.wrong_bytes)}, left {len(self.leftovers)}, other troubles {len(self.troubles)}"
        )


def examine_books(verdict: Verdict, books: Books, ledger: Ledger, after: int) -> None:
    """Hold what clients were promised `after` that operation against the rows, when everything should have ended."""
    verdict.accepted, verdict.found_out = len(ledger.accepted), ledger.found_out
    verdict.unanswered = sum(ledger.unanswered.values())
    verdict.ended = books.ended(after)
    for resource_id, verb in ledger.accepted:
        if not books.has_operation(resource_id, verb):
            verdict.lost.append(f"{verb} of {resource_id} was promised and never taken down")
    verdict.lost += books.spoiled(after)
    verdict.stuck += [f"{one.phase} has not ended" for one in books.unfinished()]
    verdict.leftovers += [f"row of {row}" for row in books.left()]


def examine_storage(verdict: Verdict, root: Path) -> None:
    """Look for what is on the back-end when every volume has been deleted, while the fleet runs."""
    for folder in ("volumes", "layers", "run"):
        verdict.leftovers += [str(path) for path in (root / "local" / folder).glob("*")]
    verdict.leftovers += [str(process) for process in leftovers.processes(root) if process.is_export]
