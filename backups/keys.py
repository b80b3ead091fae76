"""The file with the master keys of backups: whoever has it can read them all, and only backup workers need it."""

import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error

from drivers.errors import InvalidConfiguration

MAKE_ONE = "make it with `python manage.py backup_key --new`, and give a copy of it to every host with a backup worker"


def key_file() -> Path:
    """Return where the master keys are. :raises InvalidConfiguration: if the settings say that they are not here."""
    if settings.BACKUP_KEY_FILE is None:
        raise InvalidConfiguration("This host is to have no master keys of backups: CELINDER_BACKUP_KEY_FILE is none.")
    return Path(settings.BACKUP_KEY_FILE)


def make_file(path: Path) -> bool:
    """Make a file with one new master key, for its owner only; return False if there is one, which is left alone.

    :raises OSError: if it cannot be made.
    """
    with _written(path, [_new_line()]) as file:
        try:
            os.link(file.name, path)
        except FileExistsError:
            return False
    _sync(path.parent)
    return True


def add_key(path: Path) -> None:
    """Put a new master key before those of the file: from now on it wraps. :raises OSError: if there is no file."""
    with _written(path, [_new_line(), *path.read_text(encoding="ascii").splitlines()]) as file:
        following = Path(f"{file.name}.new")
        os.link(file.name, following)
        following.replace(path)
    _sync(path.parent)


def check_keys(**_kwargs: Any) -> list[Error]:
    """Miss the file with the master keys where backups are to be kept."""
    if settings.BACKUP_KEY_FILE is None or not settings.BACKUP_TARGETS:
        return []
    path = Path(settings.BACKUP_KEY_FILE)
    if not path.exists():
        text = f"There are no master keys for backups: {path} does not exist."
        hint = f"On the first host, {MAKE_ONE}. Where no backup worker runs: CELINDER_BACKUP_KEY_FILE=none"
        return [Error(text, hint=hint, id="backups.E002")]
    if path.stat().st_mode & 0o077:
        return [Error(f"Others than its owner have access to {path}.", hint=f"chmod 600 {path}", id="backups.E003")]
    return []


def _new_line() -> str:
    return secrets.token_hex(32)


def _written(path: Path, lines: Iterable[str]) -> Any:
    """Return a file beside `path` with these lines, safe on the disk, which is gone after the block."""
    file = tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".keys-", encoding="ascii")  # noqa: SIM115 - the caller's block; mode 0600
    file.writelines(f"{line}\n" for line in lines)
    file.flush()
    os.fsync(file.fileno())
    return file


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
