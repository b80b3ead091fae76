"""What a request with an Idempotency-Key has led to, for a day."""

from django.db import models
from django.db.models.functions import Now


class KeyedRequest(models.Model):
    """The first request with its key, by whom and where the key was used; written together with what it led to.

    `status` is null while no answer is kept. `resource` is the id of what was accepted, where an answer could only
    be given after waiting for a worker.
    """

    scope = models.CharField(max_length=64, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    resource = models.CharField(max_length=64, blank=True, default="")
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        """Return which request it was."""
        return self.request_id
