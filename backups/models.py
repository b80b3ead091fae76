"""Backups, the repositories that hold them, and projects' wrapped keys."""

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.functional import cached_property

from backups import lifecycle
from storage_site.caller import Caller
from storage_site.operations.resources import Resource
from volumes.models import Volume


class BackupQuerySet(models.QuerySet):
    """Backups as a caller may see them."""

    def visible_to(self, caller: Caller) -> "BackupQuerySet":
        """Return all backups for administrators; those of the caller's project for everybody else."""
        return self if caller.is_admin else self.filter(project_id=caller.project_id)

    def with_dependents(self) -> "BackupQuerySet":
        """Return them with `has_dependent_backups`: whether another one names it as its parent."""
        children = Backup.objects.filter(parent_id=OuterRef("pk"))
        return self.annotate(has_dependent_backups=Exists(children))


class Backup(Resource):
    """What a volume held at one moment, kept in a repository.

    The volume, the snapshots and the parent may be gone: they are named, not referred to. `source_snapshot_id` is
    the snapshot whose content was read: the client's, or an unlisted one that was made for it. `stored_in` is the
    project under which the repository keeps the data, which differs from the owner after an import by somebody
    else. `digest` is that of the manifest: with it an older one that was put back is found out. `unread` counts the
    backups in a row, this one included, that relied on what was known of changes instead of reading all.
    """

    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    description = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    volume_id = models.UUIDField()
    snapshot_id = models.UUIDField(null=True, blank=True)
    source_snapshot_id = models.UUIDField(null=True, blank=True)
    parent_id = models.UUIDField(null=True, blank=True)
    size_gib = models.PositiveIntegerField()
    container = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    availability_zone = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    metadata = models.JSONField(default=dict, blank=True)
    volume_properties = models.JSONField(default=dict, blank=True)
    data_timestamp = models.DateTimeField(null=True, blank=True)
    fail_reason = models.TextField(null=True, blank=True)  # noqa: DJ001 - the API says null

    target = models.CharField(max_length=100)
    stored_in = models.CharField(max_length=64)
    digest = models.BinaryField(max_length=32, null=True, blank=True)
    changed_chunks = models.BinaryField(null=True, blank=True)
    unread = models.PositiveIntegerField(default=0)
    object_count = models.PositiveIntegerField(default=0)
    chunks_bytes = models.BigIntegerField(default=0)
    stored_bytes = models.BigIntegerField(default=0)
    is_damaged = models.BooleanField(default=False)
    restoring_volume_id = models.UUIDField(null=True, blank=True)

    objects = BackupQuerySet.as_manager()
    lifecycle = lifecycle.BACKUP

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(size_gib__gt=0), name="backup_has_a_size")]
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="backup_listing"),
            models.Index(fields=["-created_at", "-id"], name="backup_listing_all"),
            models.Index(fields=["volume_id", "-data_timestamp"], name="backup_of_volume"),
            models.Index(fields=["parent_id"], condition=Q(parent_id__isnull=False), name="backup_by_parent"),
            models.Index(fields=["target", "stored_in"], name="backup_by_repository"),
            models.Index(
                fields=["restoring_volume_id"],
                condition=Q(restoring_volume_id__isnull=False),
                name="backup_being_restored",
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @classmethod
    def locked(cls, pk: object) -> "Backup | None":
        """Lock the volume, if there still is one, then the backup; see Resource.locked."""
        volumes = cls.objects.filter(pk=pk).values("volume_id")
        Volume.objects.select_for_update().filter(pk__in=volumes).first()
        return cls.objects.select_for_update().filter(pk=pk).first()

    @cached_property
    def backend(self) -> str:
        """Return where the volume lives; "" when it has gone."""
        return Volume.objects.filter(pk=self.volume_id).values_list("backend", flat=True).first() or ""

    @property
    def is_incremental(self) -> bool:
        """Tell whether it was asked for as the successor of another one; it restores by itself all the same."""
        return self.parent_id is not None


class Repository(Resource):
    """What one target holds. `repository_id` is its own id, found on it: a worker serves no other."""

    target = models.CharField(max_length=100, unique=True)
    repository_id = models.UUIDField()
    collected_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    findings = models.JSONField(default=dict, blank=True)

    lifecycle = lifecycle.REPOSITORY

    class Meta:
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.target


class ProjectKey(models.Model):
    """The key of a project in a repository, wrapped by a master key, until the repository has it itself.

    Of several workers that make it at once the first one's row counts, and all put the same bytes.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="project_keys")
    project_id = models.CharField(max_length=64)
    wrapped = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "project_id"], name="project_key_once")]

    def __str__(self) -> str:
        return f"{self.project_id} in {self.repository_id}"
