"""What requests and answers about encryption types look like (contract 05, section 1.3)."""

from typing import Any

from storage_site.api.fields import LARGEST, Choice, Fixed, Integer, Moment, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.models.encryption import BACK_END, FRONT_END

LOCATIONS = (FRONT_END, BACK_END)


class EncryptionCreate(StrictSerializer):
    """How volumes of a type are to be encrypted. Members that nobody knows are passed over."""

    provider = Text()
    control_location = Choice(LOCATIONS)
    cipher = Text(required=False, allow_null=True)
    key_size = Integer(required=False, allow_null=True, smallest=0, largest=LARGEST)

    class Meta:
        envelope = "encryption"

    def _refuse_unknown(self, members: dict[str, Any]) -> None:
        """Refuse nothing."""


class EncryptionUpdate(EncryptionCreate):
    """What is to change."""

    provider = Text(required=False)
    control_location = Choice(LOCATIONS, required=False)


class EncryptionAnswer(AnswerSerializer):
    """How volumes of a type are encrypted."""

    volume_type_id = Plain()
    encryption_id = Plain(source="id")
    provider = Plain()
    cipher = Plain()
    key_size = Plain()
    control_location = Plain()
    deleted = Fixed(value=False)
    created_at = Moment()
    updated_at = Moment()
    deleted_at = Fixed(None)
