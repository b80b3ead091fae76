"""What requests and answers about back-ends, hosts and clusters look like (contract 06, sections 1 to 3)."""

from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.errors import invalid_input
from storage_site.api.fields import Boolean, Choice, Fixed, Identity, Integer, Moment, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from storage_site.operations.heartbeat import SCHEDULER, VOLUME, is_up
from storage_site.operations.log_levels import LEVELS
from storage_site.operations.models import Service
from volumes.serializers.actions import HOST_NAME

CLUSTER_SINCE = "3.26"
BINARIES = ("", "*", "cinder-api", "cinder-scheduler", "cinder-volume", "cinder-backup")
CLUSTER_FILTERS = {
    "name", "binary", "is_up", "disabled", "num_hosts", "num_down_hosts", "replication_status", "frozen",
    "active_backend_id",
}  # fmt: skip


class BackendName(StrictSerializer):
    """Which back-end: host@backend, or a cluster, of which there are none."""

    host = Text(required=False, allow_null=True, form=HOST_NAME)
    cluster = Text(required=False, allow_null=True)

    class Meta:
        since = {"cluster": CLUSTER_SINCE}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. :raises ValidationError: unless exactly one is named, and that is no cluster."""
        named = [name for name in ("host", "cluster") if attrs.get(name)]
        if len(named) != 1:
            raise ValidationError("Invalid input received: One and only one of cluster and host must be set.")
        if named == ["cluster"]:
            raise ValidationError(f"Cluster {attrs['cluster']} could not be found.")
        return attrs


class Failover(BackendName):
    """Which back-end, and where to."""

    backend_id = Text(required=False, allow_null=True)


class LogChoice(StrictSerializer):
    """Which processes, and which of their loggers."""

    binary = Choice(BINARIES, required=False, allow_null=True, allow_blank=True)
    server = Text(required=False, allow_null=True)
    prefix = Text(required=False, allow_null=True)


class LogChange(LogChoice):
    """The level they are to have, too."""

    level = Choice(tuple(level.lower() for level in LEVELS), any_case=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values, the level as Python writes it."""
        return {**attrs, "level": attrs["level"].upper()}


class ClusterName(StrictSerializer):
    """Which cluster."""

    name = Text(shortest=1)
    binary = Text(required=False)
    disabled_reason = Text(required=False, allow_null=True)


class CleanupChoice(StrictSerializer):
    """Whose work is to be taken up."""

    cluster_name = Text(required=False, allow_null=True)
    host = Text(required=False, allow_null=True)
    service_id = Integer(required=False, allow_null=True)
    binary = Text(required=False, allow_null=True)
    is_up = Boolean(required=False)
    disabled = Boolean(required=False)
    resource_id = Identity(required=False, allow_null=True)
    resource_type = Choice(("Volume", "Snapshot"), required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. :raises ValidationError: if a binary is none, or a resource has no type."""
        if attrs.get("binary") not in {None, VOLUME, SCHEDULER}:
            raise ValidationError(invalid_input("binary", attrs["binary"], f"it is neither {VOLUME} nor {SCHEDULER}"))
        if attrs.get("resource_id") and not attrs.get("resource_type"):
            raise ValidationError("Invalid input received: Resource type is needed to look for a resource.")
        return attrs


class CleanedService(AnswerSerializer):
    """A service whose work is taken up."""

    id = Plain()
    host = Plain()
    binary = Plain()
    cluster_name = Fixed(None)


class Life(Plain):
    """Whether a service was heard of lately."""

    def to_representation(self, service: Service) -> str:
        """Return the word."""
        return "available" if is_up(service) else "unavailable"


class HostAnswer(AnswerSerializer):
    """A service on its host."""

    host_name = Plain(source="host")
    service = Plain(source="binary")
    zone = Plain()
    status = Life(source="*")
    state = Fixed("enabled")
    last = Moment(source="last_seen_at")

    class Meta:
        names = {"status": "service-status", "state": "service-state", "last": "last-update"}
