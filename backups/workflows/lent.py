"""What a backup worker is lent: by which claim, and connections to it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from drivers.connect import Connection, open_connection
from storage_site import queues
from storage_site.operations.claims import Claimed
from volumes.models import Attachment

CONNECTIONS = 2
"""With two to four processors: while one thread waits for its connection, others compute."""


def hand_out(op: Claimed, attachment: Attachment, task: str) -> None:
    """Pass the operation to a backup worker's `task`, with what was lent for it."""
    decision = {"attachment_id": str(attachment.pk), "claim": op.fence.claim}
    op.hand_over(task=task, queue=queues.BACKUP, anew=False, decision=decision)


def lending_of(op: Claimed) -> Attachment | None:
    """Return what was lent for this claim; None if it was for an earlier one, which may still be using it."""
    decision = op.operation.decision
    if op.fence.claim != decision.get("claim", -1) + 1:
        return None
    return Attachment.objects.filter(pk=decision["attachment_id"]).first()


@contextmanager
def connections_to(attachment: Attachment) -> Iterator[Sequence[Connection]]:
    """Give open connections to what was lent. Raises as `open_connection`."""
    with ExitStack() as stack:
        yield [stack.enter_context(open_connection(attachment.connection_info)) for _ in range(CONNECTIONS)]
