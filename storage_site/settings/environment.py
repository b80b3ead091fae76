"""The environment variables that configure a process, read in one place."""

import json
import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any


def text(name: str, default: str = "") -> str:
    """Return variable `name`, or `default` where it is unset or empty."""
    return os.environ.get(name) or default


def choice(name: str, default: str, allowed: Collection[str]) -> str:
    """Return variable `name`, one of the words allowed. :raises ValueError: naming the variable, if it is another."""
    given = text(name, default)
    if given not in allowed:
        message = f"{name} must be one of {', '.join(sorted(allowed))}, not {given!r}"
        raise ValueError(message)
    return given


def secret(name: str) -> str:
    """Return variable `name`, or what the file contains that `name`_FILE names.

    :raises ValueError: naming the variable, if that cannot be read.
    """
    path = text(f"{name}_FILE")
    if text(name) or not path:
        return text(name)
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{name}_FILE must be the path of a file that can be read: {error}"
        raise ValueError(message) from None


def path(name: str, default: Path) -> Path | None:
    """Return variable `name` as a path, None where it is `none`."""
    given = text(name, str(default))
    return None if given.lower() == "none" else Path(given)


def number(name: str, default: int) -> int:
    """Return variable `name` as a whole number. :raises ValueError: naming the variable, if it is none."""
    given = os.environ.get(name)
    if not given:
        return default
    try:
        return int(given)
    except ValueError:
        message = f"{name} must be a whole number, not {given!r}"
        raise ValueError(message) from None


def flag(name: str, *, default: bool = False) -> bool:
    """Return variable `name` as a truth value (1, true, yes, on)."""
    return text(name, str(default)).lower() in {"1", "true", "yes", "on"}


def words(name: str, default: str = "") -> list[str]:
    """Return variable `name` split at commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def table(name: str, default: dict[str, Any]) -> dict[str, Any]:
    """Return variable `name` as a table: a JSON object, or the path of a TOML file.

    :raises ValueError: naming the variable, if it is neither.
    """
    given = text(name)
    if not given:
        return default
    try:
        if given.lstrip().startswith("{"):
            return dict(json.loads(given))
        return tomllib.loads(Path(given).read_text())
    except (OSError, ValueError) as error:
        message = f"{name} must be a JSON object or the path of a TOML file: {error}"
        raise ValueError(message) from error
