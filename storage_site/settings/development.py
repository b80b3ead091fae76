"""One machine with embedded defaults: what `./celinder up` and `./celinder demo` run with."""

import contextlib
import os
import secrets
import tempfile

from storage_site.settings import environment as env
from storage_site.settings.base import *
from storage_site.settings.base import DATA_DIR


def _own_secret() -> str:
    """Return the secret of this data directory, made at its first use and readable by its owner only."""
    path = DATA_DIR / "secret-key"
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Several processes may start at once: each writes its own file whole, the first link wins.
        with tempfile.NamedTemporaryFile("w", dir=DATA_DIR, prefix=".secret-") as file:  # mode 0600
            file.write(secrets.token_urlsafe(48))
            file.flush()
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()


SECRET_KEY = env.text("CELINDER_SECRET_KEY") or _own_secret()
