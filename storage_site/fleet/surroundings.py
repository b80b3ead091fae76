"""The environment of a process, less what its owner has set for another Celinder."""

import os

# OS_* would log a client in elsewhere, PORT and the two URLs would move a fleet.
_FOREIGN = ("CELINDER_", "DJANGO_", "OS_")
_FOREIGN_NAMES = frozenset({"DATABASE_URL", "CELERY_BROKER_URL", "PORT"})
_OURS = frozenset({"CELINDER_VENV"})


def neutral() -> dict[str, str]:
    """Return this process' environment without those: what runs in it is the same whoever starts it."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _OURS or not (name.startswith(_FOREIGN) or name in _FOREIGN_NAMES)
    }
