"""The first users and projects of a deployment, and the files that log them in."""

import secrets
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from storage_site.caller import ADMIN, MEMBER, SERVICE
from storage_site.identity import services
from storage_site.identity.client_files import (
    CLOUDS,
    Account,
    openrc_path,
    password_in,
    write_clouds,
    write_openrc,
    write_private,
)
from storage_site.identity.models import Project, User

CONSOLE_LOGIN = "console-login"


@dataclass(frozen=True, slots=True)
class First:
    """A user who is there from the beginning."""

    user: str
    project: str
    role: str
    is_cloud: bool  # whether clouds.yaml has it: people use those, services their own configuration


FIRST = (
    First("admin", "admin", ADMIN, is_cloud=True),
    First("demo", "demo", MEMBER, is_cloud=True),
    First("service", "service", SERVICE, is_cloud=False),
)


def bootstrap(*, directory: Path, auth_url: str, region: str, passwords: Mapping[str, str]) -> Iterable[str]:
    """Make what is missing of the first users, and write their files; doing it again changes nothing.

    `passwords` names those that are given; the others are random. A user who is there keeps the password: if
    nothing here knows it, the user's files are left as they are, and the sentences returned say so.

    :raises InvalidRequest: if a given password is too weak.
    """
    known = {first.user: _password(first, directory, passwords) for first in FIRST}
    accounts = {
        first.user: Account(auth_url, region, first.user, first.project, password)
        for first in FIRST
        if (password := known[first.user]) is not None
    }
    # The files come first: a password that was made and lost with a crash would lock everybody out.
    for user, account in accounts.items():
        write_openrc(openrc_path(directory, user), account)
    clouds = {first.user: accounts[first.user] for first in FIRST if first.is_cloud and first.user in accounts}
    if clouds:
        write_clouds(directory / CLOUDS, clouds)
    for first in FIRST:
        _make(first, known[first.user])
    return [f"The password of {user} is not known here: its files stay." for user in known if user not in accounts]


def bootstrap_console(*, directory: Path, password: str) -> Iterable[str]:
    """Make the console's first administrator, where a Keystone has all other users, and a file with its password.

    `password` is the one it shall have, "" for a random one. One who is there is left as it is, and so is the file.

    :raises InvalidRequest: if a given password is too weak.
    """
    first, path = FIRST[0], directory / CONSOLE_LOGIN
    if User.objects.filter(name=first.user).exists():
        return []
    known = password or password_in(path) or secrets.token_urlsafe(24)
    write_private(path, f"OS_USERNAME={first.user}\nOS_PASSWORD={shlex.quote(known)}\n")
    _make(first, known)
    return [f"{path.name} logs in to the console; everybody else is known to Keystone."]


def _password(first: First, directory: Path, passwords: Mapping[str, str]) -> str | None:
    """Return the user's password: the one it has, if that can be found, or the one it shall have."""
    candidates = [passwords.get(first.user), password_in(openrc_path(directory, first.user))]
    given = [candidate for candidate in candidates if candidate]
    user = User.objects.filter(name=first.user).first()
    if user is None:
        return given[0] if given else secrets.token_urlsafe(24)
    return next((candidate for candidate in given if user.check_password(candidate)), None)


@transaction.atomic
def _make(first: First, password: str | None) -> None:
    """Make the user unless it is there; what an operator has taken from it since is not given back."""
    if User.objects.filter(name=first.user).exists():
        return
    project = Project.objects.filter(name=first.project).first() or services.create_project(name=first.project)
    user = services.create_user(name=first.user, password=password, default_project_id=project.id)
    services.grant(user=user, project=project, role=first.role)
