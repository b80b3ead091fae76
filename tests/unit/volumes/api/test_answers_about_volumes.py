"""Contracts 02 and 03, contract 06 parts 2 and 3: every answer, to the last member, at several microversions."""

import uuid
from functools import partial

import pytest
from django.utils import timezone

from storage_site.caller import Caller
from tests import members
from tests.answering import WRITERS, Call, always, in_envelope, make
from tests.factories import (
    PROJECT,
    USER,
    AttachmentFactory,
    OperationFactory,
    SnapshotFactory,
    TransferFactory,
    VolumeFactory,
)
from tests.members import ADMIN, CREATED, FULL, LIST, UPDATED, collection, covers
from tests.schemas import INTEGER, NULL, TEXT, TEXTS, exactly, listed
from volumes.services.transfers import create_transfer

HTML = "text/html; charset=UTF-8"
PAIRS = exactly({"metadata": TEXTS})
PAIR = exactly({"meta": {**TEXTS, "minProperties": 1, "maxProperties": 1}})
CONNECTION = exactly({"driver_volume_type": TEXT, "data": {"type": "object"}, "enforce_multipath": {"type": "boolean"}})


def volume(**fields):
    return VolumeFactory(image_metadata={"os_type": "linux"}, metadata={"k": "v"}, **fields)


def attached():
    return AttachmentFactory(
        status="attached",
        volume__status="in-use",
        volume__metadata={"k": "v"},
        attached_at=timezone.now(),
        mountpoint="/dev/vdb",
        host_name="h1",
    )


MAKERS = {
    "volume": lambda: volume().pk,
    "attached": lambda: attached().volume_id,
    "attachment": lambda: attached().pk,
    "reserved": lambda: AttachmentFactory().pk,
    "new": lambda: VolumeFactory(status="available").pk,
    "attaching": lambda: VolumeFactory(status="attaching").pk,
    "snapshot": lambda: SnapshotFactory(metadata={"k": "v"}).pk,
    "message": lambda: (
        OperationFactory(
            outcome="failed",
            verb="create",
            fault_code="driver-permanent",
            finished_at=timezone.now(),
            request_id="req-1",
        ).id
    ),
    "transfer": lambda: TransferFactory(name="t").pk,
    "server": uuid.uuid4,
}


def of(table, where):
    return lambda version, role: members.shape(table, version=version, role=role, where=where)


def page(name, table, where, *, links_name=None):
    """Return what a full page looks like."""
    links = f"{name}_links" if links_name is None else links_name
    return lambda version, role: collection(name, of(table, where)(version, role), links_name=links)


volume_of, snapshot_of = partial(of, members.VOLUME), partial(of, members.SNAPSHOT)
attachment_of, transfer_of = partial(of, members.ATTACHMENT), partial(of, members.TRANSFER)


def summary(version, _role):
    figures = {"total_count": INTEGER, "total_size": INTEGER}
    if covers(version, "3.36"):
        figures["metadata"] = {"type": "object", "additionalProperties": listed(TEXT)}
    return exactly({"volume-summary": exactly(figures)})


def act(name, value=None, *, on="{volume}", **rest):
    return Call("POST", f"/volumes/{on}/action", body={name: value}, **{"status": 202, "roles": WRITERS, **rest})


VOLUMES = [
    Call("GET", "/volumes?limit=1&name={named}", page("volumes", members.VOLUME, LIST)),
    Call("GET", "/volumes/detail?limit=1&name={named}", page("volumes", members.VOLUME, FULL)),
    Call("GET", "/volumes/summary", summary, since="3.12"),
    Call("GET", "/volumes/{volume}", in_envelope("volume", volume_of(FULL))),
    Call("GET", "/volumes/{attached}", in_envelope("volume", volume_of(FULL))),
    Call(
        "POST",
        "/volumes",
        in_envelope("volume", volume_of(CREATED)),
        status=202,
        body={"volume": {"size": 1, "metadata": {"k": "v"}}, "OS-SCH-HNT:scheduler_hints": {"same_host": "{volume}"}},
        roles=WRITERS,
    ),
    Call(
        "PUT",
        "/volumes/{volume}",
        in_envelope("volume", volume_of(UPDATED)),
        body={"volume": {"name": "n"}},
        roles=WRITERS,
    ),
    Call("DELETE", "/volumes/{new}", status=202, roles=WRITERS, media_type=HTML),
    Call("GET", "/volumes/{volume}/metadata", always(PAIRS)),
    Call("POST", "/volumes/{volume}/metadata", always(PAIRS), body={"metadata": {"a": "b"}}, roles=WRITERS),
    Call("PUT", "/volumes/{volume}/metadata", always(PAIRS), body={"metadata": {"a": "b"}}, roles=WRITERS),
    Call("GET", "/volumes/{volume}/metadata/k", always(PAIR)),
    Call("PUT", "/volumes/{volume}/metadata/k", always(PAIR), body={"meta": {"k": "w"}}, roles=WRITERS),
    Call("DELETE", "/volumes/{volume}/metadata/k", roles=WRITERS, media_type=HTML),
    Call("GET", "/volumes/{volume}/encryption", always(exactly({"encryption_key_id": NULL}))),
    act("os-reserve"),
    act("os-unreserve", {}, on="{attaching}"),
    act("os-attach", {"mountpoint": "/dev/vdb", "instance_uuid": "{server}"}),
    act("os-begin_detaching", on="{attached}"),
    act("os-roll_detaching"),
    act("os-detach", {}, on="{new}"),
    act("os-set_bootable", {"bootable": True}, status=200),
    act("os-update_readonly_flag", {"readonly": True}),
    act("os-set_image_metadata", {"metadata": {"a": "b"}}, status=200, looks=always(PAIRS)),
    act("os-show_image_metadata", status=200, looks=always(PAIRS), roles=members.EVERYBODY),
    act("os-unset_image_metadata", {"key": "os_type"}, status=200),
    act("os-extend", {"new_size": 2}),
    act("os-reset_status", {"status": "error"}, roles=(ADMIN,)),
    act("os-force_delete", {}, on="{new}", roles=(ADMIN,)),
    act("os-force_detach", {}, on="{new}", roles=(ADMIN,)),
]
SNAPSHOTS = [
    Call("GET", "/snapshots?limit=1&status={some}", page("snapshots", members.SNAPSHOT, LIST)),
    Call("GET", "/snapshots/detail?limit=1&status={some}", page("snapshots", members.SNAPSHOT, FULL)),
    Call("GET", "/snapshots/{snapshot}", in_envelope("snapshot", snapshot_of(FULL))),
    Call(
        "POST",
        "/snapshots",
        in_envelope("snapshot", snapshot_of(CREATED)),
        status=202,
        body={"snapshot": {"volume_id": "{new}", "name": "s", "description": "d", "metadata": {"k": "v"}}},
        roles=WRITERS,
    ),
    Call(
        "PUT",
        "/snapshots/{snapshot}",
        in_envelope("snapshot", snapshot_of(UPDATED)),
        body={"snapshot": {"name": "n"}},
        roles=WRITERS,
    ),
    Call("DELETE", "/snapshots/{snapshot}", status=202, roles=WRITERS, media_type=HTML),
    Call("GET", "/snapshots/{snapshot}/metadata", always(PAIRS)),
    Call("POST", "/snapshots/{snapshot}/metadata", always(PAIRS), body={"metadata": {"a": "b"}}, roles=WRITERS),
    Call("PUT", "/snapshots/{snapshot}/metadata", always(PAIRS), body={"metadata": {"a": "b"}}, roles=WRITERS),
    Call("GET", "/snapshots/{snapshot}/metadata/k", always(PAIR)),
    Call("PUT", "/snapshots/{snapshot}/metadata/k", always(PAIR), body={"meta": {"k": "w"}}, roles=WRITERS),
    Call("DELETE", "/snapshots/{snapshot}/metadata/k", roles=WRITERS, media_type=HTML),
    *(
        Call("POST", "/snapshots/{snapshot}/action", status=202, body={name: value}, roles=(ADMIN,))
        for name, value in {"os-reset_status": {"status": "error"}, "os-force_delete": None}.items()
    ),
]
ATTACHMENTS = [
    Call(
        "GET",
        "/attachments?volume_id={attached}",
        page("attachments", members.ATTACHMENT, LIST, links_name=""),
        since="3.27",
    ),
    Call(
        "GET",
        "/attachments/detail?volume_id={attached}",
        page("attachments", members.ATTACHMENT, FULL, links_name=""),
        since="3.27",
    ),
    Call("GET", "/attachments/{attachment}", in_envelope("attachment", attachment_of(FULL)), since="3.27"),
    Call(
        "POST",
        "/attachments",
        in_envelope("attachment", attachment_of(CREATED)),
        body={"attachment": {"volume_uuid": "{new}", "instance_uuid": "{server}"}},
        roles=WRITERS,
        since="3.27",
    ),
    Call(
        "DELETE",
        "/attachments/{reserved}",
        always(exactly({"attachments": {"type": "array", "maxItems": 0}})),
        roles=WRITERS,
        since="3.27",
    ),
    Call(
        "POST",
        "/attachments/{reserved}/action",
        status=204,
        body={"os-complete": {}},
        roles=WRITERS,
        since="3.44",
    ),
]
MESSAGES = [
    Call(
        "GET",
        "/messages?limit={one_message}",
        always(collection("messages", members.MESSAGE, links_name="messages_links")),
        since="3.3",
    ),
    Call("GET", "/messages/{message}", always(exactly({"message": members.MESSAGE})), since="3.3"),
    Call("DELETE", "/messages/{message}", status=204, roles=WRITERS, since="3.3", media_type=HTML),
]


def offers(where):
    return lambda version, role: collection("transfers", transfer_of(where)(version, role))


TRANSFERS = [
    call
    for path in ("/os-volume-transfer", "/volume-transfers")
    for call in (
        Call("GET", f"{path}/{{transfer}}", in_envelope("transfer", transfer_of(FULL))),
        Call(
            "POST",
            path,
            in_envelope("transfer", transfer_of(CREATED)),
            status=202,
            body={"transfer": {"volume_id": "{new}", "name": "t"}},
            roles=WRITERS,
        ),
        Call("DELETE", f"{path}/{{transfer}}", status=202, roles=WRITERS, media_type=HTML),
        Call("GET", f"{path}?name={{offer}}", offers(LIST)),
        Call("GET", f"{path}/detail?name={{offer}}", offers(FULL)),
        Call(
            "POST",
            f"{path}/{{offered}}/accept",
            in_envelope("transfer", transfer_of(LIST)),
            status=202,
            body={"accept": {"auth_key": "{key}"}},
            roles=WRITERS,
        ),
    )
]
KEYS = {}


def offered():
    caller = Caller(user_id=USER, project_id=PROJECT, roles=frozenset({"member"}))
    transfer, KEYS["newest"] = create_transfer(caller=caller, volume=VolumeFactory())
    return transfer.pk


MAKERS |= {
    "offered": offered,
    "key": lambda: KEYS["newest"],
    "offer": lambda: TransferFactory(name="offer").name,
    "named": lambda: volume(name="data").name,
    "some": lambda: SnapshotFactory().status,
    "one_message": lambda: (MAKERS["message"](), 1)[1],
}


@pytest.mark.parametrize("call", VOLUMES + SNAPSHOTS + ATTACHMENTS + MESSAGES + TRANSFERS, ids=str)
def test_an_answer_has_the_members_of_its_version_and_no_others(default_type, no_limits, call):
    make(call, MAKERS)


@pytest.mark.parametrize("path", ["volumes", "volumes/detail", "snapshots", "snapshots/detail", "backups"])
def test_a_count_stands_beside_the_list_from_its_version_on(as_member, path):
    for version in ("3.45", "3.71"):
        answer = as_member.ok("GET", f"/{path}?with_count=true", version=version)
        assert answer == {path.partition("/")[0]: [], "count": 0}
