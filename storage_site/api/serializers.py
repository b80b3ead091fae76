"""Serializers that know microversions and envelopes: each field says since when, and to whom, it exists."""

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.utils.html import is_html_input

from storage_site.api.errors import brief, invalid_input
from storage_site.caller import Caller


class VersionedSerializer(serializers.Serializer[Any]):
    """Drops the fields that the request's version or caller does not know.

    `Meta.since`: field → the microversion from which it exists. `Meta.visible_to`: field → predicate on the
    caller. `Meta.names`: field → its name in JSON, where that is no Python name.
    """

    class Meta:
        """Nothing is special unless a subclass says so."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields that exist for this request, under their names in JSON."""
        names = self._option("names", {})
        fields: dict[str, Any] = {}
        for attribute, field in super().get_fields().items():
            if not self._exists(attribute):
                continue
            if attribute in names and field.source is None:
                field.source = attribute
            fields[names.get(attribute, attribute)] = field
        return fields

    def _exists(self, attribute: str) -> bool:
        request = self.context.get("request")
        version = getattr(request, "version", None)
        since: Mapping[str, str] = self._option("since", {})
        if version is not None and attribute in since and not version.covers(since[attribute]):
            return False
        visible_to: Mapping[str, Callable[[Caller], bool]] = self._option("visible_to", {})
        caller = getattr(request, "user", None)
        return attribute not in visible_to or (caller is not None and visible_to[attribute](caller))

    def _option(self, name: str, default: Any) -> Any:
        return getattr(self.Meta, name, default)


class AnswerSerializer(VersionedSerializer):
    """Writes a row. `Meta.absent_if_empty`: fields that are left out where there is nothing to tell."""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the members of the answer."""
        members = super().to_representation(instance)
        for name in self._option("absent_if_empty", ()):
            if name in members and not members[name]:
                del members[name]
        return members


class StrictSerializer(VersionedSerializer):
    """Reads a body: an envelope of one member with an object in it.

    `Meta.envelope`: the member's name; without it the value is read as it is (actions). `Meta.beside`: member
    beside the envelope → the field that reads it. `Meta.strict_since`: the microversion from which unknown members
    of the inner object are refused; below it they are ignored. `Meta.null_is_empty`: null stands for {}.
    `Meta.older_names`: an older name of a field → the field, which counts where both are given.
    """

    @classmethod
    def envelope(cls) -> str:
        """Return the name of the envelope, "" for none."""
        return str(getattr(cls.Meta, "envelope", ""))

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return what the body says, by field. :raises serializers.ValidationError: naming the first thing wrong."""
        if is_html_input(data):
            return super().run_validation(data)
        members = self._inside(data) if self.envelope() else data
        if members is None and self._option("null_is_empty", default=False):
            members = {}
        if not isinstance(members, dict):
            self._refuse(members, f"{brief(members)} is not of type 'object'")
        self._refuse_unknown(members)
        beside: Mapping[str, str] = self._option("beside", {})
        return super().run_validation({**members, **{beside[key]: data[key] for key in beside if key in data}})

    def _inside(self, body: Any) -> Any:
        envelope = self.envelope()
        if not isinstance(body, dict):
            raise serializers.ValidationError(f"{brief(body)} is not of type 'object'")
        if envelope not in body:
            raise serializers.ValidationError(f"'{envelope}' is a required property")
        unknown = set(body) - {envelope} - set(self._option("beside", {}))
        if unknown:
            raise serializers.ValidationError(_unexpected(unknown))
        return body[envelope]

    def _refuse_unknown(self, members: dict[str, Any]) -> None:
        version = getattr(self.context.get("request"), "version", None)
        strict_since = self._option("strict_since", "3.0")
        if version is not None and not version.covers(strict_since):
            return
        unknown = set(members) - (set(self.fields) - set(self._option("beside", {}).values()))
        if unknown:
            self._refuse(members, _unexpected(unknown))

    def _refuse(self, value: Any, reason: str) -> None:
        label = self.envelope() or self.context.get("label")
        raise serializers.ValidationError(invalid_input(label, value, reason) if label else reason)

    def to_internal_value(self, data: Any) -> Any:
        """Return what the members say, by field, with the name of the object in what is missing."""
        for name, field in self.fields.items():
            if field.required and name not in data:
                self._refuse(dict(data), f"'{name}' is a required property")
        values = super().to_internal_value(data)
        older_names: Mapping[str, str] = self._option("older_names", {})
        for older, name in older_names.items():
            if older in values:
                values.setdefault(name, values.pop(older))
        return values


def _unexpected(names: set[str]) -> str:
    listed = ", ".join(brief(name) for name in sorted(names))
    verb = "was" if len(names) == 1 else "were"
    return f"Additional properties are not allowed ({listed} {verb} unexpected)"
