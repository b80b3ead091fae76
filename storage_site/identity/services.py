"""Every change to users, projects and their rights: used alike by the API, the console and the commands."""

import logging
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from storage_site.errors import Conflict, InvalidRequest, NotFound
from storage_site.identity.models import (
    BUILT_IN_ROLES,
    ApplicationCredential,
    Assignment,
    Project,
    Revocation,
    Role,
    User,
    new_stamp,
    role_id,
)
from storage_site.identity.passwords import user_with_password
from storage_site.identity.tokens import Token, recent

logger = logging.getLogger(__name__)

_USER_FIELDS = frozenset({"name", "description", "email", "default_project_id", "is_active"})
_PROJECT_FIELDS = frozenset({"name", "description", "is_enabled"})


def create_user(
    *,
    name: str,
    password: str | None = None,
    description: str = "",
    email: str = "",
    default_project_id: str = "",
    is_active: bool = True,
) -> User:
    """Make a user; without a password nobody can log in as it.

    :raises Conflict: if the name is taken.
    :raises InvalidRequest: if the name is none, or the password too weak.
    """
    user = User(
        name=name,
        description=description,
        email=email,
        default_project_id=default_project_id,
        is_active=is_active,
    )
    _give_password(user, password)
    _save(user)
    logger.info("user created", extra={"user_id": user.id})
    return user


def update_user(*, user: User, password: str | None = None, **changes: Any) -> User:
    """Change the user's name, description, email, default_project_id, is_active or password.

    Another password, and disabling the user, end the user's tokens.

    :raises Conflict: if the name is taken.
    :raises InvalidRequest: if the name is none, or the password too weak.
    """
    derived: list[str] = []
    if password is not None:
        _give_password(user, password)
        derived.append("password")
    if password is not None or changes.get("is_active") is False:
        user.credentials_stamp = new_stamp()
        derived.append("credentials_stamp")
    _apply(user, changes, _USER_FIELDS, derived)
    logger.info("user changed", extra={"user_id": user.id, "fields": sorted(changes)})
    return user


def set_password(*, user: User, password: str) -> None:
    """Give the user another password, which ends the user's tokens and sessions.

    :raises InvalidRequest: if the password is too weak.
    """
    update_user(user=user, password=password)


def change_password(*, user: User, current: str, password: str, address: str) -> None:
    """Let a user who knows the current password choose another.

    :raises Unauthenticated: if the current password is wrong.
    :raises TooManyAttempts: if too many were wrong.
    :raises InvalidRequest: if the new password is too weak.
    """
    user_with_password(user=user, called=user.name, password=current, address=address)
    set_password(user=user, password=password)


def delete_user(*, user: User) -> None:
    """Remove the user with its role assignments and application credentials; its tokens end."""
    user_id = user.id
    user.delete()
    _forget_tokens()
    logger.info("user deleted", extra={"user_id": user_id})


def create_project(*, name: str, description: str = "", is_enabled: bool = True) -> Project:
    """Make a project. :raises Conflict: if the name is taken. :raises InvalidRequest: if the name is none."""
    project = Project(name=name, description=description, is_enabled=is_enabled)
    _save(project)
    logger.info("project created", extra={"project_id": project.id})
    return project


def update_project(*, project: Project, **changes: Any) -> Project:
    """Change the project's name, description or is_enabled; tokens for a disabled project are not valid.

    :raises Conflict: if the name is taken.
    :raises InvalidRequest: if the name is none.
    """
    _apply(project, changes, _PROJECT_FIELDS)
    logger.info("project changed", extra={"project_id": project.id, "fields": sorted(changes)})
    return project


def delete_project(*, project: Project) -> None:
    """Remove the project with its role assignments and application credentials.

    What it owns elsewhere stays, as it does with Keystone.
    """
    project_id = project.id
    project.delete()
    _forget_tokens()
    logger.info("project deleted", extra={"project_id": project_id})


def grant(*, user: User, project: Project, role: str) -> Assignment:
    """Let the user hold role `role` (its name) in the project; granting it again changes nothing.

    :raises NotFound: if there is no such role.
    """
    assignment, is_new = Assignment.objects.get_or_create(user=user, project=project, role=_role(role))
    if is_new:
        _forget_tokens()
        _log_assignment("role granted", user, project, role)
    return assignment


@transaction.atomic
def revoke(*, user: User, project: Project, role: str) -> None:
    """Take role `role` (its name) in the project from the user, and the application credentials that pass it on.

    :raises NotFound: if the user does not hold it.
    """
    deleted, _ = Assignment.objects.filter(user=user, project=project, role__name=role).delete()
    if not deleted:
        raise NotFound(f"Could not find role assignment with role: {role}.")
    ApplicationCredential.objects.filter(user=user, project=project, roles__name=role).delete()
    _forget_tokens()
    _log_assignment("role revoked", user, project, role)


@transaction.atomic
def create_application_credential(
    *,
    user: User,
    project: Project,
    name: str,
    roles: Iterable[str],
    secret: str = "",
    description: str = "",
    expires_at: datetime | None = None,
    is_unrestricted: bool = False,
) -> tuple[ApplicationCredential, str]:
    """Make a secret that logs in as the user, with `roles` (names) in the project; return it too, nobody can later.

    :raises InvalidRequest: if the user does not hold the roles there, there are none, or the time has passed.
    :raises Conflict: if the user has an application credential of this name.
    """
    held = user.assignments.filter(project=project, role__name__in=set(roles)).values_list("role_id", flat=True)
    if not held or len(held) != len(set(roles)):
        raise InvalidRequest("Invalid application credential: only roles that the user holds in the project fit it.")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidRequest("Invalid application credential: it would have expired already.")
    secret = secret or secrets.token_urlsafe(48)
    credential = ApplicationCredential(
        user=user,
        project=project,
        name=name,
        description=description,
        secret_hash=make_password(secret),
        is_unrestricted=is_unrestricted,
        expires_at=expires_at,
    )
    _save(credential)
    credential.roles.set(held)
    logger.info("application credential created", extra={"credential_id": credential.id, "user_id": user.id})
    return credential, secret


def delete_application_credential(*, credential: ApplicationCredential) -> None:
    """Remove the application credential; the tokens had by it end."""
    credential_id, user_id = credential.id, credential.user_id
    credential.delete()
    _forget_tokens()
    logger.info("application credential deleted", extra={"credential_id": credential_id, "user_id": user_id})


def revoke_token(*, token: Token) -> None:
    """End a token before its time, and forget those that would have ended by now."""
    Revocation.objects.filter(expires_at__lte=timezone.now()).delete()
    Revocation.objects.get_or_create(audit_id=token.audit_id, defaults={"expires_at": token.expires_at})
    _forget_tokens()
    logger.info("token revoked", extra={"audit_id": token.audit_id, "user_id": token.user_id})


def _role(name: str) -> Role:
    if name not in BUILT_IN_ROLES:
        raise NotFound(f"Could not find role: {name}.")
    return Role.objects.get_or_create(name=name, defaults={"id": role_id(name)})[0]


def _give_password(user: User, password: str | None) -> None:
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise InvalidRequest(" ".join(error.messages)) from None
    user.set_password(password)


def _apply(row: User | Project, changes: dict[str, Any], allowed: frozenset[str], derived: Sequence[str] = ()) -> None:
    unknown = set(changes) - allowed
    if unknown:
        raise TypeError(f"no such fields: {sorted(unknown)}")
    for field, value in changes.items():
        setattr(row, field, value)
    _save(row, update_fields=[*changes, *derived])
    _forget_tokens()


def _save(row: models.Model, update_fields: Sequence[str] | None = None) -> None:
    """Write the row. :raises Conflict: if its name is taken. :raises InvalidRequest: if a field is not acceptable."""
    try:
        row.clean_fields(exclude=["password"])
    except ValidationError as error:
        problems = (f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
        raise InvalidRequest(" ".join(problems)) from None
    try:
        with transaction.atomic():
            row.save(update_fields=update_fields)
    except IntegrityError:
        kind = row._meta.verbose_name  # noqa: SLF001 - Django's public name for it
        raise Conflict(f"Conflict occurred attempting to store {kind} - the name is taken.") from None


def _forget_tokens() -> None:
    transaction.on_commit(recent.forget)


def _log_assignment(text: str, user: User, project: Project, role: str) -> None:
    logger.info(text, extra={"user_id": user.id, "project_id": project.id, "role": role})
