"""What timelines look like."""

from typing import Any

from storage_site.api.fields import Moment, Plain
from storage_site.api.operations.serializers import OfCaller, OperationAnswer
from storage_site.api.serializers import AnswerSerializer
from storage_site.operations.advice import advice_on
from storage_site.operations.models import Operation, Transition
from storage_site.operations.telling import explanation_of


class Reason(Plain):
    """Why the status changed, where somebody said so; for those who are no administrators, what the fault means."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", **kwargs)

    def to_representation(self, transition: Transition) -> str:
        """Return the sentence, "" for none."""
        if self.context["request"].user.is_admin or transition.operation is None:
            return transition.reason
        return explanation_of(transition.operation) if transition.reason else ""


class Event(AnswerSerializer):
    """One change of the status."""

    at = Moment()
    verb = Plain()
    from_status = Plain()
    to_status = Plain()
    reason = Reason()
    actor_id = Plain()
    request_id = Plain()
    operation_id = Plain(source="operation.id", default=None)


class Advice(OfCaller):
    """What can be done about an operation."""

    def to_representation(self, operation: Operation) -> str:
        """Return a sentence."""
        return advice_on(operation, is_for_administrator=self.is_for_administrator)


class AdvisedOperation(OperationAnswer):
    """An operation, and what can be done about it."""

    advice = Advice(help_text="What can be done, in a sentence for people.")
