"""Fields that read bodies as strictly as the contract says, with its texts, plus those that write answers."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from storage_site.api import links
from storage_site.api.errors import brief, invalid_input

TRUE_WORDS = frozenset(["true", "True", "TRUE", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t"])
FALSE_WORDS = frozenset(["false", "False", "FALSE", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f"])
LARGEST = 2**31 - 1
DIGITS = re.compile(r"-?[0-9]{1,20}", re.ASCII)
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
METADATA_KEY = re.compile(r"[a-zA-Z0-9-_:. /]{1,255}", re.ASCII)
SPEC_KEY = re.compile(r"[a-zA-Z0-9-_:.]{1,255}", re.ASCII)
LONGEST_TEXT = 255


class Strict:
    """What the strict fields share: refusals that name the member, its value and the reason."""

    type_name = "object"

    def refuse(self, value: Any, reason: str) -> NoReturn:
        """Refuse `value`. :raises serializers.ValidationError: always."""
        raise serializers.ValidationError(invalid_input(self.field_name, value, reason))  # type: ignore[attr-defined]

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        """Refuse null and absence with the contract's texts."""
        if key == "null":
            self.refuse(None, f"None is not of type '{self.type_name}'")
        if key == "required":
            raise serializers.ValidationError(f"'{self.field_name}' is a required property")  # type: ignore[attr-defined]
        super().fail(key, **kwargs)  # type: ignore[misc]


class Integer(Strict, serializers.IntegerField):
    """A whole number, or its digits as text."""

    type_name = "integer"

    def __init__(self, *, smallest: int = 1, largest: int = LARGEST, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smallest, self.largest = smallest, largest

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, str) and DIGITS.fullmatch(data):
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.refuse(data, f"{brief(data)} is not of type 'integer'")
        if data < self.smallest:
            self.refuse(data, f"{data} is less than the minimum of {self.smallest}")
        if data > self.largest:
            self.refuse(data, f"{data} is greater than the maximum of {self.largest}")
        return data


class Boolean(Strict, serializers.BooleanField):
    """A truth value, or one of the words for it; the numbers 1 and 0 are none."""

    type_name = "boolean"

    def to_internal_value(self, data: Any) -> bool:
        """Return the truth value."""
        if isinstance(data, bool):
            return data
        if isinstance(data, str) and data in TRUE_WORDS:
            return True
        if not isinstance(data, str) or data not in FALSE_WORDS:
            self.refuse(data, f"{brief(data)} is not of type 'boolean'")
        return False


class Text(Strict, serializers.CharField):
    """A text of at most 255 characters, stripped where names are."""

    type_name = "string"

    def __init__(
        self, *, shortest: int = 0, longest: int = LONGEST_TEXT, form: re.Pattern[str] | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("allow_blank", shortest == 0)
        super().__init__(**kwargs)
        self.shortest, self.longest, self.form = shortest, longest, form

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the text, without DRF's own texts for blank ones."""
        is_empty, value = self.validate_empty_values(data)
        return value if is_empty else self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            self.refuse(data, f"{brief(data)} is not of type 'string'")
        value = data.strip() if self.trim_whitespace else data
        if len(value.strip()) < self.shortest:
            self.refuse(data, f"{brief(data)} is too short")
        if len(value) > self.longest:
            self.refuse_length(value)
        if self.form is not None and not self.form.fullmatch(value):
            self.refuse(data, f"{brief(data)} does not match '{self.form.pattern}'")
        return value

    def refuse_length(self, value: str) -> NoReturn:
        """Refuse a text that is too long."""
        self.refuse(value, f"{brief(value)} is too long")


class VolumeText(Text):
    """A volume's name or description, whose length has a text of its own."""

    def refuse_length(self, value: str) -> NoReturn:
        """Refuse a text that is too long."""
        raise serializers.ValidationError(
            f"Invalid input received: {self.field_name} has {len(value)} characters, more than {self.longest}."
        )


class Identity(Strict, serializers.CharField):
    """A UUID."""

    type_name = "string"

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the id in lower case."""
        is_empty, value = self.validate_empty_values(data)
        return value if is_empty else self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> str:
        """Return the id in lower case."""
        if not isinstance(data, str) or not UUID_FORM.fullmatch(data):
            self.refuse(data, f"{brief(data)} is not a 'uuid'")
        return data.lower()


class Choice(Strict, serializers.ChoiceField):
    """One of a few words."""

    type_name = "string"

    def __init__(self, choices: Sequence[str], *, any_case: bool = False, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        self.any_case = any_case

    def to_internal_value(self, data: Any) -> str:
        """Return the word."""
        word = data.lower() if self.any_case and isinstance(data, str) else data
        if not isinstance(word, str) or word not in self.choices:
            self.refuse(data, f"{brief(data)} is not one of {list(self.choices)}")
        return word


class Members(Strict, serializers.JSONField):
    """An object whose members are the client's own."""

    initial = {}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the object; a page's form sends it as text."""
        if getattr(data, "is_json_string", False):
            try:
                data = json.loads(data or "{}")
            except ValueError:
                self.refuse(data, "it is not JSON")
        if not isinstance(data, dict):
            self.refuse(data, f"{brief(data)} is not of type 'object'")
        return data


class Metadata(Members):
    """An object of short texts."""

    def __init__(
        self,
        *,
        keys: re.Pattern[str] = METADATA_KEY,
        longest: int | None = LONGEST_TEXT,
        null_values: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.keys, self.longest, self.null_values = keys, longest, null_values

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Return the object."""
        members = super().to_internal_value(data)
        for key, value in members.items():
            if not self.keys.fullmatch(key):
                self.refuse(members, f"{brief(key)} does not match any of the regexes: '^{self.keys.pattern}$'")
            if value is None and self.null_values:
                continue
            if not isinstance(value, str):
                raise serializers.ValidationError(invalid_input(key, value, f"{brief(value)} is not of type 'string'"))
            if self.longest is not None and len(value) > self.longest:
                raise serializers.ValidationError(invalid_input(key, value, f"{brief(value)} is too long"))
        return members


@extend_schema_field({"nullable": True})
class Plain(serializers.Field):
    """A value that stands in an answer as it stands in the row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        """Return the value."""
        return str(value) if isinstance(value, UUID) else value


class Fixed(Plain):
    """A value that is the same in every answer."""

    def __init__(self, value: Any) -> None:
        super().__init__(source="*")
        self.value = value

    def to_representation(self, _row: Any) -> Any:
        """Return the value."""
        return self.value


@extend_schema_field({"type": "array", "items": {"type": "object"}})
class Links(Plain):
    """The links to the row itself, in a collection."""

    def __init__(self, collection: str) -> None:
        super().__init__(source="*")
        self.collection = collection

    def to_representation(self, row: Any) -> list[dict[str, str]]:
        """Return the links."""
        return links.of_resource(self.context["request"], self.collection, str(row.pk))


@extend_schema_field({"type": "string", "enum": ["true", "false"]})
class Word(Plain):
    """A truth value that stands in an answer as the text "true" or "false"."""

    def to_representation(self, value: Any) -> str:
        """Return the text."""
        return "true" if value else "false"


@extend_schema_field({"type": "string", "nullable": True, "example": "2026-01-01T00:00:00.000000"})
class Moment(Plain):
    """A time: UTC with microseconds and without a zone, which some clients cannot read."""

    def to_representation(self, value: datetime) -> str:
        """Return the time as text."""
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


class MomentOrBlank(Moment):
    """A time that is "" while it is unset."""

    def get_attribute(self, instance: Any) -> Any:
        """Return the time, "" for none (DRF writes null for None by itself)."""
        return super().get_attribute(instance) or ""

    def to_representation(self, value: Any) -> str:
        """Return the time as text."""
        return super().to_representation(value) if value else ""
