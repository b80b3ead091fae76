"""What requests and answers about QoS specs look like (contract 05, section 2)."""

import re
from typing import Any

from rest_framework import serializers
from rest_framework.serializers import ValidationError

from storage_site.api.errors import brief, invalid_input
from storage_site.api.fields import Choice, Metadata, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.models.qos import BACK_END, BOTH, FRONT_END

CONSUMERS = (FRONT_END, BACK_END, BOTH)
ANY_KEY = re.compile(r".{1,255}", re.DOTALL)


class QosBody(StrictSerializer):
    """Limits by name, beside members with a meaning of their own."""

    class Meta:
        envelope = "qos_specs"

    null_values = False

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the members with a meaning, and the others as `specs`. :raises ValidationError: if one is wrong."""
        members = self._inside(data)
        if not isinstance(members, dict):
            raise ValidationError(invalid_input("qos_specs", members, f"{brief(members)} is not of type 'object'"))
        own = {name: value for name, value in members.items() if name in self.fields}
        field = Metadata(keys=ANY_KEY, null_values=self.null_values)
        field.bind("qos_specs", None)
        specs = field.run_validation({name: value for name, value in members.items() if name not in own})
        return {**super().run_validation({self.envelope(): own}), "specs": specs}


class QosCreate(QosBody):
    """A request for QoS specs."""

    name = Text(shortest=1)
    consumer = Choice(CONSUMERS, default=BACK_END)


class QosUpdate(QosBody):
    """Limits to add or to replace, and who is to keep them."""

    consumer = Choice(CONSUMERS, required=False)
    null_values = True


class QosKeys(StrictSerializer):
    """Names of limits to remove."""

    keys = serializers.ListField(child=Text(shortest=1))

    def validate_keys(self, keys: list[str]) -> list[str]:
        """Return the names. :raises ValidationError: if one is there twice."""
        if len(set(keys)) < len(keys):
            raise ValidationError(invalid_input("keys", keys, f"{brief(keys)} has non-unique elements"))
        return keys


class QosAnswer(AnswerSerializer):
    """QoS specs as they are shown and listed."""

    id = Plain()
    name = Plain()
    consumer = Plain()
    specs = Plain()
