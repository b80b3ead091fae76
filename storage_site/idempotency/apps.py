"""The Django application of idempotency keys."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    """What requests with an Idempotency-Key have led to."""

    name = "storage_site.idempotency"
    label = "idempotency"
