"""Contract 06, part 2: user messages over HTTP."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from storage_site.operations.models import Operation
from tests import schemas
from tests.factories import OperationFactory
from tests.unit.volumes.conftest import taken

SHAPE = schemas.exactly(
    {
        "id": schemas.UUID,
        "event_id": schemas.TEXT,
        "user_message": schemas.TEXT,
        "message_level": schemas.TEXT,
        "resource_type": schemas.TEXT,
        "resource_uuid": schemas.UUID,
        "request_id": schemas.TEXT,
        "created_at": schemas.TEXT,
        "guaranteed_until": schemas.TEXT,
        "links": schemas.LINKS,
    }
)


def failed(resource_type="volumes.volume", verb="create", fault="driver-permanent", **fields) -> Operation:
    ended = {"outcome": Operation.FAILED, "finished_at": timezone.now(), **fields}
    return OperationFactory(resource_type=resource_type, verb=verb, fault_code=fault, **ended)


def test_work_that_failed_is_a_message(as_member):
    as_member.ok("POST", "/volumes", {"volume": {"size": 1}}, status=202)
    assert as_member.ok("GET", "/messages")["messages"] == []
    claimed = taken("create")
    claimed.fail("no-valid-backend", "secret: host7@fast is full")
    (message,) = as_member.ok("GET", "/messages")["messages"]
    schemas.check(SHAPE, message)
    assert message["event_id"] == "VOLUME_VOLUME_001_003"
    assert message["user_message"] == "schedule allocate volume:Could not find any available weighted backend."
    assert message["resource_uuid"] == str(claimed.operation.resource_id)
    assert "host7" not in str(message)
    assert as_member.ok("GET", f"/messages/{message['id']}") == {"message": message}
    until = timezone.datetime.fromisoformat(message["guaranteed_until"])
    assert until - timezone.datetime.fromisoformat(message["created_at"]) == timedelta(days=30)


EVENTS = [
    (("volumes.volume", "create", "driver-permanent"), "", "VOLUME_VOLUME_001_012"),
    (("volumes.volume", "extend", "backend-full"), "", "VOLUME_VOLUME_007_010"),
    (("volumes.attachment", "connect", "backend-down"), "volume_id", "VOLUME_VOLUME_002_021"),
    (("volumes.attachment", "disconnect", "backend-down"), "volume_id", "VOLUME_VOLUME_004_022"),
    (("volumes.snapshot", "create", "backend-full"), "", "VOLUME_VOLUME_SNAPSHOT_009_013"),
    (("volumes.snapshot", "delete", "backend-down"), "", "VOLUME_VOLUME_SNAPSHOT_010_016"),
    (("backups.backup", "create", "target-full"), "", "VOLUME_VOLUME_BACKUP_013_020"),
    (("backups.backup", "create", "deadline"), "", "VOLUME_VOLUME_BACKUP_013_024"),
    (("backups.backup", "delete", "backend-down"), "", "VOLUME_VOLUME_BACKUP_014_025"),
    (("volumes.volume", "restore", "backup-damaged"), "backup_id", "VOLUME_VOLUME_BACKUP_015_026"),
]


@pytest.mark.parametrize(("failure", "subject", "event"), EVENTS)
def test_a_message_has_its_number_and_is_about_what_the_client_knows(as_member, failure, subject, event):
    thing = str(uuid.uuid4())
    operation = failed(*failure, arguments={subject: thing} if subject else {})
    (message,) = as_member.ok("GET", "/messages")["messages"]
    assert message["event_id"] == event
    assert message["resource_uuid"] == (thing if subject else str(operation.resource_id))


@pytest.mark.parametrize(("failure", "subject", "event"), EVENTS)
def test_a_message_is_found_by_what_it_says(as_member, failure, subject, event):
    failed(*failure, arguments={subject: str(uuid.uuid4())} if subject else {})
    (message,) = as_member.ok("GET", "/messages")["messages"]
    for name in ("event_id", "resource_type", "resource_uuid", "message_level", "request_id"):
        assert as_member.ok("GET", f"/messages?{name}={message[name]}")["messages"] == [message]
    others = {"event_id": "VOLUME_VOLUME_001_001", "resource_type": "X", "resource_uuid": uuid.uuid4()}
    for name, other in others.items():
        assert as_member.ok("GET", f"/messages?{name}={other}")["messages"] == []


def test_what_the_service_does_for_itself_is_no_message(as_member):
    failed("volumes.attachment", "disconnect")
    failed("backups.repository", "verify")
    OperationFactory(outcome=Operation.CANCELLED, finished_at=timezone.now())
    assert as_member.ok("GET", "/messages")["messages"] == []


def test_nobody_reads_the_messages_of_another_project(as_member, as_stranger, as_admin):
    operation = failed()
    assert as_stranger.ok("GET", "/messages")["messages"] == []
    for method in ("GET", "DELETE"):
        assert as_stranger.refused(method, f"/messages/{operation.id}")[0] == 404
    assert as_admin.ok("GET", f"/messages/{operation.id}")["message"]["id"] == str(operation.id)


def test_a_message_that_was_read_can_be_dismissed_and_the_history_keeps_it(as_member):
    operation = failed()
    assert as_member("DELETE", f"/messages/{operation.id}").status_code == 204
    assert as_member.refused("GET", f"/messages/{operation.id}")[0] == 404
    assert as_member.ok("GET", f"/operations/{operation.id}")


def test_messages_grow_old(as_member):
    failed(finished_at=timezone.now() - timedelta(days=31))
    assert as_member.ok("GET", "/messages")["messages"] == []


def test_messages_come_in_pages(as_member):
    operations = [failed() for _ in range(3)]
    first = as_member.ok("GET", "/messages?limit=2&sort=created_at:asc")
    assert [each["id"] for each in first["messages"]] == [str(each.id) for each in operations[:2]]
    assert first["messages_links"][0]["rel"] == "next"
    rest = as_member.ok("GET", f"/messages?sort=created_at:asc&marker={operations[1].id}")["messages"]
    assert [each["id"] for each in rest] == [str(operations[2].id)]


def test_there_were_no_messages_before_their_version(as_member):
    assert as_member.refused("GET", "/messages", version="3.2")[0] == 404
