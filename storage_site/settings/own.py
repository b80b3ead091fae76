"""Secrets that an installation on one machine makes for itself, at their first use."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def secret_file(path: Path, make: Callable[[], str]) -> Path:
    """Return `path` after making it, readable by its owner only, if there is none; it is never written again."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Several processes may start at once: each writes its own file whole, the first link wins.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:  # mode 0600
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path


def master_key() -> str:
    """Return a file's content with one master key of backups."""
    return f"{os.urandom(32).hex()}\n"
