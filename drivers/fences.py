"""What a back-end remembers of the claims that acted on one volume and its attachments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from drivers.errors import StaleFence
from drivers.types import AccessMode, Fence

TOMBSTONE_DAYS = 7
_TOMBSTONE_S = TOMBSTONE_DAYS * 24 * 3600


@dataclass(slots=True)
class ExportRecord:
    """The latest claim seen for one attachment, and what it wanted: a mode, or None for "no access" (a tombstone)."""

    fence: Fence
    mode: AccessMode | None
    seen_at: float


@dataclass(slots=True)
class FenceBook:
    """The highest fences seen for one volume and its attachments.

    Its owner compares here, makes the changed book durable, and acts, all under one lock. Whether the volume and
    its exports exist is a different matter: records outlive them, so that a late claim is still recognised.
    """

    volume: Fence | None = None
    seen_at: float = 0.0
    exports: dict[str, ExportRecord] = field(default_factory=dict)

    def admit(self, fence: Fence, *, now: float) -> None:
        """Record that `fence` acts on the volume. :raises StaleFence: if a later one has."""
        _refuse_older(fence, self.volume, "this volume")
        if fence != self.volume:
            self.volume, self.seen_at = fence, now

    def admit_deletion(self, fence: Fence, *, now: float) -> None:
        """Record that `fence` destroys the volume, which ends the access of every attachment.

        A deletion older than an export that still stands was overtaken: the volume came back into use.

        :raises StaleFence: if a later claim has acted on the volume, or exports it.
        """
        for record in self.exports.values():
            if record.mode is not None:
                _refuse_older(fence, record.fence, "an export of this volume")
        self.admit(fence, now=now)
        for record in self.exports.values():
            record.mode = None
            record.seen_at = now

    def admit_export(self, attachment_id: str, fence: Fence, *, now: float) -> ExportRecord:
        """Record that `fence` acts on the attachment, and return its record. :raises StaleFence: if a later one has."""
        record = self.exports.setdefault(attachment_id, ExportRecord(fence, None, now))
        _refuse_older(fence, record.fence, "this attachment")
        if fence != record.fence:
            record.fence, record.seen_at = fence, now
        return record

    @property
    def wanted(self) -> dict[str, AccessMode]:
        """Return the mode of each attachment that shall have access."""
        return {name: record.mode for name, record in self.exports.items() if record.mode is not None}

    def tidy(self, *, now: float) -> None:
        """Forget attachments that lost their access so long ago that no late claim can come any more."""
        gone = [name for name, it in self.exports.items() if it.mode is None and it.seen_at < now - _TOMBSTONE_S]
        for name in gone:
            del self.exports[name]

    def is_past(self, *, now: float) -> bool:
        """Tell whether nothing here is worth keeping once the volume is gone."""
        return not self.exports and self.seen_at < now - _TOMBSTONE_S

    def as_json(self) -> dict[str, Any]:
        """Return the book as JSON values."""
        volume = None if self.volume is None else [self.volume.operation, self.volume.claim, self.seen_at]
        exports = {name: [it.fence.operation, it.fence.claim, it.seen_at, it.mode] for name, it in self.exports.items()}
        return {"volume": volume, "exports": exports}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Read a book back. :raises KeyError, TypeError, ValueError: if `given` is not what `as_json` makes."""
        book = cls()
        if given["volume"] is not None:
            operation, claim, seen_at = given["volume"]
            book.volume, book.seen_at = Fence(int(operation), int(claim)), float(seen_at)
        for name, (operation, claim, seen_at, mode) in given["exports"].items():
            if mode not in {None, "ro", "rw"}:
                raise ValueError(f"{mode!r} is not an access mode")
            book.exports[name] = ExportRecord(Fence(int(operation), int(claim)), mode, float(seen_at))
        return book


def _refuse_older(fence: Fence, seen: Fence | None, what: str) -> None:
    """Compare `fence` with the one `seen`. :raises StaleFence: if it is older."""
    if seen is not None and fence < seen:
        raise StaleFence(f"claim {fence} came too late: {seen} has acted on {what} since")
