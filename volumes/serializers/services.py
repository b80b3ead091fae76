"""What requests and answers about services look like (contract 06, section 1)."""

from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.fields import Fixed, Moment, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from storage_site.operations.heartbeat import VOLUME, is_up
from storage_site.operations.models import Service
from volumes.serializers.actions import HOST_NAME


class ServiceName(StrictSerializer):
    """Which service: `service` is an old word for `binary`."""

    host = Text(shortest=1, form=HOST_NAME)
    binary = Text(required=False)
    service = Text(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. :raises ValidationError: if neither word is given."""
        if not attrs.get("binary") and not attrs.get("service"):
            raise ValidationError("'binary' is a required property")
        return attrs


class ServiceNameAndReason(ServiceName):
    """Which service, and why it is to rest."""

    disabled_reason = Text(required=False, shortest=1)


class State(Plain):
    """Whether a service was heard of lately."""

    def to_representation(self, service: Service) -> str:
        """Return the word."""
        return "up" if is_up(service) else "down"


class Status(Plain):
    """Whether a service may take new work."""

    def to_representation(self, is_disabled: bool) -> str:  # noqa: FBT001 - DRF's signature
        """Return the word."""
        return "disabled" if is_disabled else "enabled"


class ServiceAnswer(AnswerSerializer):
    """A service in the list."""

    binary = Plain()
    host = Plain()
    zone = Plain()
    status = Status(source="is_disabled")
    state = State(source="*")
    updated_at = Moment(source="last_seen_at")
    backend_state = State(source="*")
    cluster = Fixed(None)
    disabled_reason = Plain()
    replication_status = Fixed("disabled")
    active_backend_id = Fixed(None)
    frozen = Plain(source="is_frozen")

    class Meta:
        since = {"cluster": "3.7", "backend_state": "3.49"}

    def to_representation(self, instance: Service) -> dict[str, Any]:
        """Return the members; some exist for volume services only."""
        members = super().to_representation(instance)
        if instance.binary != VOLUME:
            for name in ("backend_state", "replication_status", "active_backend_id", "frozen"):
                members.pop(name, None)
        return members
