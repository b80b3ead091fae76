"""What watching remembers: for each queue, how its last canary did."""

from django.db import models

from storage_site.operations.resources import Resource
from storage_site.watching import lifecycle


class Canary(Resource):
    """The small piece of work that a queue is given again and again, to see that a worker takes it.

    One row for each queue, in nobody's project. Times are the database's; `asked_at` is when the work was accepted
    last, `ended_at` and `took_ms` tell of the last one that was done. `node_host` is where the worker ran, and
    `clock_ahead_ms` how far its clock was before the database's.
    """

    queue = models.CharField(max_length=100, unique=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    took_ms = models.PositiveBigIntegerField(null=True, blank=True)
    node_host = models.CharField(max_length=255, blank=True, default="")
    clock_ahead_ms = models.BigIntegerField(null=True, blank=True)

    lifecycle = lifecycle.CANARY

    class Meta:
        verbose_name_plural = "canaries"

    def __str__(self) -> str:
        return self.queue


class Tally(models.Model):
    """How many operations of a kind have ended in one way, and the sum of their times from acceptance to end."""

    resource = models.CharField(max_length=64)
    verb = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10)
    number = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [models.UniqueConstraint(fields=["resource", "verb", "outcome"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.verb} {self.resource} {self.outcome}"


class TallyMark(models.Model):
    """The one row that says until when operations are in the tallies."""

    until = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.until)
