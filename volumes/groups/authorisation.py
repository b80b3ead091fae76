"""The rows of the authorisation table that are about groups."""

from storage_site.api.authorisation import Rules, admin, member, reader

TYPES = "group:group_types"
SPECS = "group:group_types:specs"

RULES: Rules = {
    "group-types": {"GET": reader(f"{TYPES}:get"), "POST": admin(f"{TYPES}:create")},
    "group-type-default": {"GET": reader(f"{TYPES}:get")},
    "group-type": {
        "GET": reader(f"{TYPES}:get"),
        "PUT": admin(f"{TYPES}:update"),
        "DELETE": admin(f"{TYPES}:delete"),
    },
    "group-type-specs": {"GET": admin(f"{SPECS}:get_all"), "POST": admin(f"{SPECS}:create")},
    "group-type-spec": {
        "GET": admin(f"{SPECS}:get"),
        "PUT": admin(f"{SPECS}:update"),
        "DELETE": admin(f"{SPECS}:delete"),
    },
    "groups": {"GET": reader("group:get_all"), "POST": member("group:create")},
    "groups-detail": {"GET": reader("group:get_all")},
    "group": {"GET": reader("group:get"), "PUT": member("group:update")},
    "group-action": {
        "GET": reader("group:get"),
        "delete": member("group:delete"),
        "reset_status": admin("group:reset_status"),
        "enable_replication": member("group:enable_replication"),
        "disable_replication": member("group:disable_replication"),
        "failover_replication": member("group:failover_replication"),
        "list_replication_targets": member("group:list_replication_targets"),
    },
    "group-timeline": {"GET": reader("group:get")},
    "groups-action": {"GET": reader("group:get_all"), "create-from-src": member("group:create")},
    "group-snapshots": {
        "GET": reader("group:get_all_group_snapshots"),
        "POST": member("group:create_group_snapshot"),
    },
    "group-snapshots-detail": {"GET": reader("group:get_all_group_snapshots")},
    "group-snapshot": {
        "GET": reader("group:get_group_snapshot"),
        "DELETE": member("group:delete_group_snapshot"),
    },
    "group-snapshot-action": {
        "GET": reader("group:get_group_snapshot"),
        "reset_status": admin("group:reset_group_snapshot_status"),
    },
    "group-snapshot-timeline": {"GET": reader("group:get_group_snapshot")},
    "consistency-groups": {"GET": reader("consistencygroup:get_all"), "POST": member("consistencygroup:create")},
    "consistency-groups-detail": {"GET": reader("consistencygroup:get_all")},
    "consistency-groups-from-source": {"POST": member("consistencygroup:create")},
    "consistency-group": {"GET": reader("consistencygroup:get"), "PUT": member("consistencygroup:update")},
    "consistency-group-update": {"PUT": member("consistencygroup:update")},
    "consistency-group-delete": {"POST": member("consistencygroup:delete")},
    "consistency-snapshots": {
        "GET": reader("consistencygroup:get_all_cgsnapshots"),
        "POST": member("consistencygroup:create_cgsnapshot"),
    },
    "consistency-snapshots-detail": {"GET": reader("consistencygroup:get_all_cgsnapshots")},
    "consistency-snapshot": {
        "GET": reader("consistencygroup:get_cgsnapshot"),
        "DELETE": member("consistencygroup:delete_cgsnapshot"),
    },
}
