"""Whether this process can answer, and what it stands on: the database, its migrations, the broker."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError as BrokerError

from storage_site.operations import broker

logger = logging.getLogger(__name__)

BROKER_PATIENCE_S = 1.0
KEPT_S = 1.0  # an answer counts so long, so that those who ask often do not become a load
MIGRATIONS_KEPT_S = 60.0  # once all are applied


def database() -> str:
    """Return why the database cannot be used; "" where it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database cannot be reached."
    return ""


def migrations() -> str:
    """Return which migrations are missing, as their number; "" where none is."""
    missing = len(pending_migrations())
    return f"{missing} of the database's migrations are not applied: ./celinder migrate" if missing else ""


def pending_migrations() -> list[str]:
    """Return the names of the migrations that are not applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def message_broker() -> str:
    """Return why the broker cannot be used; "" where it answers within BROKER_PATIENCE_S."""
    try:
        broker.connect(BROKER_PATIENCE_S).release()
    except (BrokerError, OSError):
        return f"The message broker did not answer within {BROKER_PATIENCE_S:g} s."
    return ""


class Memory:
    """Keeps the answer of a check for a while; several who ask at once cause one look."""

    def __init__(self, check: Callable[[], str], good_for_s: float) -> None:
        self._check, self._good_for_s = check, good_for_s
        self._lock = threading.Lock()
        self._answer, self._until = "", 0.0

    def ask(self) -> str:
        """Return what the check says, or said lately."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._answer = self._check()
                self._until = time.monotonic() + (KEPT_S if self._answer else self._good_for_s)
            return self._answer

    def forget(self) -> None:
        """Look anew when asked next."""
        self._until = 0.0


MIGRATIONS = Memory(migrations, MIGRATIONS_KEPT_S)
BROKER = Memory(message_broker, KEPT_S)


def unready() -> dict[str, str]:
    """Return what is missing for this process to serve requests and have them worked on, by what it stands on."""
    found = {"database": database()}
    if not found["database"]:
        try:
            found["migrations"] = MIGRATIONS.ask()
        except DatabaseError:
            found["database"] = "The database cannot be reached."
    found["broker"] = BROKER.ask()
    return {name: reason for name, reason in found.items() if reason}
