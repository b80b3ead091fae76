"""Who may call what of scheduling: its rows of the authorisation table."""

from storage_site.api.authorisation import Rules, admin

RULES: Rules = {
    "scheduler-pools": {"GET": admin("scheduler_extension:scheduler_stats:get_pools")},
    "capabilities": {"GET": admin("volume_extension:capabilities")},
}
