"""Attachments: who may reach a volume, and how."""

from django.db import models
from django.db.models import Q

from storage_site.caller import Caller
from storage_site.operations.resources import Resource
from volumes import lifecycle
from volumes.models.snapshots import Snapshot
from volumes.models.volumes import Volume


class AttachmentQuerySet(models.QuerySet):
    """Attachments as a caller may see them."""

    def visible_to(self, caller: Caller) -> "AttachmentQuerySet":
        """Return what the API lists: all for administrators, those of the own project for everybody else."""
        listed = self.filter(is_listed=True)
        return listed if caller.is_admin else listed.filter(project_id=caller.project_id)

    def of_clients(self) -> "AttachmentQuerySet":
        """Return the attachments that clients asked for, by whichever calls."""
        return self.filter(lent_to=None)


class Attachment(Resource):
    """One use of a volume by one host.

    Several may name the same server: a live migration has two for a while. `export_operation` and
    `export_claim` are the fence with which the storage was asked for the export, so that it can be asked
    for the same again after the exporter has died. An attachment that is not listed belongs to the older
    connection actions, or is lent: made for the service's own work on the resource `lent_to` names, of the
    volume or one of its snapshots. It is hidden from the API.
    """

    volume = models.ForeignKey(Volume, on_delete=models.CASCADE, related_name="attachments")
    instance_id = models.UUIDField(null=True, blank=True)
    host_name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    mountpoint = models.CharField(max_length=255, blank=True, default="")
    attach_mode = models.CharField(max_length=2, blank=True, default="")
    connector = models.JSONField(default=dict, blank=True)
    connection_info = models.JSONField(default=dict, blank=True)
    export_operation = models.BigIntegerField(null=True, blank=True)
    export_claim = models.PositiveIntegerField(null=True, blank=True)
    attached_at = models.DateTimeField(null=True, blank=True)
    detached_at = models.DateTimeField(null=True, blank=True)
    is_listed = models.BooleanField(default=True)
    snapshot = models.ForeignKey(Snapshot, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments")
    lent_to = models.UUIDField(null=True, blank=True)

    objects = AttachmentQuerySet.as_manager()
    lifecycle = lifecycle.ATTACHMENT
    locked_first = "volume"  # what one attachment may do depends on the others

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(attach_mode__in=["", "rw", "ro"]), name="attachment_mode_is_known"),
            models.CheckConstraint(
                condition=Q(export_operation=None, export_claim=None)
                | Q(export_operation__isnull=False, export_claim__isnull=False),
                name="attachment_export_has_a_whole_fence",
            ),
        ]
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="attachment_listing"),
            models.Index(fields=["-created_at", "-id"], name="attachment_listing_all"),
            models.Index(fields=["instance_id"], name="attachment_by_instance"),
            models.Index(fields=["lent_to"], condition=Q(lent_to__isnull=False), name="attachment_by_borrower"),
        ]

    def __str__(self) -> str:
        return f"{self.volume_id} to {self.instance_id or self.host_name or 'nobody yet'}"

    @property
    def is_exported(self) -> bool:
        """Tell whether the storage has been asked to let this attachment in."""
        return self.export_operation is not None
