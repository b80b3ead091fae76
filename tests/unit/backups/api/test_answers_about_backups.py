"""Contract 04: every answer about backups, to the last member, at several microversions."""

import base64
import json
import uuid

import pytest

from backups.models import Repository
from tests import members
from tests.answering import WRITERS, Call, always, in_envelope, make
from tests.factories import PROJECT, BackupFactory, VolumeFactory
from tests.members import ADMIN, FULL, LIST, collection, shape
from tests.schemas import TEXT, UUID, exactly, nullable

HTML = "text/html; charset=UTF-8"
RESTORED = exactly({"backup_id": UUID, "volume_id": UUID, "volume_name": nullable(TEXT)})
RECORD = exactly({"backup_service": TEXT, "backup_url": {"type": "string", "pattern": "^[A-Za-z0-9+/]+=*$"}})


def record():
    """Return what was exported of a backup that the service has lost."""
    place = {"repository_id": str(uuid.uuid4()), "stored_in": PROJECT, "digest": None}
    columns = {
        "id": str(uuid.uuid4()),
        "volume_id": str(uuid.uuid4()),
        "size": 1,
        "object_count": 1,
        "service": "celinder.backups",
        "driver_info": place,
    } | dict.fromkeys(("display_name", "display_description", "container", "service_metadata"))
    return base64.b64encode(json.dumps(columns).encode()).decode()


def exported():
    Repository.objects.get_or_create(
        target="volumebackups", defaults={"repository_id": uuid.uuid4(), "status": "available"}
    )
    return BackupFactory().pk


MAKERS = {
    "volume": lambda: VolumeFactory().pk,
    "backup": lambda: BackupFactory(metadata={"k": "v"}).pk,
    "one": lambda: (BackupFactory(), 1)[1],
    "exported": exported,
    "record": record,
}


def backup(where):
    return lambda version, role: shape(members.BACKUP, version=version, role=role, where=where)


def page(where):
    return lambda version, role: collection("backups", backup(where)(version, role), links_name="backups_links")


SUMMARY = in_envelope("backup", backup(LIST))
CALLS = [
    Call("GET", "/backups?limit={one}", page(LIST)),
    Call("GET", "/backups/detail?limit={one}", page(FULL)),
    Call("GET", "/backups/{backup}", in_envelope("backup", backup(FULL))),
    Call("POST", "/backups", SUMMARY, status=202, body={"backup": {"volume_id": "{volume}"}}, roles=WRITERS),
    Call("PUT", "/backups/{backup}", SUMMARY, body={"backup": {"name": "n"}}, roles=WRITERS, since="3.9"),
    Call("DELETE", "/backups/{backup}", status=202, roles=WRITERS, media_type=HTML),
    Call(
        "POST",
        "/backups/{backup}/restore",
        always(exactly({"restore": RESTORED})),
        status=202,
        body={"restore": {"volume_id": "{volume}"}},
        roles=WRITERS,
    ),
    Call("POST", "/backups/{backup}/action", status=202, body={"os-reset_status": {"status": "error"}}, roles=(ADMIN,)),
    Call("POST", "/backups/{backup}/action", status=202, body={"os-force_delete": {}}, roles=(ADMIN,)),
    Call("GET", "/backups/{exported}/export_record", always(exactly({"backup-record": RECORD})), roles=(ADMIN,)),
    Call(
        "POST",
        "/backups/import_record",
        SUMMARY,
        status=201,
        body={"backup-record": {"backup_service": "celinder.backups", "backup_url": "{record}"}},
        roles=(ADMIN,),
    ),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_an_answer_has_the_members_of_its_version_and_no_others(default_type, no_limits, call):
    make(call, MAKERS)
