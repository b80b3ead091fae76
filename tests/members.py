"""The members of every answer as the contract's tables list them: from which microversion, for whom, in which answers.

Written from contract 01 to 06 and from the exchanges of contract 10, and from nothing of ours: `shape` makes of a table
the schema that an answer must meet to the last member.
"""

from dataclasses import dataclass
from typing import Any

from tests.schemas import (
    BOOLEAN,
    INTEGER,
    LINKS,
    NEXT,
    NULL,
    PROJECT,
    TEXT,
    TEXTS,
    TIME,
    TIME_OR_BLANK,
    UUID,
    exactly,
    listed,
    nullable,
)

ADMIN, MEMBER, READER = "admin", "member", "reader"
EVERYBODY = (ADMIN, MEMBER, READER)
# In which answers a member stands.
LIST, FULL, CREATED, UPDATED = "list", "show and detail", "create", "update"
CHANGED = (CREATED, UPDATED)
NOT_IN_LISTS = (FULL, *CHANGED)
EVERYWHERE = (LIST, *NOT_IN_LISTS)

Schema = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One row of a table: what it looks like, since which microversion, for which roles, in which answers."""

    looks: Schema
    since: str = "3.0"
    until: str = "3.71"
    roles: tuple[str, ...] = EVERYBODY
    where: tuple[str, ...] = EVERYWHERE
    may_be_absent: bool = False


Table = dict[str, Member]


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def covers(version: str, since: str, until: str = "3.71") -> bool:
    return number(since) <= number(version) <= number(until)


def shape(table: Table, *, version: str, role: str, where: str) -> Schema:
    """Return the schema of an object at `version`, as `role` sees it in the answer `where`."""
    there = {
        name: each
        for name, each in table.items()
        if covers(version, each.since, each.until) and role in each.roles and where in each.where
    }
    absent = tuple(name for name, each in there.items() if each.may_be_absent)
    return exactly({name: each.looks for name, each in there.items()}, optional=absent)


# Contract 02, section 3.
IN_VOLUMES = exactly(
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
VOLUME: Table = {
    "id": Member(UUID),
    "name": Member(nullable(TEXT)),
    "links": Member(LINKS),
    **{
        name: Member(looks, where=NOT_IN_LISTS)
        for name, looks in {
            "status": TEXT,
            "size": INTEGER,
            "availability_zone": TEXT,
            "created_at": TIME,
            "updated_at": nullable(TIME),
            "description": nullable(TEXT),
            "volume_type": nullable(TEXT),
            "snapshot_id": nullable(UUID),
            "source_volid": nullable(UUID),
            "metadata": TEXTS,
            "user_id": PROJECT,
            "bootable": {"enum": ["true", "false"]},
            "encrypted": BOOLEAN,
            "replication_status": nullable(TEXT),
            "consistencygroup_id": nullable(UUID),
            "multiattach": BOOLEAN,
            "attachments": listed(IN_VOLUMES),
        }.items()
    },
    "migration_status": Member(nullable(TEXT), roles=(ADMIN,), where=NOT_IN_LISTS),
    "os-vol-tenant-attr:tenant_id": Member(PROJECT, where=(FULL,)),
    "os-vol-host-attr:host": Member(
        nullable({"type": "string", "pattern": "^.+@.+#.+$"}), roles=(ADMIN,), where=(FULL,)
    ),
    "os-vol-mig-status-attr:migstat": Member(nullable(TEXT), roles=(ADMIN,), where=(FULL,)),
    "os-vol-mig-status-attr:name_id": Member(nullable(TEXT), roles=(ADMIN,), where=(FULL,)),
    "volume_image_metadata": Member({**TEXTS, "minProperties": 1}, where=(FULL,), may_be_absent=True),
    "group_id": Member(nullable(UUID), since="3.13", where=NOT_IN_LISTS),
    "provider_id": Member(nullable(TEXT), since="3.21", roles=(ADMIN,), where=NOT_IN_LISTS),
    "shared_targets": Member(BOOLEAN, since="3.48", where=NOT_IN_LISTS),
    "service_uuid": Member(nullable(UUID), since="3.48", where=NOT_IN_LISTS),
    "cluster_name": Member(nullable(TEXT), since="3.61", roles=(ADMIN,), where=NOT_IN_LISTS),
    "volume_type_id": Member(nullable(UUID), since="3.63", where=NOT_IN_LISTS),
    "encryption_key_id": Member(UUID, since="3.64", where=(FULL,), may_be_absent=True),
    "consumes_quota": Member(BOOLEAN, since="3.65", where=NOT_IN_LISTS),
}

# Contract 03, section 2: the short list has all that was there at 3.0.
SNAPSHOT: Table = {
    "id": Member(UUID),
    "created_at": Member(TIME),
    "updated_at": Member(nullable(TIME)),
    "name": Member(nullable(TEXT)),
    "description": Member(nullable(TEXT)),
    "volume_id": Member(UUID),
    "status": Member(TEXT),
    "size": Member(INTEGER),
    "metadata": Member(TEXTS),
    "os-extended-snapshot-attributes:progress": Member(
        {"type": "string", "pattern": "^(100|[0-9]{1,2})%$"}, where=(FULL,)
    ),
    "os-extended-snapshot-attributes:project_id": Member(PROJECT, where=(FULL,)),
    "group_snapshot_id": Member(nullable(UUID), since="3.14", where=NOT_IN_LISTS),
    "user_id": Member(PROJECT, since="3.41", where=NOT_IN_LISTS),
    "consumes_quota": Member(BOOLEAN, since="3.65", where=NOT_IN_LISTS),
}

# Contract 03, section 5.
ATTACHMENT: Table = {
    "id": Member(UUID),
    "status": Member(
        {"enum": ["attached", "attaching", "detached", "reserved", "error_attaching", "error_detaching", "deleted"]}
    ),
    "instance": Member(nullable(UUID)),
    "volume_id": Member(UUID),
    "attached_at": Member(TIME_OR_BLANK, where=NOT_IN_LISTS),
    "detached_at": Member(TIME_OR_BLANK, where=NOT_IN_LISTS),
    "attach_mode": Member({"enum": ["rw", "ro", "null"]}, where=NOT_IN_LISTS),
    "connection_info": Member({"type": "object"}, where=NOT_IN_LISTS),
}

# Contract 04, section 3.
BACKUP: Table = {
    "id": Member(UUID),
    "name": Member(nullable(TEXT)),
    "links": Member(LINKS),
    **{
        name: Member(looks, where=(FULL,))
        for name, looks in {
            "status": TEXT,
            "size": INTEGER,
            "object_count": INTEGER,
            "availability_zone": nullable(TEXT),
            "container": nullable(TEXT),
            "created_at": TIME,
            "updated_at": nullable(TIME),
            "data_timestamp": nullable(TIME),
            "description": nullable(TEXT),
            "fail_reason": nullable(TEXT),
            "volume_id": UUID,
            "snapshot_id": nullable(UUID),
            "is_incremental": BOOLEAN,
            "has_dependent_backups": BOOLEAN,
        }.items()
    },
    "metadata": Member(TEXTS, since="3.43", where=(FULL,)),
    "os-backup-project-attr:project_id": Member(PROJECT, since="3.18", roles=(ADMIN,), where=(FULL,)),
    "user_id": Member(PROJECT, since="3.56", roles=(ADMIN,), where=(FULL,)),
    "encryption_key_id": Member(UUID, since="3.64", where=(FULL,), may_be_absent=True),
}

# Contract 05, section 1.1; a list of types shows what a type shows.
DEFAULT = "default"
TYPE: Table = {
    "id": Member(UUID, where=(FULL, *CHANGED, DEFAULT)),
    "name": Member(TEXT, where=(FULL, *CHANGED, DEFAULT)),
    "description": Member(nullable(TEXT), where=(FULL, *CHANGED, DEFAULT)),
    "is_public": Member(BOOLEAN, where=(FULL, *CHANGED, DEFAULT)),
    "extra_specs": Member({"type": "object", "additionalProperties": nullable(TEXT)}, where=(FULL, *CHANGED, DEFAULT)),
    "os-volume-type-access:is_public": Member(BOOLEAN, roles=(ADMIN, MEMBER), where=(FULL, CREATED)),
    "qos_specs_id": Member(nullable(UUID), roles=(ADMIN,), where=(FULL,)),
}
# Contract 05, sections 1 and 1.3.
ENCRYPTION: Table = {
    "volume_type_id": Member(UUID),
    "encryption_id": Member(UUID),
    "provider": Member(TEXT),
    "control_location": Member({"enum": ["front-end", "back-end"]}),
    "cipher": Member(nullable(TEXT)),
    "key_size": Member(nullable(INTEGER)),
    "deleted": Member(BOOLEAN, where=(FULL,)),
    "created_at": Member(TIME, where=(FULL,)),
    "updated_at": Member(nullable(TIME), where=(FULL,)),
    "deleted_at": Member(NULL, where=(FULL,)),
}
QOS = exactly({"id": UUID, "name": TEXT, "consumer": {"enum": ["front-end", "back-end", "both"]}, "specs": TEXTS})
ASSOCIATION = exactly({"association_type": {"const": "volume_type"}, "name": TEXT, "id": UUID})
DEFAULT_TYPE = exactly({"project_id": PROJECT, "volume_type_id": UUID})

# Contract 05, sections 3 to 5.
LIMITED = (
    "volumes", "per_volume_gigabytes", "snapshots", "gigabytes", "backups", "backup_gigabytes", "groups",
    "volumes___DEFAULT__", "gigabytes___DEFAULT__", "snapshots___DEFAULT__",
)  # fmt: skip
USE = exactly({"limit": INTEGER, "in_use": INTEGER, "reserved": INTEGER})
ABSOLUTE = (
    "maxTotalVolumes", "maxTotalSnapshots", "maxTotalVolumeGigabytes", "maxTotalBackups", "maxTotalBackupGigabytes",
    "totalVolumesUsed", "totalGigabytesUsed", "totalSnapshotsUsed", "totalBackupsUsed", "totalBackupGigabytesUsed",
)  # fmt: skip
ZONE = exactly({"zoneName": TEXT, "zoneState": exactly({"available": BOOLEAN})})

# Contract 06, section 1; what only back-ends have, and what all have.
OTHER_SERVICE, BACKEND = "cinder-scheduler and cinder-backup", "cinder-volume"
SERVICE: Table = {
    "binary": Member({"enum": ["cinder-scheduler", "cinder-volume", "cinder-backup"]}, where=(OTHER_SERVICE, BACKEND)),
    "host": Member(TEXT, where=(OTHER_SERVICE, BACKEND)),
    "zone": Member(TEXT, where=(OTHER_SERVICE, BACKEND)),
    "status": Member({"enum": ["enabled", "disabled"]}, where=(OTHER_SERVICE, BACKEND)),
    "state": Member({"enum": ["up", "down"]}, where=(OTHER_SERVICE, BACKEND)),
    "updated_at": Member(nullable(TIME), where=(OTHER_SERVICE, BACKEND)),
    "disabled_reason": Member(nullable(TEXT), where=(OTHER_SERVICE, BACKEND)),
    "cluster": Member(NULL, since="3.7", where=(OTHER_SERVICE, BACKEND)),
    "replication_status": Member(nullable(TEXT), where=(BACKEND,)),
    "active_backend_id": Member(nullable(TEXT), where=(BACKEND,)),
    "frozen": Member(BOOLEAN, where=(BACKEND,)),
    "backend_state": Member({"enum": ["up", "down"]}, since="3.49", where=(BACKEND,)),
}
CHANGED_SERVICE = {"host": TEXT, "service": TEXT, "binary": TEXT, "disabled": BOOLEAN}
HOST = exactly(
    {
        "host_name": TEXT,
        "service": TEXT,
        "zone": TEXT,
        "service-status": {"enum": ["available", "unavailable"]},
        "service-state": {"enum": ["enabled", "disabled"]},
        "last-update": nullable(TIME),
    }
)
FIGURE = {"type": "string", "pattern": "^[0-9]+$"}
TAKEN_UP = exactly(
    {
        "host": TEXT,
        "project": TEXT,
        **dict.fromkeys(("volume_count", "total_volume_gb", "snapshot_count", "total_snapshot_gb"), FIGURE),
    }
)
CLEANED = exactly({"id": INTEGER, "host": TEXT, "binary": TEXT, "cluster_name": nullable(TEXT)})
EXTENSION = exactly(
    {"name": TEXT, "alias": TEXT, "description": TEXT, "updated": TEXT, "links": {"type": "array", "maxItems": 0}}
)
FILTERS = exactly({"resource": TEXT, "filters": listed(TEXT)})

# Contract 06, part 2.
MESSAGE = exactly(
    {
        "id": UUID,
        "event_id": {"type": "string", "pattern": "^VOLUME_VOLUME(_[A-Z]+)*_[0-9]{3}_[0-9]{3}$"},
        "user_message": {"type": "string", "pattern": "^.+:.+$"},
        "message_level": {"const": "ERROR"},
        "created_at": TIME,
        "guaranteed_until": TIME,
        "request_id": TEXT,
        "links": LINKS,
        "resource_type": {"enum": ["VOLUME", "VOLUME_SNAPSHOT", "VOLUME_BACKUP"]},
        "resource_uuid": UUID,
    },
    optional=("resource_type", "resource_uuid"),
)

# Contract 06, part 3.
TRANSFER: Table = {
    "id": Member(UUID),
    "volume_id": Member(UUID),
    "name": Member(nullable(TEXT)),
    "links": Member(LINKS),
    "created_at": Member(TIME, where=(FULL, CREATED)),
    "auth_key": Member({"type": "string", "pattern": "^[0-9a-f]{16}$"}, where=(CREATED,)),
    "no_snapshots": Member(BOOLEAN, since="3.55", where=(FULL, CREATED)),
    "source_project_id": Member(PROJECT, since="3.57", where=(FULL, CREATED)),
    "destination_project_id": Member(nullable(PROJECT), since="3.57", where=(FULL, CREATED)),
    "accepted": Member(BOOLEAN, since="3.57", where=(FULL, CREATED)),
}

# Contract 00, section 1.
VERSIONS = exactly(
    {
        "versions": listed(
            exactly(
                {
                    "id": {"const": "v3.0"},
                    "status": {"const": "CURRENT"},
                    "version": {"const": "3.71"},
                    "min_version": {"const": "3.0"},
                    "updated": {"const": "2023-08-31T00:00:00Z"},
                    "links": listed(exactly({"rel": TEXT, "type": TEXT, "href": TEXT}, optional=("type",))),
                    "media-types": listed(exactly({"base": TEXT, "type": TEXT})),
                }
            )
        )
    }
)


def collection(name: str, item: Schema, *, links_name: str = "", is_counted: bool = False) -> Schema:
    """Return the schema of a page of a list: with the link to the next page, where there is one, and a count."""
    members = {name: {**listed(item), "minItems": 1}}
    members |= {links_name: NEXT} if links_name else {}
    members |= {"count": INTEGER} if is_counted else {}
    return exactly(members)
