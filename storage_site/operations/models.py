"""Operations, the history of statuses they caused, and the services that carry them out."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone


class Operation(models.Model):
    """A unit of accepted work: the truth about what is to be done, by whom, and how far it is.

    `serial` orders operations on one resource; with `fence`, the count of claims, it forms the token that
    the storage compares. An operation is unfinished while `outcome` is empty, and free while `owner` is.
    """

    SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"

    serial = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    resource_type = models.CharField(max_length=64)
    resource_id = models.UUIDField()
    project_id = models.CharField(max_length=64)
    verb = models.CharField(max_length=40)
    is_exclusive = models.BooleanField(default=True)
    arguments = models.JSONField(default=dict, blank=True)
    prior_status = models.CharField(max_length=32, blank=True)

    task = models.CharField(max_length=100)
    queue = models.CharField(max_length=100)
    not_before = models.DateTimeField(db_default=Now())  # by the database's clock, as all who compare it
    deadline_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)

    owner = models.CharField(max_length=200, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)

    step = models.CharField(max_length=40, blank=True, default="")
    checkpoint = models.JSONField(default=dict, blank=True)
    decision = models.JSONField(default=dict, blank=True)
    exclusions = models.JSONField(default=dict, blank=True)
    percent = models.PositiveSmallIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    bytes_per_s = models.BigIntegerField(default=0)
    seconds_left = models.PositiveIntegerField(null=True, blank=True)

    actor_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=10, blank=True, default="")
    fault_code = models.CharField(max_length=64, blank=True, default="")
    fault_detail = models.TextField(blank=True, default="")
    is_dismissed = models.BooleanField(default=False)  # whoever it concerns has read why it failed
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-serial",)
        constraints = [
            models.UniqueConstraint(
                fields=["resource_type", "resource_id"],
                condition=Q(outcome="", is_exclusive=True),
                name="one_unfinished_exclusive_operation",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None, outcome="") | (Q(finished_at__isnull=False) & ~Q(outcome="")),
                name="operation_finished_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(owner="", lease_until=None) | (Q(lease_until__isnull=False) & ~Q(owner="")),
                name="operation_owned_with_a_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(outcome=""), name="operation_unfinished"),
            models.Index(fields=["-finished_at"], condition=Q(outcome="failed"), name="operation_failed"),
            models.Index(fields=["finished_at"], name="operation_finished"),
            models.Index(fields=["resource_id", "-serial"], name="operation_of_resource"),
            models.Index(fields=["project_id", "-serial"], name="operation_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.resource_type.rpartition('.')[2]} {self.resource_id}"

    @property
    def is_finished(self) -> bool:
        """Tell whether the operation has ended, well or not."""
        return bool(self.outcome)


class Transition(models.Model):
    """One edge that a resource's status has taken; rows are only ever added."""

    resource_type = models.CharField(max_length=64)
    resource_id = models.UUIDField()
    verb = models.CharField(max_length=40)
    from_status = models.CharField(max_length=32)
    to_status = models.CharField(max_length=32)
    operation = models.ForeignKey(Operation, null=True, on_delete=models.SET_NULL, related_name="transitions")
    actor_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["resource_id", "-id"], name="transition_of_resource")]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status} ({self.verb})"


class Service(models.Model):
    """A kind of worker on a host: one row for all processes that serve the same queue there.

    `binary` and `host` are the words of the API (contract 06, section 1); `node_host` is where the process
    that last reported runs.
    """

    binary = models.CharField(max_length=40)
    host = models.CharField(max_length=255)
    backend = models.CharField(max_length=100, blank=True, default="")
    node_host = models.CharField(max_length=255, blank=True, default="")
    zone = models.CharField(max_length=255)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    is_disabled = models.BooleanField(default=False)
    disabled_reason = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    is_frozen = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("binary", "host")
        constraints = [models.UniqueConstraint(fields=["binary", "host"], name="service_once_per_host")]

    def __str__(self) -> str:
        return f"{self.binary} on {self.host}"
