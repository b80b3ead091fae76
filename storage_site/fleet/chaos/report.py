"""Runs of several seeds, and what they come to together."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from storage_site.fleet import s3_server, temporary
from storage_site.fleet.chaos import plan
from storage_site.fleet.chaos.ground import BACKEND, prepared
from storage_site.fleet.chaos.run import Run
from storage_site.fleet.chaos.verdict import Verdict
from storage_site.fleet.temporary import Interrupted, signals_as_exceptions

ENOUGH_SEEDS = 20  # every moment is then a matter of the plan, no longer of chance


def run(seeds: Sequence[int], *, seconds: float, volumes: int, keep: Path | None) -> int:
    """Carry out the seeds, one after the other, and tell what came of them; return the exit code."""
    verdicts: list[Verdict] = []
    began = time.monotonic()
    if s3_server.program() is None:
        _say(f"Without S3: there is no {s3_server.PACKAGE} here. Backups go to a directory only.")
    left, troubles = list(seeds), []
    with signals_as_exceptions():
        try:
            while left:
                troubles += _on_one_ground(left, verdicts, seconds, volumes, keep)
        except Interrupted:
            _say("Interrupted.")
            return 130
    never = _tell_together(verdicts)
    is_good = not troubles and all(verdict.is_good for verdict in verdicts)
    is_good = is_good and not (never and len(seeds) >= ENOUGH_SEEDS)
    _say(f"{'All is well' if is_good else 'NOT all is well'} after {time.monotonic() - began:.0f} s.")
    return int(not is_good)


def _on_one_ground(
    left: list[int], verdicts: list[Verdict], seconds: float, volumes: int, keep: Path | None
) -> list[str]:
    """Carry out seeds on one fleet until one goes wrong; return what the fleet left on this machine."""
    with prepared() as ground:
        while left:
            seed = left.pop(0)
            verdicts.append(Run(seed, ground).carry_out(seconds=seconds, volumes=volumes))
            _tell(verdicts[-1])
            if keep is not None:
                ground.keep(keep / f"seed-{seed}")
            if not verdicts[-1].is_good:
                break  # what it left would be held against the next one
    troubles = temporary.left(ground.root)
    for trouble in troubles:
        _say(f"  FAULT left on this machine: {trouble}")
    return troubles


def _tell(verdict: Verdict) -> None:
    for hit in verdict.hits:
        _say(f"  {hit}")
    for fault in verdict.faults:
        _say(f"  FAULT {fault}")
    _say(str(verdict))


def _tell_together(verdicts: list[Verdict]) -> list[str]:
    """Tell how often what was hit; return the moments that never were."""
    hits: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        hits.update(verdict.phases())
    _say("\nPhases hit (how often, by the death of whom, in the middle of what)")
    for (victim, phase), count in sorted(hits.items()):
        _say(f"{count:6d}  {victim:<14} {phase}")
    never = [str(moment) for moment in plan.moments(BACKEND) if not hits[moment.victim, moment.phase]]
    for text in never:
        _say(f"  never  {text}")
    totals = [
        ("kills", sum(len(verdict.hits) for verdict in verdicts)),
        ("accepted", sum(verdict.accepted for verdict in verdicts)),
        ("ended", sum(verdict.ended for verdict in verdicts)),
        *((word, sum(len(getattr(one, name)) for one in verdicts)) for word, name in _FAULTS),
    ]
    _say(f"\n{len(verdicts)} seeds: " + ", ".join(f"{word} {count}" for word, count in totals))
    return never


_FAULTS = [
    ("lost", "lost"),
    ("stuck", "stuck"),
    ("wrong bytes", "wrong_bytes"),
    ("left", "leftovers"),
    ("other troubles", "troubles"),
]


def _say(text: str) -> None:
    print(text, flush=True)
