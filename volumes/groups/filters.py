"""What lists of groups and what belongs to them may be narrowed by (contract 00, section 8)."""

from storage_site.api.filters import Column, ContractFilterSet, Reference
from storage_site.api.microversions import NEVER
from volumes.filters import IsPublic, Project
from volumes.models import Group, GroupSnapshot, GroupType


class GroupTypeFilters(ContractFilterSet):
    """Filters of the list of group types, for administrators; other parameters are dropped at every version."""

    resource = "group_type"
    governed_since = NEVER

    id = Reference("id")
    name = Column("name")
    description = Column("description")
    is_public = IsPublic("is_public")

    class Meta:
        model = GroupType
        fields = ()


class GroupFilters(ContractFilterSet):
    """Filters of the lists of groups; whether volumes are shown is none."""

    resource = "group"

    id = Reference("id")
    name = Column("name")
    description = Column("description")
    status = Column("status")
    availability_zone = Column("availability_zone")
    group_type_id = Reference("group_type_id")
    group_snapshot_id = Reference("group_snapshot_id")
    source_group_id = Reference("source_group_id")
    user_id = Column("user_id")
    project_id = Project("project_id")

    class Meta:
        model = Group
        fields = ()

    def _given(self) -> dict[str, str]:
        return {key: text for key, text in super()._given().items() if key != "list_volume"}


class GroupSnapshotFilters(ContractFilterSet):
    """Filters of the lists of snapshots of groups."""

    resource = "group_snapshot"

    id = Reference("id", since="3.29")
    name = Column("name", since="3.29")
    description = Column("description", since="3.29")
    status = Column("status", since="3.29")
    group_id = Reference("group_id", since="3.29")
    user_id = Column("user_id", since="3.29")
    project_id = Project("project_id", since="3.29")

    class Meta:
        model = GroupSnapshot
        fields = ()


class ConsistencyGroupFilters(GroupFilters):
    """Filters of the lists of consistency groups: older than the rules about others, which are dropped."""

    governed_since = NEVER

    @property
    def configured(self) -> tuple[str, ...]:
        """Return the parameters that count for everyone."""
        return ("name", "status")


class ConsistencySnapshotFilters(ContractFilterSet):
    """Filters of the lists of snapshots of consistency groups, likewise."""

    governed_since = NEVER

    id = Reference("id")
    name = Column("name")
    status = Column("status")
    consistencygroup_id = Reference("group_id")
    project_id = Project("project_id")

    class Meta:
        model = GroupSnapshot
        fields = ()

    @property
    def configured(self) -> tuple[str, ...]:
        """Return the parameters that count for everyone."""
        return ("name", "status", "consistencygroup_id")
