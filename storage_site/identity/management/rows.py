"""How commands find what they are told by name or id, and say what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Model, Q

from storage_site.errors import StorageError


def named(model: type[Model], name_or_id: str) -> Any:
    """Return the row with this name or id. :raises CommandError: if there is none."""
    rows = model.objects.filter(Q(name=name_or_id) | Q(pk=name_or_id))
    row = min(rows, key=lambda row: row.name != name_or_id, default=None)
    if row is None:
        raise CommandError(f"There is no {model._meta.verbose_name} {name_or_id}.")  # noqa: SLF001 - Django's public name
    return row


@contextmanager
def refusals_told() -> Iterator[None]:
    """Let what a service refuses end the command with the reason."""
    try:
        yield
    except StorageError as error:
        raise CommandError(error.message) from error
