"""What a backup worker does beside its operations: at its start it looks which targets it can serve."""

import logging
import threading
from typing import Any

from celery import bootsteps
from django.db import DatabaseError, connection

from backups import repositories
from storage_site import queues

logger = logging.getLogger(__name__)


class Checker(bootsteps.StartStopStep):
    """Checks targets in a thread, so that one that does not answer keeps no other one's backups waiting."""

    name = "backups.serving.Checker"

    def start(self, worker: Any) -> None:
        """Begin to look, where backups are this worker's task."""
        if queues.BACKUP in worker.app.amqp.queues.consume_from:
            threading.Thread(target=_check, name="targets", daemon=True).start()


def _check() -> None:
    try:
        repositories.check_all()
    except DatabaseError as error:
        logger.warning("backup targets not checked", extra={"reason": repr(error)})
    except Exception:
        logger.exception("backup targets not checked in a way nobody foresaw")
    finally:
        connection.close()
