"""What lists of groups and what belongs to them may be narrowed by (contract 00, section 8)."""

from storage_site.api.filters import Column, ContractFilterSet, Reference
from volumes.filters import IsPublic
from volumes.models import GroupType


class GroupTypeFilters(ContractFilterSet):
    """Filters of the list of group types, for administrators; other parameters are dropped at every version."""

    resource = "group_type"
    governed_since = "3.999"

    id = Reference("id")
    name = Column("name")
    description = Column("description")
    is_public = IsPublic("is_public")

    class Meta:
        model = GroupType
        fields = ()
