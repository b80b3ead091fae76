"""Which process is to be killed in the middle of what: all there is to hit, and what one seed chooses of it."""

import random
from dataclasses import dataclass
from enum import StrEnum

from storage_site import queues


class Kind(StrEnum):
    """What shows that a moment has come."""

    WORK = "work"
    """The victim holds an operation in this phase."""
    REQUEST = "request"
    """A client waits for the answer to such a request."""
    TRANSFER = "transfer"
    """Bytes go to or from an export for this purpose."""
    ANY = "any"
    """Something is unfinished."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment at which a process is killed."""

    victim: str
    kind: Kind
    phase: str

    def __str__(self) -> str:
        return f"{self.victim}: {self.phase}"


@dataclass(frozen=True, slots=True)
class Kill:
    """A kill that is planned: a moment, how far into it, and how long to leave everybody alone afterwards."""

    moment: Moment
    delay_s: float
    from_percent: int
    pause_s: float


WEB, WEB_CHILD, BEAT, BROKER, EXPORT = "web", "web (a child)", "beat", "broker", "export"


def moments(backend: str) -> list[Moment]:
    """Return every moment that there is in the stories, with one back-end."""
    volume = queues.of_backend(backend)
    work = [
        (queues.SCHEDULER, ["volume.create · place_volume · begun"]),
        (
            volume,
            [
                *("volume.create · create_volume · made", "volume.create of a copy · create_volume · made"),
                "volume.delete · delete_volume · removed",
                *("attachment.connect · connect · exported", "attachment.disconnect · disconnect · unexported"),
                *("snapshot.create · create_snapshot · kept", "snapshot.delete · delete_snapshot · removed"),
                *("backup.create · open_source · kept", "backup.create · open_source · lent"),
                *("volume.restore · open_target · lent", "volume.restore · close_target · taken back"),
            ],
        ),
        (
            queues.BACKUP,
            [
                *(f"backup.create · back_up · {part}" for part in ("0-10 %", "10-90 %")),
                *(f"volume.restore · restore · {part}" for part in ("0-10 %", "10-90 %")),
                *("backup.delete · delete_backup · begun", "repository.collect · collect · begun"),
            ],
        ),
    ]
    found = [Moment(victim, Kind.WORK, phase) for victim, phases in work for phase in phases]
    asked = ["POST volumes", "POST snapshots", "POST attachments", "POST backups"]
    asked += ["DELETE volumes", "DELETE attachments", "DELETE backups", "GET volumes", "GET backups"]
    found += [Moment(victim, Kind.REQUEST, what) for victim in (WEB, WEB_CHILD) for what in asked]
    done = ["a client writing", "a client reading", "lent to a backup", "lent to a restore"]
    found += [Moment(EXPORT, Kind.TRANSFER, what) for what in done]
    return found + [Moment(victim, Kind.ANY, "work is going on") for victim in (BEAT, BROKER)]


def planned(seed: int, backend: str) -> list[Kill]:
    """Return what is killed with this seed, the most wanted first: a part of all that there is to hit."""
    chance = random.Random(seed)  # noqa: S311 - a seed is to give the same plan again
    every = moments(backend)
    requests = [moment for moment in every if moment.kind == Kind.REQUEST]
    chosen = chance.sample(
        [moment for moment in every if moment not in requests], (len(every) - len(requests)) * 2 // 3
    )
    chosen += chance.sample(requests, len(requests) // 4)
    chance.shuffle(chosen)
    return [
        Kill(
            moment,
            delay_s=chance.choice([0, 0, 0.005, 0.02]),
            from_percent=chance.randint(10, 40),
            pause_s=chance.uniform(0.2, 1.5),
        )
        for moment in chosen
    ]
