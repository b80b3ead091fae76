"""What answers must look like to the last member: strict clients refuse anything more, and anything less."""

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
PROJECT = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$"}
TIME_OR_BLANK = {"anyOf": [TIME, {"const": ""}]}
TEXT, INTEGER, BOOLEAN, NULL = ({"type": name} for name in ("string", "integer", "boolean", "null"))
TEXTS = {"type": "object", "additionalProperties": TEXT}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, NULL]}


def exactly(members: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of an object with these members and no others."""
    return {
        "type": "object",
        "properties": members,
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def listed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


LINK = exactly({"rel": {"enum": ["self", "bookmark", "next"]}, "href": {"type": "string", "pattern": "^https?://"}})
LINKS = {**listed(LINK), "minItems": 2, "maxItems": 2}
NEXT = {**listed(LINK), "minItems": 1, "maxItems": 1}

ATTACHMENT_OF_VOLUME = exactly(
    {
        "id": UUID,
        "attachment_id": UUID,
        "volume_id": UUID,
        "server_id": nullable(UUID),
        "host_name": nullable(TEXT),
        "device": nullable(TEXT),
        "attached_at": nullable(TIME),
    }
)
VOLUME_AT_3_0 = {
    "id": UUID,
    "status": TEXT,
    "size": INTEGER,
    "availability_zone": TEXT,
    "created_at": TIME,
    "updated_at": nullable(TIME),
    "name": nullable(TEXT),
    "description": nullable(TEXT),
    "volume_type": nullable(TEXT),
    "snapshot_id": nullable(UUID),
    "source_volid": nullable(UUID),
    "metadata": TEXTS,
    "links": LINKS,
    "user_id": PROJECT,
    "bootable": {"enum": ["true", "false"]},
    "encrypted": BOOLEAN,
    "replication_status": nullable(TEXT),
    "consistencygroup_id": nullable(UUID),
    "multiattach": BOOLEAN,
    "attachments": listed(ATTACHMENT_OF_VOLUME),
}
LATER = {
    (3, 13): {"group_id": nullable(UUID)},
    (3, 48): {"shared_targets": BOOLEAN, "service_uuid": nullable(UUID)},
    (3, 63): {"volume_type_id": nullable(UUID)},
    (3, 65): {"consumes_quota": BOOLEAN},
}
LATER_FOR_ADMINS = {
    (3, 0): {"migration_status": nullable(TEXT)},
    (3, 21): {"provider_id": nullable(TEXT)},
    (3, 61): {"cluster_name": nullable(TEXT)},
}
IN_FULL = {"os-vol-tenant-attr:tenant_id": PROJECT, "volume_image_metadata": TEXTS}
IN_FULL_FOR_ADMINS = {
    "os-vol-host-attr:host": nullable({"type": "string", "pattern": ".+@.+#.+"}),
    "os-vol-mig-status-attr:migstat": nullable(TEXT),
    "os-vol-mig-status-attr:name_id": nullable(UUID),
}


def volume(version: str, *, is_admin: bool, in_full: bool) -> dict[str, Any]:
    """Return the schema of a volume at `version`, `in_full` as it is shown and listed."""
    members = dict(VOLUME_AT_3_0)
    for table in (LATER, LATER_FOR_ADMINS) if is_admin else (LATER,):
        for since, added in table.items():
            if tuple(map(int, version.split("."))) >= since:
                members |= added
    if in_full:
        members |= IN_FULL | (IN_FULL_FOR_ADMINS if is_admin else {})
    return exactly(members, optional=("volume_image_metadata",))


SNAPSHOT_AT_3_0 = {
    "id": UUID,
    "created_at": TIME,
    "updated_at": nullable(TIME),
    "name": nullable(TEXT),
    "description": nullable(TEXT),
    "volume_id": UUID,
    "status": TEXT,
    "size": INTEGER,
    "metadata": TEXTS,
}
SNAPSHOT_SUMMARY = exactly(SNAPSHOT_AT_3_0)
SNAPSHOT_LATER = {
    (3, 14): {"group_snapshot_id": nullable(UUID)},
    (3, 41): {"user_id": PROJECT},
    (3, 65): {"consumes_quota": BOOLEAN},
}
SNAPSHOT_IN_FULL = {
    "os-extended-snapshot-attributes:progress": {"type": "string", "pattern": "^[0-9]{1,3}%$"},
    "os-extended-snapshot-attributes:project_id": PROJECT,
}


def snapshot(version: str, *, in_full: bool) -> dict[str, Any]:
    """Return the schema of a snapshot at `version`, `in_full` as it is shown and listed."""
    members = dict(SNAPSHOT_AT_3_0)
    for since, added in SNAPSHOT_LATER.items():
        if tuple(map(int, version.split("."))) >= since:
            members |= added
    return exactly(members | (SNAPSHOT_IN_FULL if in_full else {}))


VOLUME_SUMMARY = exactly({"id": UUID, "name": nullable(TEXT), "links": LINKS})
ATTACHMENT_SUMMARY = exactly({"id": UUID, "status": TEXT, "instance": nullable(UUID), "volume_id": UUID})
ATTACHMENT = exactly(
    {
        **ATTACHMENT_SUMMARY["properties"],
        "attached_at": TIME_OR_BLANK,
        "detached_at": TIME_OR_BLANK,
        "attach_mode": {"enum": ["rw", "ro", "null"]},
        "connection_info": {"type": "object"},
    }
)
TYPE = {"id": UUID, "name": TEXT, "is_public": BOOLEAN, "description": nullable(TEXT), "extra_specs": TEXTS}
CREATED_TYPE = {**TYPE, "os-volume-type-access:is_public": BOOLEAN}
SHOWN_TYPE_FOR_ADMINS = {**CREATED_TYPE, "qos_specs_id": nullable(UUID)}
QUOTA_NAMES = (
    "volumes", "per_volume_gigabytes", "snapshots", "gigabytes", "backups", "backup_gigabytes", "groups",
    "volumes___DEFAULT__", "gigabytes___DEFAULT__", "snapshots___DEFAULT__",
)  # fmt: skip
SERVICE = {
    "binary": TEXT,
    "host": TEXT,
    "zone": TEXT,
    "status": {"enum": ["enabled", "disabled"]},
    "state": {"enum": ["up", "down"]},
    "updated_at": nullable(TIME),
    "disabled_reason": nullable(TEXT),
}
VOLUME_SERVICE = {
    **SERVICE,
    "replication_status": nullable(TEXT),
    "active_backend_id": nullable(TEXT),
    "frozen": BOOLEAN,
}
ABSOLUTE = (
    "maxTotalVolumes", "maxTotalSnapshots", "maxTotalVolumeGigabytes", "maxTotalBackups", "maxTotalBackupGigabytes",
    "totalVolumesUsed", "totalGigabytesUsed", "totalSnapshotsUsed", "totalBackupsUsed", "totalBackupGigabytesUsed",
)  # fmt: skip
ABSOLUTE_LIMITS = exactly(dict.fromkeys(ABSOLUTE, INTEGER))


BACKUP_SUMMARY = exactly({"id": UUID, "name": nullable(TEXT), "links": LINKS})
BACKUP_AT_3_0 = {
    **BACKUP_SUMMARY["properties"],
    "status": TEXT,
    "size": INTEGER,
    "object_count": INTEGER,
    "availability_zone": nullable(TEXT),
    "container": nullable(TEXT),
    "created_at": TIME,
    "updated_at": nullable(TIME),
    "description": nullable(TEXT),
    "fail_reason": nullable(TEXT),
    "volume_id": UUID,
    "is_incremental": BOOLEAN,
    "has_dependent_backups": BOOLEAN,
    "snapshot_id": nullable(UUID),
    "data_timestamp": nullable(TIME),
}
BACKUP_LATER = {(3, 43): {"metadata": TEXTS}}
BACKUP_LATER_FOR_ADMINS = {
    (3, 18): {"os-backup-project-attr:project_id": PROJECT},
    (3, 56): {"user_id": PROJECT},
}


def backup(version: str, *, is_admin: bool) -> dict[str, Any]:
    """Return the schema of a backup at `version`, as it is shown and listed in full."""
    members = dict(BACKUP_AT_3_0)
    for table in (BACKUP_LATER, BACKUP_LATER_FOR_ADMINS) if is_admin else (BACKUP_LATER,):
        for since, added in table.items():
            if tuple(map(int, version.split("."))) >= since:
                members |= added
    return exactly(members)


def check(schema: dict[str, Any], value: Any) -> None:
    """Fail with everything in which `value` is not what `schema` says."""
    found = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(value)
    problems = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in found]
    assert not problems, "\n".join(problems)
