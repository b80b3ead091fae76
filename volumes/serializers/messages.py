"""What answers about user messages look like (contract 06, part 2)."""

from datetime import datetime
from typing import Any

from storage_site.api import links
from storage_site.api.fields import Fixed, Moment, Plain
from storage_site.api.fields import Links as RowLinks
from storage_site.api.serializers import AnswerSerializer
from storage_site.operations.models import Operation
from volumes import messages


class Told(Plain):
    """Something that is told from the whole operation."""

    def __init__(self, tell: Any) -> None:
        super().__init__(source="*")
        self.tell = tell

    def to_representation(self, operation: Operation) -> str:
        """Return it."""
        return str(self.tell(operation))


class Guaranteed(Moment):
    """Until when the message can be read."""

    def to_representation(self, finished_at: datetime) -> str:
        """Return the time as text."""
        return super().to_representation(finished_at + messages.KEPT_FOR)


class MessageLinks(RowLinks):
    """The links to the message itself."""

    def to_representation(self, operation: Operation) -> list[dict[str, str]]:
        """Return the links."""
        return links.of_resource(self.context["request"], "messages", str(operation.id))


class MessageAnswer(AnswerSerializer):
    """A message."""

    id = Plain()
    event_id = Told(messages.event_of)
    user_message = Told(messages.text_of)
    message_level = Fixed(messages.LEVEL)
    resource_type = Told(lambda operation: messages.action_of(operation).resource_type)
    resource_uuid = Told(messages.subject_of)
    request_id = Plain()
    created_at = Moment(source="finished_at")
    guaranteed_until = Guaranteed(source="finished_at")
    links = MessageLinks("messages")
