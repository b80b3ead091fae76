"""How commands are told a password: at the terminal or on standard input, never in an argument others can read."""

import getpass
import sys

from django.core.management.base import CommandError


def new_password() -> str:
    """Return a password that was typed twice, or the first line of standard input.

    :raises CommandError: if there is none, or the two differ.
    """
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Once more: "):
            raise CommandError("The two differ.")
    if not password:
        raise CommandError("No password given.")
    return password
