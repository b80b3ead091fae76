"""The rows of the authorisation table that are about volumes."""

from storage_site.api.authorisation import Rules, admin, anyone, member, reader

ACTIONS = "volume_extension:volume_actions"
ADMIN_ACTIONS = "volume_extension:volume_admin_actions"
QUOTAS = "volume_extension:quotas"
QUOTA_CLASSES = "volume_extension:quota_classes"
TYPES = "volume_extension:type"
SPECS = "volume_extension:types_extra_specs"
ACCESS = "volume_extension:volume_type_access"
SERVICES = "volume_extension:services"
QOS = "volume_extension:qos_specs_manage"

RULES: Rules = {
    "volumes": {"GET": reader("volume:get_all"), "POST": member("volume:create")},
    "volumes-detail": {"GET": reader("volume:get_all")},
    "volumes-summary": {"GET": reader("volume:get_all")},
    "volume": {
        "GET": reader("volume:get"),
        "PUT": member("volume:update"),
        "DELETE": member("volume:delete"),
        "DELETE by force": admin("volume:force_delete"),
    },
    "volume-metadata": {
        "GET": reader("volume:get_volume_metadata"),
        "POST": member("volume:create_volume_metadata"),
        "PUT": member("volume:update_volume_metadata"),
    },
    "volume-metadata-item": {
        "GET": reader("volume:get_volume_metadata"),
        "PUT": member("volume:update_volume_metadata"),
        "DELETE": member("volume:delete_volume_metadata"),
    },
    "volume-encryption": {"GET": reader("volume_extension:volume_encryption_metadata")},
    "volume-encryption-item": {"GET": reader("volume_extension:volume_encryption_metadata")},
    "volume-action": {
        "GET": reader("volume:get"),
        "os-reserve": member(f"{ACTIONS}:reserve"),
        "os-unreserve": member(f"{ACTIONS}:unreserve"),
        "os-attach": member(f"{ACTIONS}:attach"),
        "os-begin_detaching": member(f"{ACTIONS}:begin_detaching"),
        "os-roll_detaching": member(f"{ACTIONS}:roll_detaching"),
        "os-detach": member(f"{ACTIONS}:detach"),
        "os-initialize_connection": member(f"{ACTIONS}:initialize_connection"),
        "os-terminate_connection": member(f"{ACTIONS}:terminate_connection"),
        "os-extend": member("volume:extend"),
        "os-retype": member("volume:retype"),
        "revert": member("volume:revert_to_snapshot"),
        "os-volume_upload_image": member(f"{ACTIONS}:upload_image"),
        "os-reimage": member("volume:reimage"),
        "os-set_bootable": member("volume:update"),
        "os-update_readonly_flag": member("volume:update_readonly_flag"),
        "os-set_image_metadata": member("volume_extension:volume_image_metadata:set"),
        "os-show_image_metadata": reader("volume_extension:volume_image_metadata:show"),
        "os-unset_image_metadata": member("volume_extension:volume_image_metadata:remove"),
        "os-reset_status": admin(f"{ADMIN_ACTIONS}:reset_status"),
        "os-force_delete": admin(f"{ADMIN_ACTIONS}:force_delete"),
        "os-migrate_volume": admin(f"{ADMIN_ACTIONS}:migrate_volume"),
        "os-migrate_volume_completion": admin(f"{ADMIN_ACTIONS}:migrate_volume_completion"),
        "os-unmanage": admin("volume_extension:volume_unmanage"),
        "os-extend_volume_completion": admin(f"{ADMIN_ACTIONS}:extend_volume_completion"),
        "os-force_detach": admin(f"{ADMIN_ACTIONS}:force_detach"),
    },
    "snapshots": {"GET": reader("volume:get_all_snapshots"), "POST": member("volume:create_snapshot")},
    "snapshots-detail": {"GET": reader("volume:get_all_snapshots")},
    "snapshot": {
        "GET": reader("volume:get_snapshot"),
        "PUT": member("volume:update_snapshot"),
        "DELETE": member("volume:delete_snapshot"),
    },
    "snapshot-action": {
        "GET": reader("volume:get_snapshot"),
        "os-reset_status": admin("volume_extension:snapshot_admin_actions:reset_status"),
        "os-force_delete": admin("volume_extension:snapshot_admin_actions:force_delete"),
        "os-unmanage": admin("snapshot_extension:snapshot_unmanage"),
        "os-update_snapshot_status": member("snapshot_extension:snapshot_actions:update_snapshot_status"),
    },
    "snapshot-metadata": {
        "GET": reader("volume:get_snapshot_metadata"),
        "POST": member("volume:update_snapshot_metadata"),
        "PUT": member("volume:update_snapshot_metadata"),
    },
    "snapshot-metadata-item": {
        "GET": reader("volume:get_snapshot_metadata"),
        "PUT": member("volume:update_snapshot_metadata"),
        "DELETE": member("volume:delete_snapshot_metadata"),
    },
    **{
        f"{prefix}manageable-{kind}{suffix}": {
            "GET": admin(f"{policy}:list_manageable"),
            **({} if suffix else {"POST": admin(f"{policy}:{kind.removesuffix('s')}_manage")}),
        }
        for prefix in ("", "older-")
        for suffix in ("", "-detail")
        for kind, policy in (("volumes", "volume_extension"), ("snapshots", "snapshot_extension"))
    },
    "attachments": {"GET": reader("volume:get_all"), "POST": member("volume:attachment_create")},
    "attachments-detail": {"GET": reader("volume:get_all")},
    "attachment": {
        "GET": reader("volume:get"),
        "PUT": member("volume:attachment_update"),
        "DELETE": member("volume:attachment_delete"),
    },
    "attachment-action": {"GET": reader("volume:get"), "os-complete": member("volume:attachment_complete")},
    **{
        f"{prefix}{route}": row
        for prefix in ("", "older-")
        for route, row in (
            ("transfers", {"GET": reader("volume:get_all_transfers"), "POST": member("volume:create_transfer")}),
            ("transfers-detail", {"GET": reader("volume:get_all_transfers")}),
            ("transfer", {"GET": reader("volume:get_transfer"), "DELETE": member("volume:delete_transfer")}),
            ("transfer-accept", {"POST": member("volume:accept_transfer")}),
        )
    },
    "types": {"GET": reader(f"{TYPES}_get_all"), "POST": admin(f"{TYPES}_create")},
    "type-default": {"GET": reader(f"{TYPES}_get")},
    "type": {
        "GET": reader(f"{TYPES}_get"),
        "PUT": admin(f"{TYPES}_update"),
        "DELETE": admin(f"{TYPES}_delete"),
    },
    "type-extra-specs": {"GET": reader(f"{SPECS}:index"), "POST": admin(f"{SPECS}:create")},
    "type-extra-spec": {
        "GET": reader(f"{SPECS}:show"),
        "PUT": admin(f"{SPECS}:update"),
        "DELETE": admin(f"{SPECS}:delete"),
    },
    "type-access": {"GET": admin(f"{ACCESS}:get_all_for_type")},
    "type-action": {
        "GET": admin(f"{ACCESS}:get_all_for_type"),
        "addProjectAccess": admin(f"{ACCESS}:addProjectAccess"),
        "removeProjectAccess": admin(f"{ACCESS}:removeProjectAccess"),
    },
    "type-encryption": {
        "GET": admin("volume_extension:volume_type_encryption:get"),
        "POST": admin("volume_extension:volume_type_encryption:create"),
    },
    "type-encryption-item": {
        "GET": admin("volume_extension:volume_type_encryption:get"),
        "PUT": admin("volume_extension:volume_type_encryption:update"),
        "DELETE": admin("volume_extension:volume_type_encryption:delete"),
    },
    "default-types": {"GET": admin("volume_extension:default_get_all")},
    "project-default-type": {
        "GET": admin("volume_extension:default_get"),
        "PUT": admin("volume_extension:default_set_or_update"),
        "DELETE": admin("volume_extension:default_unset"),
    },
    "volume-timeline": {"GET": reader("volume:get")},
    "snapshot-timeline": {"GET": reader("volume:get_snapshot")},
    "attachment-timeline": {"GET": reader("volume:get")},
    "messages": {"GET": reader("message:get_all")},
    "message": {"GET": reader("message:get"), "DELETE": member("message:delete")},
    "qos-specs": {"GET": admin(f"{QOS}:get_all"), "POST": admin(f"{QOS}:create")},
    "qos-spec": {"GET": admin(f"{QOS}:get"), "PUT": admin(f"{QOS}:update"), "DELETE": admin(f"{QOS}:delete")},
    "qos-spec-keys": {"PUT": admin(f"{QOS}:update")},
    "qos-spec-associations": {"GET": admin(f"{QOS}:get_all")},
    "qos-spec-associate": {"GET": admin(f"{QOS}:update")},
    "qos-spec-disassociate": {"GET": admin(f"{QOS}:update")},
    "qos-spec-disassociate-all": {"GET": admin(f"{QOS}:update")},
    "quota-class-set": {"GET": admin(f"{QUOTA_CLASSES}:get"), "PUT": admin(f"{QUOTA_CLASSES}:update")},
    "quota-set": {
        "GET": reader(f"{QUOTAS}:show"),
        "GET of another project": admin(f"{QUOTAS}:show"),
        "PUT": admin(f"{QUOTAS}:update"),
        "DELETE": admin(f"{QUOTAS}:delete"),
    },
    "quota-set-defaults": {
        "GET": reader(f"{QUOTAS}:show"),
        "GET of another project": admin(f"{QUOTAS}:show"),
    },
    "limits": {"GET": reader("limits_extension:used_limits")},
    "services": {"GET": admin(f"{SERVICES}:index")},
    "service-enable": {"PUT": admin(f"{SERVICES}:update")},
    "service-disable": {"PUT": admin(f"{SERVICES}:update")},
    "service-disable-log-reason": {"PUT": admin(f"{SERVICES}:update")},
    "service-freeze": {"PUT": admin("volume:freeze_host")},
    "service-thaw": {"PUT": admin("volume:thaw_host")},
    "service-failover-host": {"PUT": admin("volume:failover_host")},
    "service-failover": {"PUT": admin("volume:failover")},
    "service-get-log": {"PUT": admin(f"{SERVICES}:update")},
    "service-set-log": {"PUT": admin(f"{SERVICES}:update")},
    "clusters": {"GET": admin("clusters:get_all")},
    "clusters-detail": {"GET": admin("clusters:get_all")},
    "cluster-enable": {"PUT": admin("clusters:update")},
    "cluster-disable": {"PUT": admin("clusters:update")},
    "cluster": {"GET": admin("clusters:get")},
    "hosts": {"GET": admin("volume_extension:hosts")},
    "host": {"GET": admin("volume_extension:hosts"), "PUT": admin("volume_extension:hosts")},
    "workers-cleanup": {"POST": admin("workers:cleanup")},
    "availability-zones": {"GET": anyone("volume:availability_zone_list")},
    "extensions": {"GET": anyone("volume_extension:list_extensions")},
    "extension": {"GET": anyone("volume_extension:list_extensions")},
    "resource-filters": {"GET": anyone("volume:get_resource_filters")},
}
