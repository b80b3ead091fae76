"""What the strict fields admit, as the OpenAPI document says it: imported by it, for its effect."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from storage_site.api.fields import FALSE_WORDS, LARGEST, TRUE_WORDS

UUID = {"type": "string", "format": "uuid"}


class _FieldExtension(OpenApiSerializerFieldExtension):
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Return the schema of the field."""
        del auto_schema, direction
        return dict(self.schema())

    def schema(self) -> dict[str, Any]:
        """Return what the field admits beside null."""
        raise NotImplementedError


class IntegerExtension(_FieldExtension):
    """Numbers, or their digits."""

    target_class = "storage_site.api.fields.Integer"

    def schema(self) -> dict[str, Any]:
        """Return both."""
        smallest, largest = self.target.smallest, min(self.target.largest, LARGEST)
        digits = {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}
        return {"oneOf": [{"type": "integer", "minimum": smallest, "maximum": largest}, digits]}


class BooleanExtension(_FieldExtension):
    """Truth values, or words for them."""

    target_class = "storage_site.api.fields.Boolean"

    def schema(self) -> dict[str, Any]:
        """Return both."""
        words = {"type": "string", "enum": sorted(TRUE_WORDS | FALSE_WORDS)}
        return {"oneOf": [{"type": "boolean"}, words]}


class TextExtension(_FieldExtension):
    """Texts of limited length and form."""

    target_class = "storage_site.api.fields.Text"

    def schema(self) -> dict[str, Any]:
        """Return the limits."""
        field = self.target
        found = {"type": "string", "maxLength": field.longest}
        found |= {"minLength": field.shortest} if field.shortest else {}
        return found | ({"pattern": f"^{field.form.pattern}$"} if field.form is not None else {})


class IdentityExtension(_FieldExtension):
    """UUIDs."""

    target_class = "storage_site.api.fields.Identity"

    def schema(self) -> dict[str, Any]:
        """Return their format."""
        return UUID


class MembersExtension(_FieldExtension):
    """Objects; metadata are of short texts."""

    target_class = "storage_site.api.fields.Members"

    def schema(self) -> dict[str, Any]:
        """Return what the members may be."""
        if not hasattr(self.target, "keys"):
            return {"type": "object", "additionalProperties": True}
        text: dict[str, Any] = {"type": "string"}
        text |= {"maxLength": self.target.longest} if self.target.longest is not None else {}
        text |= {"nullable": True} if self.target.null_values else {}
        return {"type": "object", "additionalProperties": text}
