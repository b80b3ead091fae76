"""User messages: work that failed, in the numbers and texts that clients know (contract 06, part 2).

A message is a failed operation, looked at in another way: none is ever written, so none is ever missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from storage_site.operations.models import Operation

KEPT_FOR = timedelta(days=30)
LEVEL = "ERROR"
VOLUME, SNAPSHOT, BACKUP = "VOLUME", "VOLUME_SNAPSHOT", "VOLUME_BACKUP"

DETAILS = {
    "001": "An unknown error occurred.",
    "002": "Driver is not initialized at present.",
    "003": "Could not find any available weighted backend.",
    "004": "The volume could not be kept as an image.",
    "007": "The image does not fit into the volume.",
    "010": "Driver failed to extend the volume.",
    "012": "Driver failed to create the volume.",
    "013": "The snapshot could not be created.",
    "016": "The snapshot could not be deleted.",
    "020": "The backup could not be created.",
    "021": "The volume could not be attached.",
    "022": "The volume could not be detached.",
    "024": "No service was found that could handle the backup.",
    "025": "The backup could not be deleted.",
    "026": "The backup could not be restored.",
    "029": "The image is of a format that is not acceptable.",
}
_NO_BACKEND = {"no-valid-backend": "003"}
_OF_IMAGES = {"image-too-large": "007", "image-unfit": "029"}
_NO_SERVICE = {"backup-target-not-served": "024", "deadline": "024"}


@dataclass(frozen=True, slots=True)
class Action:
    """A kind of work: its number and text, the detail of its failures, and those of special faults by their codes.

    `subject` names the argument of the operation with the id of what it is about, "" for its resource.
    """

    resource_type: str
    number: str
    text: str
    detail: str
    special: Mapping[str, str]
    subject: str = ""

    def detail_of(self, fault_code: str) -> str:
        """Return the number of the detail."""
        return self.special.get(fault_code, self.detail)

    def fails_with(self, detail: str) -> Q:
        """Return what holds for operations of this kind whose failure has this detail."""
        condition = Q(fault_code__in=[code for code, number in self.special.items() if number == detail])
        return condition | ~Q(fault_code__in=list(self.special)) if detail == self.detail else condition


ACTIONS: Mapping[tuple[str, str], Action] = {
    ("volumes.volume", "create"): Action(VOLUME, "001", "schedule allocate volume", "012", _NO_BACKEND),
    ("volumes.volume", "download"): Action(VOLUME, "005", "copy image to volume", "001", _OF_IMAGES),
    ("volumes.volume", "reimage"): Action(VOLUME, "016", "reimage volume", "001", _OF_IMAGES),
    ("volumes.volume", "upload"): Action(VOLUME, "003", "copy volume to image", "004", {}),
    ("volumes.volume", "manage"): Action(VOLUME, "008", "create volume from backend storage", "012", _NO_BACKEND),
    ("volumes.volume", "unmanage"): Action(VOLUME, "006", "unmanage volume", "001", {}),
    ("volumes.volume", "extend"): Action(VOLUME, "007", "extend volume", "010", {}),
    ("volumes.attachment", "connect"): Action(VOLUME, "002", "attach volume", "021", {}, "volume_id"),
    ("volumes.attachment", "disconnect"): Action(VOLUME, "004", "update attachment", "022", {}, "volume_id"),
    ("volumes.snapshot", "create"): Action(SNAPSHOT, "009", "create snapshot", "013", {}),
    ("volumes.snapshot", "delete"): Action(SNAPSHOT, "010", "delete snapshot", "016", {}),
    ("backups.backup", "create"): Action(BACKUP, "013", "create backup", "020", _NO_SERVICE),
    ("backups.backup", "delete"): Action(BACKUP, "014", "delete backup", "025", _NO_SERVICE),
    ("volumes.volume", "restore"): Action(BACKUP, "015", "restore backup", "026", _NO_SERVICE, "backup_id"),
}


def messages() -> "QuerySet[Operation]":
    """Return the operations that are messages: failed not too long ago, not dismissed, and not the service's own."""
    known = Q()
    for (resource_type, verb), action in ACTIONS.items():
        of_clients = Q(arguments__has_key=action.subject) if action.subject else Q()
        known |= Q(resource_type=resource_type, verb=verb) & of_clients
    failed = Operation.objects.filter(outcome=Operation.FAILED, is_dismissed=False)
    return failed.filter(known, finished_at__gt=timezone.now() - KEPT_FOR)


def action_of(operation: Operation) -> Action:
    """Return what kind of work it was."""
    return ACTIONS[operation.resource_type, operation.verb]


def subject_of(operation: Operation) -> str:
    """Return the id of what it was about."""
    subject = action_of(operation).subject
    return str(operation.arguments[subject] if subject else operation.resource_id)


def event_of(operation: Operation) -> str:
    """Return the number of the message."""
    action = action_of(operation)
    return f"VOLUME_{action.resource_type}_{action.number}_{action.detail_of(operation.fault_code)}"


def text_of(operation: Operation) -> str:
    """Return the message."""
    action = action_of(operation)
    return f"{action.text}:{DETAILS[action.detail_of(operation.fault_code)]}"


def of_type(resource_type: str) -> Q:
    """Return what holds for messages about this type of resource."""
    return _any(action.resource_type == resource_type and Q() for action in ACTIONS.values())


def of_event(event: str) -> Q:
    """Return what holds for messages of this number."""
    head, _, detail = event.rpartition("_")
    matches = (f"VOLUME_{action.resource_type}_{action.number}" == head for action in ACTIONS.values())
    return _any(match and action.fails_with(detail) for match, action in zip(matches, ACTIONS.values(), strict=True))


def about(subject_id: str) -> Q:
    """Return what holds for messages about the thing of this id."""
    conditions = (
        Q(**{f"arguments__{action.subject}": subject_id}) if action.subject else Q(resource_id=subject_id)
        for action in ACTIONS.values()
    )
    return _any(conditions)


def _any(conditions: Iterable[Q | bool]) -> Q:
    """Return what holds for messages of which the condition of their action does; False is never."""
    found = Q(pk__in=[])
    for (resource_type, verb), condition in zip(ACTIONS, conditions, strict=True):
        if condition is not False:
            found |= Q(resource_type=resource_type, verb=verb) & condition
    return found
