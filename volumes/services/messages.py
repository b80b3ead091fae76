"""What may be asked about user messages."""

from django.db import transaction

from storage_site.operations.models import Operation


@transaction.atomic
def dismiss(*, operation: Operation) -> None:
    """Show the message no more; the operation stays in the history."""
    Operation.objects.filter(pk=operation.pk).update(is_dismissed=True)
