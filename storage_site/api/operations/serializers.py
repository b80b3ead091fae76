"""What answers about operations look like."""

from typing import Any

from drf_spectacular.utils import extend_schema_field

from storage_site.api.fields import Moment, Plain
from storage_site.api.serializers import AnswerSerializer
from storage_site.operations.models import Operation
from storage_site.operations.standing import Standing, pace_of, standing_of
from storage_site.operations.telling import explanation_of, told_of


@extend_schema_field({"type": "integer"})
class Count(Plain):
    """A whole number."""


@extend_schema_field({"type": "integer", "nullable": True})
class CountOrNull(Plain):
    """A whole number, null where nobody knows it."""


@extend_schema_field({"type": "string", "format": "uuid"})
class Uuid(Plain):
    """An id."""


@extend_schema_field({"type": "string"})
class Text(Plain):
    """A text."""


class Rate(Count):
    """The present rate."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", **kwargs)

    def to_representation(self, operation: Operation) -> int:
        """Return bytes per second."""
        return pace_of(operation)[0]


class TimeLeft(CountOrNull):
    """What is left at the present rate."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", **kwargs)

    def to_representation(self, operation: Operation) -> int | None:
        """Return seconds."""
        return pace_of(operation)[1]


class Kind(Text):
    """The kind of resource, in a word."""

    def to_representation(self, label: str) -> str:
        """Return the word."""
        return label.rpartition(".")[2]


class OfCaller(Text):
    """A text that says less to those who are no administrators: no worker, back-end or host."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", **kwargs)

    @property
    def is_for_administrator(self) -> bool:
        """Tell whether everything may be said."""
        return bool(self.context["request"].user.is_admin)

    def standing(self, operation: Operation) -> Standing:
        """Return how the operation stands, in the words for the caller."""
        return standing_of(operation) if self.is_for_administrator else told_of(operation)


class Status(OfCaller):
    """How the operation stands, in a word."""

    def to_representation(self, operation: Operation) -> str:
        """Return the word."""
        return self.standing(operation).word


class Reason(OfCaller):
    """How the operation stands, in a sentence."""

    def to_representation(self, operation: Operation) -> str:
        """Return the sentence."""
        return self.standing(operation).reason


class FaultDetail(OfCaller):
    """Why the operation was not done, or not yet."""

    def to_representation(self, operation: Operation) -> str:
        """Return what the worker said, or what its code means."""
        return operation.fault_detail if self.is_for_administrator else explanation_of(operation)


class OperationAnswer(AnswerSerializer):
    """An operation."""

    id = Uuid()
    resource_type = Kind(help_text="volume, snapshot, attachment, backup …")
    resource_id = Uuid()
    project_id = Text()
    verb = Text(help_text="What is done to the resource, as its lifecycle table names it.")
    status = Status(
        help_text="waiting, postponed, running, lost, overdue while unfinished; succeeded, failed, cancelled after."
    )
    reason = Reason(help_text="How it stands, in a sentence for people.")
    percent = Count(help_text="100 for what has succeeded only.")
    bytes_done = Count()
    bytes_total = Count(help_text="0 where the work is not measured in bytes.")
    bytes_per_s = Rate(help_text="0 while nobody is working on it.")
    seconds_left = TimeLeft(help_text="At the present rate; null where nobody knows.")
    created_at = Moment()
    started_at = Moment()
    finished_at = Moment()
    fault_code = Text(help_text="The last fault as a stable word, empty where there was none.")
    fault_detail = FaultDetail(help_text="The last fault in a sentence.")
