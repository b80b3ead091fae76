"""The rows of the authorisation table that are about backups."""

from storage_site.api.authorisation import Rules, admin, member, reader

ADMIN_ACTIONS = "volume_extension:backup_admin_actions"

RULES: Rules = {
    "backups": {"GET": reader("backup:get_all"), "POST": member("backup:create")},
    "backups-detail": {"GET": reader("backup:get_all")},
    "backup-import-record": {"POST": admin("backup:backup-import")},
    "backup": {
        "GET": reader("backup:get"),
        "PUT": member("backup:update"),
        "DELETE": member("backup:delete"),
    },
    "backup-timeline": {"GET": reader("backup:get")},
    "backup-restore": {"POST": member("backup:restore")},
    "backup-export-record": {"GET": admin("backup:backup-export")},
    "backup-action": {
        "GET": reader("backup:get"),
        "os-reset_status": admin(f"{ADMIN_ACTIONS}:reset_status"),
        "os-force_delete": admin(f"{ADMIN_ACTIONS}:force_delete"),
    },
}
