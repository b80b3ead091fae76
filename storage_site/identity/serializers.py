"""The shapes of the Keystone v3 calls: fields and their rules."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from storage_site.identity.models import DOMAIN_ID, DOMAIN_NAME
from storage_site.identity.tokens import ValidToken

LONGEST_PASSWORD = 4096
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Exact(serializers.CharField):
    """Text that is taken as it comes: its blanks may be part of a secret."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)


class Fixed(serializers.Field):
    """A member that has one value here; clients may send it, but no other."""

    default_error_messages = {"other": "Only {value} is supported."}

    def __init__(self, value: Any, *, or_else: tuple[Any, ...] = ()) -> None:
        super().__init__(source="*", required=False)
        self.value, self.accepted = value, (value, None, *or_else)

    def run_validation(self, data: Any = empty) -> dict[str, Any]:
        """Return nothing to store."""
        if data is not empty and data not in self.accepted:
            self.fail("other", value=repr(self.value))
        return {}

    def to_representation(self, instance: Any) -> Any:  # noqa: ARG002 - the value does not depend on it
        """Return the one value."""
        return self.value


class ScopeField(serializers.Field):
    """What a token shall be for: {} stands for nothing, as the word "unscoped" does."""

    default_error_messages = {"invalid": "Expecting an object with one of project, domain, system."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the scope as an object."""
        if data == "unscoped" or (isinstance(data, dict) and "unscoped" in data):
            return {}
        if not isinstance(data, dict) or not data:
            self.fail("invalid")
        if "project" not in data:
            return data
        project = ProjectReference(data=data["project"])
        project.is_valid(raise_exception=True)
        return {"project": project.validated_data}


class DomainReference(serializers.Serializer):
    """A domain by id or name."""

    id = Exact(required=False)
    name = Exact(required=False)


class _ByIdOrName(serializers.Serializer):
    id = Exact(required=False, max_length=64)
    name = Exact(required=False, max_length=255)
    domain = DomainReference(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the reference. :raises ValidationError: if it names nothing."""
        if not {"id", "name"} & set(attrs):
            raise serializers.ValidationError("Expecting to find id or name.")
        return attrs


class ProjectReference(_ByIdOrName):
    """A project by id, or by name and domain."""


class PasswordUser(_ByIdOrName):
    """A user by id, or by name and domain, with the password."""

    password = Exact(max_length=LONGEST_PASSWORD)


class PasswordMethod(serializers.Serializer):
    """Log-in with a password."""

    user = PasswordUser()


class TokenMethod(serializers.Serializer):
    """Log-in with a token."""

    id = Exact(max_length=4096)


class UserReference(_ByIdOrName):
    """A user by id, or by name and domain."""


class ApplicationCredentialMethod(serializers.Serializer):
    """Log-in with an application credential: by its id, or by its name and its user."""

    id = Exact(required=False, max_length=64)
    name = Exact(required=False, max_length=255)
    user = UserReference(required=False)
    secret = Exact(max_length=LONGEST_PASSWORD)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the method. :raises ValidationError: if it names no application credential."""
        if "id" not in attrs and not {"name", "user"} <= set(attrs):
            raise serializers.ValidationError("Expecting to find id, or name and user.")
        return attrs


class IdentityRequest(serializers.Serializer):
    """How the user shows who it is."""

    methods = serializers.ListField(child=serializers.CharField(max_length=64), min_length=1, max_length=8)
    password = PasswordMethod(required=False)
    token = TokenMethod(required=False)
    application_credential = ApplicationCredentialMethod(required=False)


class AuthRequest(serializers.Serializer):
    """The body of the token call, inside "auth"."""

    identity = IdentityRequest()
    scope = ScopeField(required=False, allow_null=True)


class PasswordChange(serializers.Serializer):
    """A user's own change of password."""

    original_password = Exact(max_length=LONGEST_PASSWORD)
    password = Exact(max_length=LONGEST_PASSWORD)


class _Linked(serializers.Serializer):
    links = serializers.SerializerMethodField()
    collection = ""

    def get_links(self, row: Any) -> dict[str, str]:
        """Return the address of the row."""
        return {"self": f"{self.context['base']}/identity/v3/{self.collection}/{row.pk}"}


class ProjectSerializer(_Linked):
    """A project."""

    collection = "projects"
    id = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=64)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    enabled = serializers.BooleanField(source="is_enabled", required=False)
    domain_id = Fixed(DOMAIN_ID)
    parent_id = Fixed(DOMAIN_ID)
    is_domain = Fixed(value=False)
    tags = Fixed([])
    options = Fixed({})


class UserSerializer(_Linked):
    """A user; the password goes in only."""

    collection = "users"
    id = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=255)
    password = Exact(write_only=True, required=False, allow_null=True, max_length=LONGEST_PASSWORD)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=255)
    email = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=255)
    default_project_id = serializers.RegexField("^([0-9a-f]{32})?$", required=False, allow_blank=True, allow_null=True)
    enabled = serializers.BooleanField(source="is_active", required=False)
    domain_id = Fixed(DOMAIN_ID)
    password_expires_at = Fixed(None)
    options = Fixed({})


class RoleSerializer(_Linked):
    """A role."""

    collection = "roles"
    id = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    domain_id = Fixed(None)
    description = Fixed(None)
    options = Fixed({})


class RoleReference(serializers.Serializer):
    """A role by id or name, as a list of an application credential has it."""

    id = serializers.CharField(required=False, max_length=64)
    name = serializers.CharField(required=False, max_length=64)
    domain_id = Fixed(None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the reference. :raises ValidationError: if it names nothing."""
        if not attrs:
            raise serializers.ValidationError("Expecting to find id or name.")
        return attrs


class ApplicationCredentialSerializer(_Linked):
    """An application credential; whoever makes it sees its secret, once."""

    id = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=255)
    secret = Exact(write_only=True, required=False, allow_null=True, allow_blank=True, max_length=LONGEST_PASSWORD)
    description = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=255)
    user_id = serializers.CharField(read_only=True)
    project_id = serializers.CharField(read_only=True)
    roles = RoleReference(many=True, required=False)
    unrestricted = serializers.BooleanField(source="is_unrestricted", required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default_timezone=UTC, format=_TIME)
    # Requests cannot be told apart by path yet, and a rule that does not hold is worse than none.
    access_rules = Fixed(None, or_else=([],))

    def get_links(self, row: Any) -> dict[str, str]:
        """Return the address of the application credential, which is below its user's."""
        address = f"{self.context['base']}/identity/v3/users/{row.user_id}/application_credentials/{row.pk}"
        return {"self": address}


DOMAIN_BODY = {"id": DOMAIN_ID, "name": DOMAIN_NAME}


def token_body(valid: ValidToken, catalog: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the body of the token call for `valid`; `catalog` None leaves it out."""
    body: dict[str, Any] = {
        "methods": list(valid.token.methods),
        "user": {
            "id": valid.user.id,
            "name": valid.user.name,
            "domain": DOMAIN_BODY,
            "password_expires_at": None,
        },
        "audit_ids": valid.token.audit_ids,
        "issued_at": _moment(valid.token.issued_at),
        "expires_at": _moment(valid.token.expires_at),
    }
    if valid.project:
        body["project"] = {"id": valid.project.id, "name": valid.project.name, "domain": DOMAIN_BODY}
        body["is_domain"] = False
        body["roles"] = [{"id": role.id, "name": role.name} for role in valid.roles]
        if catalog is not None:
            body["catalog"] = catalog
    if valid.credential:
        body["application_credential"] = {
            "id": valid.credential.id,
            "name": valid.credential.name,
            "restricted": not valid.credential.is_unrestricted,
        }
    return {"token": body}


def _moment(moment: datetime) -> str:
    return moment.strftime(_TIME)
