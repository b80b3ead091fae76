"""Checks passwords: one way for the API's and the console's log-in, with the same limits."""

import logging
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from storage_site.identity.errors import Unauthenticated
from storage_site.identity.models import User
from storage_site.identity.throttle import Attempt, client_address

logger = logging.getLogger(__name__)


def user_with_password(*, user: User | None, called: str, password: str, address: str) -> User:
    """Return `user` if the password is theirs and they are enabled; no user costs and answers the same.

    `called` is what the client named the user, `address` where it asked from.

    :raises Unauthenticated: if the user is unknown or disabled, or the password wrong.
    :raises TooManyAttempts: if too many log-ins failed under this name or from this address.
    """
    attempt = Attempt(name=user.name if user else called, address=address)
    has_failures = attempt.admit()
    if user is None:
        User().set_password(password)  # spends what checking would
    if user is None or not user.check_password(password) or not user.is_active:
        attempt.failed()
        logger.warning("log-in refused", extra={"user_id": user.id if user else "", "address": address})
        raise Unauthenticated
    if has_failures:
        attempt.succeeded()
    return user


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
