"""What every managed resource has: an id, a project, and a status that only this package writes."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from storage_site.operations.lifecycle import Lifecycle


class Resource(models.Model):
    """A row whose status is the projection of its operations."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64)
    status = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)

    lifecycle: ClassVar[Lifecycle]
    locked_first: ClassVar[str] = ""
    """The foreign key to what the resource belongs to, which is locked before it."""

    class Meta:
        abstract = True

    @classmethod
    def locked(cls, pk: object) -> Self | None:
        """Lock the row until the transaction ends and return it as it is now; None if it has gone.

        Everybody locks in one order, so that nobody waits in a circle: what the resource belongs to, the
        resource, its operations.
        """
        if cls.locked_first:
            owner = cls._meta.get_field(cls.locked_first).related_model
            owners = cls._default_manager.filter(pk=pk).values(f"{cls.locked_first}_id")
            owner._default_manager.select_for_update().filter(pk__in=owners).first()  # type: ignore[union-attr] # noqa: SLF001 - Django's documented API
        found: Self | None = cls._default_manager.select_for_update().filter(pk=pk).first()
        return found
