"""What back-ends have said is on their storage, for as long as somebody waits for it."""

from django.db import models

from storage_site.operations.resources import Resource
from volumes import lifecycle


class Survey(Resource):
    """What there is of one kind, volumes or snapshots, on the storage of a back-end: names, sizes, and whose it is."""

    VOLUMES, SNAPSHOTS = "volumes", "snapshots"

    backend = models.CharField(max_length=100)
    kind = models.CharField(max_length=10)
    found = models.JSONField(default=list, blank=True)

    lifecycle = lifecycle.SURVEY

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="survey_by_age")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.backend}"
