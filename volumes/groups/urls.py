"""The paths of groups and what belongs to them."""

from storage_site.api import authorisation
from storage_site.api.routes import resource
from volumes.groups.authorisation import RULES
from volumes.views import (
    consistency_groups,
    consistency_snapshots,
    group_snapshots,
    group_sources,
    group_timelines,
    group_types,
    groups,
)

authorisation.register(RULES)

urlpatterns = [
    resource("group_types", group_types.GroupTypes, "group-types"),
    resource("group_types/default", group_types.DefaultGroupType, "group-type-default"),
    resource("group_types/{id}", group_types.OneGroupType, "group-type"),
    resource("group_types/{id}/group_specs", group_types.GroupSpecs, "group-type-specs"),
    resource("group_types/{id}/group_specs/{key*}", group_types.OneGroupSpec, "group-type-spec"),
    resource("groups", groups.Groups, "groups"),
    resource("groups/detail", groups.GroupsInFull, "groups-detail"),
    resource("groups/action", group_sources.GroupsAction, "groups-action"),
    resource("groups/{id}", groups.OneGroup, "group"),
    resource("groups/{id}/action", groups.GroupActions, "group-action"),
    resource("groups/{id}/timeline", group_timelines.GroupTimeline, "group-timeline"),
    resource("group_snapshots", group_snapshots.GroupSnapshots, "group-snapshots"),
    resource("group_snapshots/detail", group_snapshots.GroupSnapshotsInFull, "group-snapshots-detail"),
    resource("group_snapshots/{id}", group_snapshots.OneGroupSnapshot, "group-snapshot"),
    resource("group_snapshots/{id}/action", group_snapshots.GroupSnapshotActions, "group-snapshot-action"),
    resource("group_snapshots/{id}/timeline", group_timelines.GroupSnapshotTimeline, "group-snapshot-timeline"),
    resource("consistencygroups", consistency_groups.ConsistencyGroups, "consistency-groups"),
    resource("consistencygroups/detail", consistency_groups.ConsistencyGroupsInFull, "consistency-groups-detail"),
    resource(
        "consistencygroups/create_from_src",
        consistency_groups.ConsistencyGroupFromSource,
        "consistency-groups-from-source",
    ),
    resource("consistencygroups/{id}", consistency_groups.OneConsistencyGroup, "consistency-group"),
    resource("consistencygroups/{id}/update", consistency_groups.ConsistencyGroupChange, "consistency-group-update"),
    resource("consistencygroups/{id}/delete", consistency_groups.ConsistencyGroupDeletion, "consistency-group-delete"),
    resource("cgsnapshots", consistency_snapshots.ConsistencySnapshots, "consistency-snapshots"),
    resource("cgsnapshots/detail", consistency_snapshots.ConsistencySnapshotsInFull, "consistency-snapshots-detail"),
    resource("cgsnapshots/{id}", consistency_snapshots.OneConsistencySnapshot, "consistency-snapshot"),
]
