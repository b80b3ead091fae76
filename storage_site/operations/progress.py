"""How far work is, as a workflow tells it and an operation's row keeps it."""

from dataclasses import dataclass
from typing import Any

LONGEST_S = 10 * 365 * 86400  # beyond this, nobody knows


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes done out of all, the present rate, and the seconds left at that rate (None: not known)."""

    done_bytes: int
    total_bytes: int
    bytes_per_s: int = 0
    seconds_left: int | None = None

    @property
    def percent(self) -> int:
        """Return the percentage; 100 is for work that has ended well."""
        if self.total_bytes <= 0:
            return 0
        return max(0, min(99, self.done_bytes * 100 // self.total_bytes))

    def as_columns(self) -> dict[str, Any]:
        """Return what stands in the operation's row."""
        left = self.seconds_left
        return {
            "percent": self.percent,
            "bytes_done": self.done_bytes,
            "bytes_total": self.total_bytes,
            "bytes_per_s": self.bytes_per_s,
            "seconds_left": left if left is not None and 0 <= left <= LONGEST_S else None,
        }
