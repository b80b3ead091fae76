"""Checks what somebody knows: passwords at the API and the console, secrets of programs, with the same limits."""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest
from django.utils import timezone

from storage_site.identity.errors import Unauthenticated
from storage_site.identity.models import ApplicationCredential, User
from storage_site.identity.throttle import Attempt, client_address

logger = logging.getLogger(__name__)


def user_with_password(*, user: User | None, called: str, password: str, address: str) -> User:
    """Return `user` if the password is theirs and they are enabled; no user costs and answers the same.

    `called` is what the client named the user, `address` where it asked from.

    :raises Unauthenticated: if the user is unknown or disabled, or the password wrong.
    :raises TooManyAttempts: if too many log-ins failed under this name or from this address.
    """

    def is_right() -> bool:
        if user is None:
            make_password(password)  # spends what checking would
            return False
        return user.check_password(password) and user.is_active

    attempt = Attempt(name=user.name if user else called, address=address)
    _refuse_unless(is_right, attempt, user_id=user.id if user else "")
    return user


def user_with_secret(*, credential: ApplicationCredential | None, called: str, secret: str, address: str) -> User:
    """Return the user of the application credential if the secret is its own, neither has ended, and they are enabled.

    `called` is what the client named it, `address` where it asked from.

    :raises Unauthenticated: if it is unknown or has expired, its user is disabled, or the secret is wrong.
    :raises TooManyAttempts: if too many log-ins failed under this name or from this address.
    """

    def is_right() -> bool:
        if credential is None:
            make_password(secret)  # spends what checking would
            return False
        has_expired = credential.expires_at is not None and credential.expires_at <= timezone.now()
        return check_password(secret, credential.secret_hash) and credential.user.is_active and not has_expired

    # No user is called so: failures of a program's secret do not count as its user's.
    name = f"application credential\0{credential.id if credential else called}"
    attempt = Attempt(name=name, address=address)
    _refuse_unless(is_right, attempt, user_id=credential.user_id if credential else "")
    return credential.user


def _refuse_unless(is_right: Callable[[], bool], attempt: Attempt, *, user_id: str) -> None:
    has_failures = attempt.admit()
    if not is_right():
        attempt.failed()
        logger.warning("log-in refused", extra={"user_id": user_id, "address": attempt.address})
        raise Unauthenticated
    if has_failures:
        attempt.succeeded()


class PasswordBackend(BaseBackend):
    """Django's door to the same check, for the console's log-in form."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_others: Any
    ) -> User | None:
        """Return the user, or None if name and password do not fit. :raises TooManyAttempts: as above."""
        if username is None or password is None:
            return None
        user = User.objects.filter(name=username).first()
        address = client_address(request) if request is not None else ""
        try:
            return user_with_password(user=user, called=username, password=password, address=address)
        except Unauthenticated:
            return None

    def get_user(self, user_id: str) -> User | None:
        """Return the enabled user of a session, if there still is one."""
        return User.objects.filter(pk=user_id, is_active=True).first()
