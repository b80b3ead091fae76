"""How many queries a call takes: few, and no more for long lists than for short ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from storage_site.identity import services as identity
from storage_site.identity.tokens import new_token, recent, signed
from tests.calls import Calls
from tests.factories import (
    PROJECT,
    AttachmentFactory,
    GroupFactory,
    GroupSnapshotFactory,
    GroupTypeFactory,
    OperationFactory,
    QosSpecsFactory,
    SnapshotFactory,
    TransferFactory,
    VolumeFactory,
    VolumeTypeFactory,
)


def queries_of(calls, *call, **rest):
    with CaptureQueriesContext(connection) as queries:
        answer = calls(*call, **rest)
    assert answer.status_code < 300, answer.content
    counted = [
        query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
    ]
    return len(counted), "\n".join(counted)


def test_creating_a_volume_takes_at_most_seven(as_member):
    as_member("POST", "/volumes", {"volume": {"size": 1}})
    count, sql = queries_of(as_member, "POST", "/volumes", {"volume": {"size": 1}})
    assert count <= 7, sql


def failed():
    return OperationFactory(outcome="failed", verb="create", fault_code="backend-full", finished_at=timezone.now())


def attached():
    return AttachmentFactory(status="attached", attached_at=timezone.now())


def granted():
    made = VolumeTypeFactory(qos_specs=QosSpecsFactory(), extra_specs={"multiattach": "<is> True"})
    made.access.create(project_id=PROJECT)
    return made


def grouped():
    group = GroupFactory()
    VolumeFactory(group=group)
    GroupSnapshotFactory(group=group)
    return group


# What there is a list of → what makes one, and the name of its id.
KINDS = {
    "volumes": (lambda: attached().volume, "pk"),
    "snapshots": (SnapshotFactory, "pk"),
    "attachments": (attached, "pk"),
    "messages": (failed, "id"),
    "volume-transfers": (TransferFactory, "pk"),
    "types": (granted, "pk"),
    "qos-specs": (lambda: granted().qos_specs, "pk"),
    "groups": (grouped, "pk"),
    "group_snapshots": (lambda: GroupSnapshotFactory(group=grouped()), "pk"),
    "group_types": (GroupTypeFactory, "pk"),
}
# What costs most, where it is asked for.
MORE = {"groups": "?list_volume=true", "volumes": "?with_count=true", "snapshots": "?with_count=true"}
WITHOUT_DETAIL = ("messages", "types", "qos-specs", "group_types")
LISTS = [
    (kind, path)
    for kind in KINDS
    for path in (
        [kind]
        if kind in WITHOUT_DETAIL
        else [kind, f"{kind}/detail" + ("?list_volume=true" if kind == "groups" else "")]
    )
]


@pytest.mark.parametrize("kind", KINDS)
def test_showing_takes_at_most_three(as_admin, kind):
    make, key = KINDS[kind]
    count, sql = queries_of(as_admin, "GET", f"/{kind}/{getattr(make(), key)}{MORE.get(kind, '')}")
    # The volumes and the volume types of a group are lists of their own.
    assert count <= (4 if kind.startswith("group") else 3), sql


@pytest.mark.parametrize(("kind", "path"), LISTS)
@pytest.mark.parametrize("length", [1, 30])
def test_a_page_takes_at_most_four_whatever_its_length(as_admin, kind, path, length):
    make, key = KINDS[kind]
    made = [make() for _ in range(length + 1)]
    path += f"{MORE.get(kind, '?')}&limit=1000"
    for marked in ("", f"&marker={getattr(made[-1], key)}"):
        count, sql = queries_of(as_admin, "GET", f"/{path}{marked}")
        assert count <= 4, sql


MADE = ("snapshots", "attachments", "volume-transfers", "types", "group_types", "qos-specs", "groups")


def bodies_of_creation():
    volume, other, free = VolumeFactory.create_batch(3)
    return {
        "snapshots": {"snapshot": {"volume_id": str(volume.pk)}},
        "attachments": {"attachment": {"volume_uuid": str(other.pk)}},
        "volume-transfers": {"transfer": {"volume_id": str(free.pk)}},
        "types": {"volume_type": {"name": "t", "extra_specs": {"a": "b"}}},
        "group_types": {"group_type": {"name": "t"}},
        "qos-specs": {"qos_specs": {"name": "q"}},
        "groups": {"group": {"group_type": str(GroupTypeFactory().pk), "volume_types": ["__DEFAULT__"]}},
    }


@pytest.mark.parametrize("kind", MADE)
def test_making_takes_at_most_eight(as_admin, kind):
    as_admin("POST", "/volumes", {"volume": {"size": 1}})  # which makes the row that is locked
    count, sql = queries_of(as_admin, "POST", f"/{kind}", bodies_of_creation()[kind])
    # A group has rows that say which volume types it is for.
    assert count <= (9 if kind == "groups" else 8), sql


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
