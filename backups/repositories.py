"""Repositories for workers: a target is served only after it was checked and holds the repository it should."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from django.db import IntegrityError, transaction

from backups import models, targets
from backups.engine import repository as engine
from backups.engine.errors import KeyMissing, NotARepository
from backups.engine.keys import MasterKeys
from backups.engine.repository import ProjectStore
from backups.keys import MAKE_ONE, key_file
from drivers.backup import BackupTarget
from drivers.errors import DriverError, InvalidConfiguration, TransientDriverError
from storage_site.caller import SYSTEM
from storage_site.operations.admission import move
from storage_site.operations.errors import PermanentFailure

logger = logging.getLogger(__name__)

_checked: "WeakSet[BackupTarget]" = WeakSet()
_checking = threading.Lock()


class NotServed(TransientDriverError):
    """This worker cannot serve the backup target now; another one may."""

    code = "backup-target-not-served"


def open_repository(key: str) -> tuple[models.Repository, engine.Repository]:
    """Return what target `key` holds, and its row; a target that is used for the first time gets both.

    :raises PermanentFailure: if the settings have no such target.
    :raises NotServed: if it cannot be used here, or holds another repository than it did, which is left alone.
    """
    with _or_not_served():
        target = _checked_target(key)
        try:
            row = models.Repository.objects.filter(target=key).first()
            if row is None:
                row = _added(engine.Repository.create(target))
            return row, engine.Repository.open(target, expected_id=row.repository_id)
        except DriverError:
            _checked.discard(target)  # it may have to be looked at anew, for instance after it was mounted
            raise


def open_store(key: str, project_id: str, *, create: bool = False) -> ProjectStore:
    """Return a project's part of what target `key` holds; with `create` it gets a key if it has none.

    Raises as `open_repository`, and NotServed if this worker has not the keys to it.
    """
    row, repository = open_repository(key)
    with _or_not_served():
        return store_in(row, repository, project_id, create=create)


def store_in(
    row: models.Repository, repository: engine.Repository, project_id: str, *, create: bool = False
) -> ProjectStore:
    """Return a project's part of a repository. :raises KeyMissing, InvalidConfiguration: without a key to it."""

    def agree(wrapped: bytes) -> bytes:
        found, _ = models.ProjectKey.objects.get_or_create(
            repository=row, project_id=project_id, defaults={"wrapped": wrapped}
        )
        return bytes(found.wrapped)

    return repository.project(project_id, master_keys(), create=create, agree=agree)


def master_keys() -> MasterKeys:
    """Return the keys that the file has now: one that was added is used without a restart.

    :raises InvalidConfiguration: if there is no file, or it is not as it should be.
    """
    path = key_file()
    if not path.exists():
        raise InvalidConfiguration(f"There are no master keys for backups: {path} does not exist; {MAKE_ONE}.")
    return MasterKeys.from_file(path)


def check_all() -> None:
    """Say in the log which targets this worker cannot serve, and why; it serves the others. Nothing is made."""
    for key in targets.names():
        try:
            master_keys()
            if models.Repository.objects.filter(target=key).exists():
                open_repository(key)
            else:
                _checked_target(key)
        except (DriverError, PermanentFailure) as error:
            logger.critical("backup target cannot be served here: %s", error, extra={"target": key})


def _checked_target(key: str) -> BackupTarget:
    """Return the target, checked once in this process."""
    try:
        found = targets.target(key)
    except InvalidConfiguration as error:
        raise PermanentFailure("backup-target-unknown", str(error)) from error
    with _checking:
        if found not in _checked:
            found.check()
            _checked.add(found)
    return found


def _added(repository: engine.Repository) -> models.Repository:
    """Insert the row of a target that has none; of several workers at once the first one's row counts."""
    key = repository.target.key
    row = models.Repository(target=key, repository_id=repository.id, project_id="")
    try:
        with transaction.atomic():
            move(row, "add", caller=SYSTEM)
    except IntegrityError:
        return models.Repository.objects.get(target=key)
    logger.info("backup repository added", extra={"target": key, "repository_id": repository.id})
    return row


@contextmanager
def _or_not_served() -> Iterator[None]:
    try:
        yield
    except (InvalidConfiguration, NotARepository, KeyMissing) as error:
        raise NotServed(str(error)) from error
