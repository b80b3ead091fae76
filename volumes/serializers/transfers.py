"""What requests and answers about transfers look like (contract 06, part 3)."""

from typing import Any

from storage_site.api.errors import brief
from storage_site.api.fields import Boolean, Fixed, Identity, Links, Moment, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer

SNAPSHOTS_SINCE, PROJECTS_SINCE = "3.55", "3.57"


class OlderTransferCreate(StrictSerializer):
    """A request to offer a volume, at the older path."""

    volume_id = Identity()
    name = Text(required=False, allow_null=True)

    class Meta:
        envelope = "transfer"


class TransferCreate(OlderTransferCreate):
    """A request to offer a volume."""

    no_snapshots = Boolean(required=False)

    class Meta(OlderTransferCreate.Meta):
        since = {"no_snapshots": SNAPSHOTS_SINCE}


class Key(Text):
    """The key of an offer; one that has digits only may come as a number."""

    def to_internal_value(self, data: Any) -> str:
        """Return the key."""
        if isinstance(data, bool) or not isinstance(data, str | int):
            self.refuse(data, f"{brief(data)} is not of type 'string', 'integer'")
        return super().to_internal_value(str(data))


class TransferAccept(StrictSerializer):
    """A request to take an offer."""

    auth_key = Key()

    class Meta:
        envelope = "accept"


class TransferSummary(AnswerSerializer):
    """An offer in the short list."""

    id = Plain()
    volume_id = Plain()
    name = Plain()
    links = Links("os-volume-transfer")


class TransferDetail(TransferSummary):
    """An offer as it is shown."""

    created_at = Moment()
    no_snapshots = Plain(source="without_snapshots")
    source_project_id = Plain(source="project_id")
    destination_project_id = Fixed(None)
    accepted = Fixed(value=False)

    class Meta:
        since = {
            "no_snapshots": SNAPSHOTS_SINCE,
            "source_project_id": PROJECTS_SINCE,
            "destination_project_id": PROJECTS_SINCE,
            "accepted": PROJECTS_SINCE,
        }
