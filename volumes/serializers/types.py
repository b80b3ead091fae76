"""What requests and answers about volume types look like (contract 05, section 1)."""

import re
from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.authorisation import is_admin, is_member
from storage_site.api.errors import invalid_input
from storage_site.api.fields import SPEC_KEY, Boolean, Metadata, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.models import VolumeType

# What anybody may know of a type's extra specs; the others say how the storage is built.
VISIBLE_SPECS = ("RESKEY:availability_zones", "multiattach", "replication_enabled")
SPEC_KEY_AT_CREATION = re.compile(r"[a-zA-Z0-9-_:. /]{1,255}", re.ASCII)
PUBLIC = "os-volume-type-access:is_public"


class TypeCreate(StrictSerializer):
    """A request for a type."""

    name = Text(shortest=1, trim_whitespace=False)
    description = Text(required=False, allow_null=True)
    is_public = Boolean(default=True)
    extra_specs = Metadata(required=False, allow_null=True, keys=SPEC_KEY_AT_CREATION, null_values=True)

    class Meta:
        envelope = "volume_type"
        names = {"is_public": PUBLIC}


class TypeUpdate(StrictSerializer):
    """A request to change a type; null leaves a member as it is."""

    name = Text(required=False, allow_null=True, shortest=1, trim_whitespace=False)
    description = Text(required=False, allow_null=True)
    is_public = Boolean(required=False, allow_null=True)

    class Meta:
        envelope = "volume_type"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what is to change. :raises ValidationError: if that is nothing."""
        changes = {name: value for name, value in attrs.items() if value is not None}
        if not changes:
            raise ValidationError("Specify volume type name, description, is_public or a combination thereof.")
        return changes


class ExtraSpecs(StrictSerializer):
    """Extra specs to merge."""

    extra_specs = Metadata(keys=SPEC_KEY, null_values=True)


class SpecsOfType(Plain):
    """The extra specs that the caller may know."""

    def to_representation(self, specs: dict[str, str]) -> dict[str, str]:
        """Return the pairs."""
        return visible_specs(specs, self.context["request"].user)


class TypeAnswer(AnswerSerializer):
    """A type in the answers to what changes one, and as the default."""

    id = Plain()
    name = Plain()
    is_public = Plain()
    description = Plain()
    extra_specs = SpecsOfType()


class CreatedType(TypeAnswer):
    """A type in the answer to its creation."""

    access = Plain(source="is_public")

    class Meta:
        names = {"access": PUBLIC}
        visible_to = {"access": is_member}


class TypeDetail(CreatedType):
    """A type as it is shown and listed."""

    qos_specs_id = Plain()

    class Meta(CreatedType.Meta):
        visible_to = CreatedType.Meta.visible_to | {"qos_specs_id": is_admin}


class ProjectAccess(StrictSerializer):
    """The project that may use a type, or may not any more."""

    project = Text(shortest=1)


def visible_specs(specs: dict[str, str], caller: Any) -> dict[str, str]:
    """Return those of `specs` that `caller` may know."""
    return dict(specs) if caller.is_admin else {key: specs[key] for key in VISIBLE_SPECS if key in specs}


def one_spec(key: str, body: Any) -> dict[str, str]:
    """Return the single pair of `body`, which must be about `key`. :raises ValidationError: if it is not."""
    field = Metadata(keys=SPEC_KEY, null_values=True)
    field.bind("extra_specs", None)
    pairs = field.run_validation(body)
    if set(pairs) != {key}:
        raise ValidationError(invalid_input("extra_specs", pairs, f"the only member must be {key!r}"))
    return pairs


def access_of(volume_type: VolumeType) -> list[dict[str, str]]:
    """Return the projects that may use `volume_type`, as the API lists them."""
    return [
        {"volume_type_id": str(row.volume_type_id), "project_id": row.project_id} for row in volume_type.access.all()
    ]


class DefaultTypeUpdate(StrictSerializer):
    """The type that a project's volumes are to have where none is named."""

    volume_type = Text(shortest=1)

    class Meta:
        envelope = "default_type"


class DefaultTypeAnswer(AnswerSerializer):
    """A project and its default type."""

    project_id = Plain()
    volume_type_id = Plain()
