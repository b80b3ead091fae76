"""What requests and answers about group types look like (contract 06, section 5)."""

from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.authorisation import is_admin
from storage_site.api.errors import invalid_input
from storage_site.api.fields import SPEC_KEY, Boolean, Metadata, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.serializers.types import SPEC_KEY_AT_CREATION


class GroupTypeCreate(StrictSerializer):
    """A request for a group type."""

    name = Text(shortest=1)
    description = Text(required=False, allow_null=True)
    is_public = Boolean(default=True)
    group_specs = Metadata(required=False, allow_null=True, keys=SPEC_KEY_AT_CREATION, null_values=True)

    class Meta:
        envelope = "group_type"


class GroupTypeUpdate(StrictSerializer):
    """A request to change a group type; null leaves a member as it is."""

    name = Text(required=False, allow_null=True, shortest=1)
    description = Text(required=False, allow_null=True)
    is_public = Boolean(required=False, allow_null=True)

    class Meta:
        envelope = "group_type"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what is to change. :raises ValidationError: if that is nothing."""
        changes = {name: value for name, value in attrs.items() if value is not None}
        if not changes:
            raise ValidationError("Specify group type name, description, is_public or a combination thereof.")
        return changes


class GroupSpecs(StrictSerializer):
    """Group specs to merge."""

    group_specs = Metadata(keys=SPEC_KEY, null_values=True)


class GroupTypeAnswer(AnswerSerializer):
    """A group type; what it asks of the storage is for administrators."""

    id = Plain()
    name = Plain()
    description = Plain()
    is_public = Plain()
    group_specs = Plain()

    class Meta:
        visible_to = {"group_specs": is_admin}


def one_spec(key: str, body: Any) -> dict[str, str]:
    """Return the single pair of `body`, which must be about `key`. :raises ValidationError: if it is not."""
    field = Metadata(keys=SPEC_KEY, null_values=True)
    field.bind("group_specs", None)
    pairs = field.run_validation(body)
    if set(pairs) != {key}:
        raise ValidationError(invalid_input("group_specs", pairs, f"the only member must be {key!r}"))
    return pairs
