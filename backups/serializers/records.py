"""Records of backups, as they leave the service and come back (contract 04 section 7)."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from backups.services.records import SERVICE
from storage_site.api.fields import Identity, Integer, Metadata, Text
from storage_site.api.serializers import StrictSerializer
from volumes.serializers.actions import ANY_KEY

LONGEST_RECORD = 2**20
MALFORMED = "Can't decode backup record."
# A record without one of these is accepted, and the backup in error afterwards (contract 04, section 7).
TOLD_LATER = ("display_name", "display_description", "container", "service_metadata", "object_count")


class Instant(Text):
    """A time as records write it."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the time."""
        try:
            moment = datetime.fromisoformat(super().to_internal_value(data))
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.refuse(data, "it is no time")


class Digest(Text):
    """A SHA-256 in hexadecimal digits."""

    def to_internal_value(self, data: Any) -> Any:
        """Return its bytes."""
        try:
            found = bytes.fromhex(super().to_internal_value(data))
        except ValueError:
            found = b""
        if len(found) != 32:  # noqa: PLR2004 - 256 bits
            self.refuse(data, "it is no digest")
        return found


class WhereItIs(StrictSerializer):
    """In which repository the data are, under which project, and how their manifest is told from older ones."""

    repository_id = Identity()
    stored_in = Text(shortest=1, longest=64)
    digest = Digest(allow_null=True)
    target = Text(required=False)


class Columns(StrictSerializer):
    """Those columns of a record that make a row again."""

    id = Identity()
    volume_id = Identity()
    size = Integer()
    display_name = Text(allow_null=True)
    display_description = Text(allow_null=True)
    container = Text(allow_null=True)
    availability_zone = Text(required=False, allow_null=True)
    service = Text()
    service_metadata = Text(allow_null=True)
    object_count = Integer(smallest=0)
    parent_id = Identity(required=False, allow_null=True)
    snapshot_id = Identity(required=False, allow_null=True)
    data_timestamp = Instant(required=False, allow_null=True)
    created_at = Instant(required=False, allow_null=True)
    metadata = Metadata(keys=ANY_KEY, required=False, allow_null=True)
    driver_info = WhereItIs()

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return what those of the members say that make a row; the others say what was.

        :raises serializers.ValidationError: naming the first thing wrong.
        """
        reader = cls()
        known = {name: value for name, value in members.items() if name in reader.fields}
        return dict(reader.run_validation(known))


class Stub(StrictSerializer):
    """Those columns without which nothing is imported, not even to say what else is wrong."""

    id = Identity()
    size = Integer()
    service = Text(required=False, allow_null=True)

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return what those of the members say. :raises serializers.ValidationError: naming the first thing wrong."""
        reader = cls()
        return dict(reader.run_validation({name: members[name] for name in reader.fields if name in members}))


class RecordText(Text):
    """A record: JSON, in base 64."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(shortest=1, longest=LONGEST_RECORD, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return the columns of the record; of one that is another service's, or not whole, what names it."""
        try:
            text = base64.b64decode("".join(super().to_internal_value(data).split()), validate=True).decode()
            members = json.loads(text)
        except (binascii.Error, ValueError, RecursionError):
            raise serializers.ValidationError(MALFORMED) from None
        # The database cannot keep either, and no record of ours has one.
        if not isinstance(members, dict) or "\\u0000" in text or _has_surrogates(members):
            raise serializers.ValidationError(MALFORMED)
        is_ours = members.get("service") == SERVICE and all(name in members for name in TOLD_LATER)
        return Columns.read(members) if is_ours else Stub.read(members)


def _has_surrogates(members: Any) -> bool:
    try:
        json.dumps(members, ensure_ascii=False).encode()
    except ValueError:
        return True
    return False


class RecordImport(StrictSerializer):
    """A request to make a row of a record."""

    backup_service = Text(shortest=1)
    backup_url = RecordText()

    class Meta:
        envelope = "backup-record"


def text_of(columns: Mapping[str, Any]) -> str:
    """Return the columns of a backup as RecordText reads them."""
    return base64.b64encode(json.dumps(columns).encode()).decode()
