"""What can be done about an operation that does not go on, or went wrong: a sentence for people."""

from collections.abc import Mapping

from django.utils import timezone

from storage_site.operations.models import Operation
from storage_site.operations.standing import LOST, OVERDUE, POSTPONED, RUNNING, WAITING, word_of

NOTHING = "Nothing needs to be done."
_FOR_ANYBODY: Mapping[str, str] = {
    WAITING: "It begins as soon as a worker is free. If it goes on waiting, tell an administrator.",
    POSTPONED: "It is tried again by itself until its time is over.",
    OVERDUE: "It is ended within seconds; ask for it once more then.",
    RUNNING: NOTHING,
    LOST: "It is taken up again by itself.",
}
_AFTER_FAULTS: Mapping[str, str] = {
    "backend-full": "Free some room or choose another volume type, and ask for it once more.",
    "no-valid-backend": "Ask for less, or for another volume type or zone.",
    "not-supported": "Ask for it in a way that this storage can do.",
    "target-full": "Delete backups that are not needed any more, or ask an administrator for room.",
    "backup-damaged": "Restore another backup, and make a new one of the volume, which may heal this one.",
    "volume-cannot-move": "Detach the volume, or delete its snapshots, and ask for it once more.",
    "image-unfit": "Make a raw or a plain qcow2 image of it (qemu-img convert), and ask for it once more.",
    "image-too-large": "Ask for a larger volume.",
    "image-damaged": "Upload the image anew, and ask for it once more.",
    "image-refused": "See whether the image still exists and may be used by this project.",
    "image-service-down": "Ask for it once more when the image service answers.",
    "copy-differs": "Ask for it once more; if it fails again, tell an administrator that storage may be damaged.",
    "deadline": "Ask for it once more; if it fails again, tell an administrator.",
    "cancelled": "Ask for it once more if it is still wanted.",
}
_FOR_ADMINISTRATORS: Mapping[str, str] = {
    WAITING: "See whether a worker of queue {queue} runs (os-services), and start one.",
    POSTPONED: "Mend what the reason names; to try at once, use “Retry now” on the operation's page in the console.",
    LOST: "See the log of {owner}; another worker takes over when the sweep has rung.",
    "defect": "See the log of the worker that tried; the trace names the operation {id}.",
    "too-many-attempts": "See why the workers of queue {queue} die, in their logs, before it is asked for once more.",
    "no-valid-backend": "See the refusals of each back-end on the operation's page in the console.",
    "deadline": "See whether a worker of queue {queue} runs (os-services), then have it asked for once more.",
}


def advice_on(operation: Operation, *, is_for_administrator: bool) -> str:
    """Return what can be done about the operation; NOTHING where it goes its way or has succeeded."""
    word = word_of(operation, timezone.now())
    known = [_FOR_ADMINISTRATORS, _FOR_ANYBODY] if is_for_administrator else [_FOR_ANYBODY]
    reasons = (operation.fault_code, word) if operation.is_finished else (word,)
    for reason in reasons:
        for sentences in [*known, _AFTER_FAULTS]:
            if reason in sentences:
                details = {"queue": operation.queue, "owner": operation.owner, "id": operation.id}
                return sentences[reason].format(**details)
    if operation.outcome == Operation.FAILED:
        return "Ask for it once more; if it fails again, tell an administrator the operation's id."
    return NOTHING
