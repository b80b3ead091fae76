"""What lists of backups may be narrowed by (contract 04 section 1)."""

from backups.models import Backup
from storage_site.api.filters import Column, ContractFilterSet, Number, Reference
from volumes.filters import Project


class BackupFilters(ContractFilterSet):
    """Filters of the backup lists."""

    resource = "backup"
    counts = True

    id = Reference("id")
    name = Column("name")
    display_name = Column("name")
    description = Column("description")
    display_description = Column("description")
    status = Column("status")
    volume_id = Reference("volume_id")
    snapshot_id = Reference("snapshot_id")
    parent_id = Reference("parent_id")
    restore_volume_id = Reference("restoring_volume_id")
    size = Number("size_gib")
    object_count = Number("object_count")
    container = Column("container")
    availability_zone = Column("availability_zone")
    fail_reason = Column("fail_reason")
    project_id = Project("project_id")
    user_id = Column("user_id")

    class Meta:
        model = Backup
        fields = ()
