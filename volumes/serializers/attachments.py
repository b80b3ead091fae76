"""What requests and answers about attachments look like (contract 03, part 2)."""

from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.errors import invalid_input
from storage_site.api.fields import Choice, Identity, Members, MomentOrBlank, Plain
from storage_site.api.serializers import AnswerSerializer, StrictSerializer


class AttachmentCreate(StrictSerializer):
    """A request to reserve a volume, or to reserve and connect it."""

    volume_uuid = Identity()
    instance_uuid = Identity(required=False)
    connector = Members(required=False, allow_null=True)
    mode = Choice(("rw", "ro"), required=False)

    class Meta:
        envelope = "attachment"
        since = {"mode": "3.54"}


class AttachmentUpdate(StrictSerializer):
    """A request to connect."""

    connector = Members()

    class Meta:
        envelope = "attachment"

    def validate_connector(self, connector: dict[str, Any]) -> dict[str, Any]:
        """Return the connector. :raises ValidationError: if it says nothing."""
        if not connector:
            raise ValidationError(invalid_input("connector", connector, "{} does not have enough properties"))
        return connector


class AttachMode(Plain):
    """How the volume is used, the text "null" while that is open."""

    def to_representation(self, mode: str) -> str:
        """Return the mode."""
        return mode or "null"


class AttachmentSummary(AnswerSerializer):
    """An attachment in the short list."""

    id = Plain()
    status = Plain()
    instance = Plain(source="instance_id")
    volume_id = Plain()


class AttachmentAnswer(AttachmentSummary):
    """An attachment in full."""

    attached_at = MomentOrBlank()
    detached_at = MomentOrBlank()
    attach_mode = AttachMode()
    connection_info = Plain()
