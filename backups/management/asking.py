"""What the commands about repositories have in common: naming them, asking, and waiting for the end."""

import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backups.models import Repository
from storage_site.caller import SYSTEM
from storage_site.errors import StorageError
from storage_site.operations.models import Operation

LOOK_EVERY_S = 0.5


class Asking(BaseCommand):
    """Asks workers for something about one repository or several."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("target", nargs="+", help="the target's key in CELINDER_BACKUP_TARGETS")
        parser.add_argument("--wait", action="store_true", help="return when it is done; fail if it does")

    def ask(self, targets: list[str], service: Callable[..., Operation], *, wait: bool, **arguments: Any) -> None:
        """Begin it for each target. :raises CommandError: if that is refused, or, waited for, ends badly."""
        begun = [self._begin(target, service, arguments) for target in targets]
        for target, operation in zip(targets, begun, strict=True):
            ended = _ended(operation) if wait else operation
            self.stdout.write(f"{target}: operation {ended.id} {ended.outcome or 'begun'} {ended.fault_detail}".strip())
        if wait and any(_ended(one).outcome != Operation.SUCCEEDED for one in begun):
            raise CommandError("It did not succeed.")

    def _begin(self, target: str, service: Callable[..., Operation], arguments: dict[str, Any]) -> Operation:
        repository = Repository.objects.filter(target=target).first()
        if repository is None:
            raise CommandError(f"No backup has been made on target {target!r} yet.")
        try:
            return service(repository=repository, caller=SYSTEM, **arguments)
        except (StorageError, ValueError) as error:
            raise CommandError(str(error)) from error


def _ended(operation: Operation) -> Operation:
    """Return the operation once it has ended, however long that takes."""
    while not operation.is_finished:
        time.sleep(LOOK_EVERY_S)
        operation.refresh_from_db()
    return operation
