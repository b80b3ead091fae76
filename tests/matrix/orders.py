"""How the matrix tells a real worker where it is to die or to stand still: files in a folder that both know.

For each project (or resource in nobody's project) there is one order at most, KEY. `KEY.json` is the order; the worker
that comes to its place renames it to `KEY.met` and says in `KEY.at` who it is, and when; one that is to stand still
stays there until `KEY.go`, and writes `KEY.over` when its task has ended. `KEY.begun` has a line for each claim.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.matrix.places import Place

KILL, STOP = "SIGKILL", "SIGSTOP"
FOLDER = "CELINDER_MATRIX_ORDERS"
LOOK_S = 0.01
LONGEST_STAND_S = 120


@dataclass(frozen=True, slots=True)
class Orders:
    """The files about one key."""

    folder: Path
    key: str

    def _file(self, ending: str) -> Path:
        return self.folder / f"{self.key}.{ending}"

    # --- the matrix' side ------------------------------------------------------------------------------------------

    def give(self, place: Place, fault: str) -> None:
        """Order the fault at the place; what became of an earlier order for this key is forgotten."""
        for ending in ("met", "at", "go", "over", "begun"):
            self._file(ending).unlink(missing_ok=True)
        draft = self._file("draft")
        draft.write_text(json.dumps({"place": asdict(place), "fault": fault}))
        draft.rename(self._file("json"))

    def met(self) -> tuple[int, float] | None:
        """Return which process came to the place, and when; None if none has."""
        with suppress(OSError, ValueError):
            pid, moment = self._file("at").read_text().split()
            return int(pid), float(moment)
        return None

    def let_go(self) -> None:
        """Let the worker that stands still go on."""
        self._file("go").touch()

    @property
    def is_over(self) -> bool:
        """Tell whether the task of the worker that stood still has ended."""
        return self._file("over").exists()

    def taken_over_at(self, after: float) -> float | None:
        """Return when the first claim after that moment began to work."""
        with suppress(OSError):
            moments = map(float, self._file("begun").read_text().split())
            return min((moment for moment in moments if moment > after), default=None)
        return None

    # --- the worker's side -----------------------------------------------------------------------------------------

    def wanted(self) -> tuple[Place, str] | None:
        """Return the order, None if there is none or it has been met."""
        try:
            told = json.loads(self._file("json").read_text())
        except OSError:
            return None
        return Place(**told["place"]), told["fault"]

    def note_begun(self) -> None:
        """Write down that a claim begins to work."""
        with self._file("begun").open("a") as file:
            file.write(f"{time.time()}\n")

    def meet(self) -> bool:
        """Take the order, and say who did; tell whether it was still there."""
        try:
            self._file("json").rename(self._file("met"))
        except OSError:
            return False
        draft = self._file("at.draft")
        draft.write_text(f"{os.getpid()} {time.time()}")
        draft.rename(self._file("at"))
        return True

    def stand_still(self) -> None:
        """Wait until the matrix lets this worker go."""
        until = time.monotonic() + LONGEST_STAND_S
        while not self._file("go").exists() and time.monotonic() < until:
            time.sleep(LOOK_S)

    def note_over(self) -> None:
        """Write down that the task has ended that stood still."""
        self._file("over").touch()
