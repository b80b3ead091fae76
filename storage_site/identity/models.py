"""Who there is: users, projects, and the roles that users hold in projects.

Other apps keep the ids of projects and users as plain columns: where Keystone holds the users, there are no rows here.
"""

import secrets
import uuid
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from storage_site.caller import ADMIN, MEMBER, READER, SERVICE

DOMAIN_ID, DOMAIN_NAME = "default", "Default"
BUILT_IN_ROLES = (ADMIN, MEMBER, READER, SERVICE)


def new_id() -> str:
    """Return a fresh id: 32 hex digits."""
    return uuid.uuid4().hex


def role_id(name: str) -> str:
    """Return the id of built-in role `name`: the same in every deployment."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"celinder.identity.role.{name}").hex


def new_stamp() -> int:
    """Return a fresh stamp for a user's credentials; no two are alike."""
    return secrets.randbits(62)


class UserManager(BaseUserManager["User"]):
    """Finds users by name, as Django's log-in asks; services write them."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user called `username`. :raises User.DoesNotExist: if there is none."""
        return self.get(name=username)


class User(AbstractBaseUser):
    """A person or a program that logs in."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, blank=True, default="")
    email = models.CharField(max_length=255, blank=True, default="")
    default_project_id = models.CharField(max_length=32, blank=True, default="")
    is_active = models.BooleanField("enabled", default=True)
    # Part of every token: a new stamp ends all tokens of the user, whatever the clocks of the hosts say.
    credentials_stamp = models.BigIntegerField(default=new_stamp, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "name"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @cached_property
    def is_staff(self) -> bool:
        """Tell whether the user may enter the console: whoever is admin in an enabled project."""
        return self.assignments.filter(role__name=ADMIN, project__is_enabled=True).exists()

    @property
    def is_superuser(self) -> bool:
        """Tell whether the user may do everything in the console; there is no lesser operator."""
        return self.is_staff

    def has_perm(self, perm: str, obj: Any = None) -> bool:  # noqa: ARG002 - the signature is Django's
        """Tell whether the console lets the user do `perm`."""
        return self.is_active and self.is_staff

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        """Tell whether the console lets the user do everything in `perm_list`."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002 - the signature is Django's
        """Tell whether the console shows the user the app."""
        return self.is_active and self.is_staff


class Project(models.Model):
    """What owns volumes: a tenant."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    name = models.CharField(max_length=64, unique=True)
    description = models.TextField(blank=True, default="")
    is_enabled = models.BooleanField("enabled", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Role(models.Model):
    """A word that the authorisation table knows: admin, member, reader or service."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    name = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Assignment(models.Model):
    """That a user holds a role in a project."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")

    class Meta:
        ordering = ("project", "user", "role")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "project", "role"], name="identity_one_assignment"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role_id} in {self.project_id}"


class ApplicationCredential(models.Model):
    """A secret with which a program logs in for a user: in one project, with some of the roles the user holds there."""

    id = models.CharField(primary_key=True, max_length=32, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="application_credentials")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="application_credentials")
    roles = models.ManyToManyField(Role, related_name="application_credentials")
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True, default="")
    secret_hash = models.CharField(max_length=128, editable=False)
    # Whether whoever logs in with it may make and remove application credentials, this one included.
    is_unrestricted = models.BooleanField("unrestricted", default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("user", "name")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], name="identity_one_credential_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Revocation(models.Model):
    """A token that ended before its time; the row may go when the token would have expired."""

    audit_id = models.CharField(primary_key=True, max_length=32)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.audit_id


class LoginFailures(models.Model):
    """How often log-ins with a user name or from an address failed in a window of time."""

    key = models.CharField(primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(default=0)
    window_ends_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "login failures"

    def __str__(self) -> str:
        return self.key
