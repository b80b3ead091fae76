"""The paths of groups and what belongs to them."""

from storage_site.api import authorisation
from storage_site.api.routes import resource
from volumes.group_authorisation import RULES
from volumes.views import group_timelines, group_types, groups

authorisation.register(RULES)

urlpatterns = [
    resource("group_types", group_types.GroupTypes, "group-types"),
    resource("group_types/default", group_types.DefaultGroupType, "group-type-default"),
    resource("group_types/{id}", group_types.OneGroupType, "group-type"),
    resource("group_types/{id}/group_specs", group_types.GroupSpecs, "group-type-specs"),
    resource("group_types/{id}/group_specs/{key*}", group_types.OneGroupSpec, "group-type-spec"),
    resource("groups", groups.Groups, "groups"),
    resource("groups/detail", groups.GroupsInFull, "groups-detail"),
    resource("groups/{id}", groups.OneGroup, "group"),
    resource("groups/{id}/action", groups.GroupActions, "group-action"),
    resource("groups/{id}/timeline", group_timelines.GroupTimeline, "group-timeline"),
]
