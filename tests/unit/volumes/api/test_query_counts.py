"""How many queries a call takes: few, and no more for long lists than for short ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from storage_site.identity import services as identity
from storage_site.identity.tokens import new_token, recent, signed
from tests.calls import Calls
from tests.factories import AttachmentFactory, GroupSnapshotFactory, VolumeFactory


def queries_of(calls, *call, **rest):
    with CaptureQueriesContext(connection) as queries:
        answer = calls(*call, **rest)
    assert answer.status_code < 300, answer.content
    counted = [
        query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
    ]
    return len(counted), "\n".join(counted)


def test_creating_takes_at_most_eight(as_member):
    as_member("POST", "/volumes", {"volume": {"size": 1}})
    count, sql = queries_of(as_member, "POST", "/volumes", {"volume": {"size": 1}})
    assert count <= 8, sql


def test_showing_takes_at_most_three(as_member):
    attachment = AttachmentFactory(status="attached", attached_at=timezone.now())
    count, sql = queries_of(as_member, "GET", f"/volumes/{attachment.volume_id}")
    assert count <= 3, sql


@pytest.mark.parametrize("path", ["/volumes", "/volumes/detail", "/attachments", "/attachments/detail"])
@pytest.mark.parametrize("length", [1, 30])
def test_a_page_takes_at_most_four_whatever_its_length(as_member, path, length):
    made = [AttachmentFactory(status="attached", attached_at=timezone.now()) for _ in range(length + 1)]
    marker = made[-1].pk if "attachments" in path else made[-1].volume_id
    query = "?limit=1000&with_count=true" if path.startswith("/volumes") else "?limit=1000"
    for marked in ("", f"&marker={marker}"):
        count, sql = queries_of(as_member, "GET", f"{path}{query}{marked}")
        assert count <= 4, sql


@pytest.mark.parametrize(
    "path", ["/groups/detail?list_volume=true", "/group_snapshots/detail?limit=1000", "/groups?limit=9"]
)
@pytest.mark.parametrize("length", [1, 20])
def test_a_page_of_groups_takes_at_most_four_whatever_its_length(as_member, path, length):
    made = [GroupSnapshotFactory() for _ in range(length + 1)]
    for each in made:
        VolumeFactory(group=each.group)
    marker = made[-1].pk if "snapshots" in path else made[-1].group_id
    for marked in ("", f"&marker={marker}"):
        count, sql = queries_of(as_member, "GET", f"{path}{marked}")
        assert count <= 4, sql


def test_types_take_no_more_for_long_lists(as_member):
    VolumeFactory()
    count, sql = queries_of(as_member, "GET", "/types")
    assert count <= 2, sql


def test_a_token_that_was_seen_a_moment_ago_takes_no_query(db):
    recent.forget()
    user, project = identity.create_user(name="u", password="a long password"), identity.create_project(name="p")
    identity.grant(user=user, project=project, role="member")
    calls = Calls(None)
    token = signed(new_token(user=user, project_id=project.id, methods=("password",)))
    headers = {"X-Auth-Token": token}
    calls("GET", "/v3/volumes", headers=headers)
    count, sql = queries_of(calls, "GET", "/v3/volumes", headers=headers)
    assert count <= 1, sql
