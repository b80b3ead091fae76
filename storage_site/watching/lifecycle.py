"""The lifecycle table of canaries."""

from typing import Any

from storage_site.operations.lifecycle import KEEP, Lifecycle, verb

READY = "ready"


def _own_queue(canary: Any) -> str:
    return str(canary.queue)


CANARY = Lifecycle(
    # A day: one that waits for a worker goes on waiting, so that a queue without workers holds one bell and no more.
    verb("sing", {READY}, during=KEEP, after=KEEP, on_error=KEEP,
         task="storage_site.watching.tasks.sing", queue=_own_queue, deadline_s=86400),
)  # fmt: skip
