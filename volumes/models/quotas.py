"""Limits, and the row that serialises a project's quota checks."""

from django.db import models
from django.db.models import Q


class Quota(models.Model):
    """The limit of one resource for one project, -1 for none. `project_id` "" holds the defaults for all."""

    project_id = models.CharField(max_length=64, blank=True)
    resource = models.CharField(max_length=300)
    limit = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project_id", "resource"], name="quota_once"),
            models.CheckConstraint(condition=Q(limit__gte=-1), name="quota_is_a_limit"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id or 'every project'}: {self.resource} ≤ {self.limit}"


class ProjectLock(models.Model):
    """A row to lock while a project's usage is counted and added to; it holds nothing."""

    project_id = models.CharField(max_length=64, primary_key=True)

    def __str__(self) -> str:
        return self.project_id


class QuotaClassLimit(models.Model):
    """A limit under the name of a class. Class `default` has none of these: it is the default limits themselves."""

    class_name = models.CharField(max_length=255)
    resource = models.CharField(max_length=300)
    limit = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["class_name", "resource"], name="quota_class_limit_once"),
            models.CheckConstraint(condition=Q(limit__gte=-1), name="quota_class_limit_is_a_limit"),
        ]

    def __str__(self) -> str:
        return f"class {self.class_name}: {self.resource} ≤ {self.limit}"
