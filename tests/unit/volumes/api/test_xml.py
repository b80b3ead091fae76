"""The API in XML, for those who ask for it by name (docs/xml.md)."""

import pytest
from django.utils import timezone

from storage_site.api import elements
from tests.calls import XML, Calls, said
from tests.factories import AttachmentFactory, SnapshotFactory, VolumeFactory, VolumeTypeFactory
from tests.unit.volumes.api.test_authorisation_matrix import CALLS, is_page, request_for
from volumes.models import Volume

ASKED = {"Accept": XML}
LABEL = "application/xml; charset=utf-8"
NOWHERE = "/volumes/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def in_xml(db, admin) -> Calls:
    return Calls(admin, in_xml=True)


# --- every call --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("route", "key"), CALLS, ids=lambda value: getattr(value, "name", value))
def test_every_call_answers_in_xml_what_it_answers_in_json(in_xml, as_admin, route, key):
    if is_page(route, key):
        pytest.skip("a page, for people with a browser")
    SnapshotFactory(metadata={"a/b": "c"})
    AttachmentFactory(status="attached", attached_at=timezone.now(), connection_info={"data": {"ports": [1, 2]}})
    method, path, body = request_for(route, key)
    answer = in_xml(method, f"/v3/{path}", body)
    if not answer.content:
        return
    assert answer["Content-Type"] == LABEL
    assert answer["Vary"] == "OpenStack-API-Version, Accept"
    assert elements.written(said(answer)) == answer.content
    if method == "GET" or answer.status_code >= 400:
        again = as_admin(method, f"/v3/{path}", body)
        assert (again.status_code, again.json()) == (answer.status_code, said(answer))


# --- the main job ------------------------------------------------------------------------------------------------


def test_a_volume_is_made_shown_changed_and_deleted(in_xml, as_admin):
    metadata = {"a b": "<&>", "cinder.csi.openstack.org/cluster": "", "xml": "\r\n\t", "0": "é"}
    asked = {"volume": {"size": 2, "name": None, "metadata": metadata}, "OS-SCH-HNT:scheduler_hints": None}
    made = in_xml.ok("POST", "/volumes", asked, status=202)["volume"]
    assert made.items() <= as_admin.ok("GET", f"/volumes/{made['id']}")["volume"].items()
    assert (made["size"], made["name"], made["metadata"], made["multiattach"]) == (2, None, metadata, False)
    shown = in_xml.ok("GET", "/volumes/detail?limit=1&with_count=true")
    assert shown == as_admin.ok("GET", "/volumes/detail?limit=1&with_count=true")
    assert [list(shown), shown["count"]] == [["volumes", "volumes_links", "count"], 1]
    path = f"/volumes/{made['id']}"
    assert in_xml.ok("PUT", path, {"volume": {"name": "x"}})["volume"]["name"] == "x"
    assert in_xml.ok("PUT", f"{path}/metadata", {"metadata": {}}) == {"metadata": {}}
    Volume.objects.update(status="available")
    in_xml.ok("POST", f"{path}/action", {"os-reserve": None}, status=202)
    in_xml.ok("POST", f"{path}/action", {"os-unreserve": {}}, status=202)
    answer = in_xml("DELETE", path)
    assert (answer.status_code, answer.content) == (202, b"")


def test_people_may_leave_the_types_out(as_member):
    raw = b"<volume>\n <size>1</size>\n <metadata><k>v</k></metadata>\n</volume>"
    answer = as_member("POST", "/volumes", raw=raw, content_type=XML)
    assert answer.status_code == 202
    assert (answer["Content-Type"], answer.json()["volume"]["size"]) == ("application/json", 1)


def test_a_snapshot_is_made_and_its_metadata_changed(in_xml, on_storage):
    volume = on_storage()
    made = in_xml.ok("POST", "/snapshots", {"snapshot": {"volume_id": str(volume.pk), "force": True}}, status=202)
    path = f"/snapshots/{made['snapshot']['id']}"
    assert in_xml.ok("POST", f"{path}/metadata", {"metadata": {"1 2": "3"}}) == {"metadata": {"1 2": "3"}}
    assert in_xml.ok("GET", path)["snapshot"]["metadata"] == {"1 2": "3"}


def test_a_host_is_told_how_to_connect(db, admin, worker, on_storage):
    in_xml, in_json = Calls(admin, in_xml=True), Calls(admin)
    asked = {"attachment": {"volume_uuid": str(on_storage().pk), "connector": {"host": "h", "multipath": False}}}
    made = in_xml.ok("POST", "/attachments", asked)["attachment"]
    assert made["connection_info"]
    shown = in_json.ok("GET", f"/attachments/{made['id']}")["attachment"]
    assert made["connection_info"] == shown["connection_info"]
    assert in_xml.ok("DELETE", f"/attachments/{made['id']}") == {"attachments": []}


def test_types_and_quotas_are_administered(in_xml, admin):
    asked = {"volume_type": {"name": "fast", "extra_specs": {"multiattach": "<is> True", "a:b": "1"}}}
    made = in_xml.ok("POST", "/types", asked)["volume_type"]
    assert made["extra_specs"] == {"multiattach": "<is> True", "a:b": "1"}
    assert in_xml.ok("GET", f"/types/{made['id']}/extra_specs/a:b") == {"a:b": "1"}
    path = f"/os-quota-sets/{admin.project_id}"
    assert in_xml.ok("PUT", path, {"quota_set": {"volumes": 7, "volumes_fast": -1}})["quota_set"]["volumes_fast"] == -1
    usage = in_xml.ok("GET", f"{path}?usage=true")["quota_set"]["volumes"]
    assert usage == {"limit": 7, "in_use": 0, "reserved": 0}


# --- refusals ----------------------------------------------------------------------------------------------------


def test_errors_are_told_in_xml_wherever_they_come_from(in_xml, as_nobody, member):
    assert in_xml.refused("GET", NOWHERE)[:2] == (404, "itemNotFound")
    assert in_xml.refused("POST", "/volumes", {"volume": {"size": 0}})[:2] == (400, "badRequest")
    assert in_xml.refused("GET", "/volumes", version="3.99")[:2] == (406, "computeFault")
    assert Calls(member, in_xml=True).refused("GET", "/os-services")[:2] == (403, "forbidden")
    nobody = as_nobody("GET", "/volumes", headers=ASKED)
    assert (nobody.status_code, said(nobody)["error"]["code"]) == (401, 401)
    for answer in (in_xml("GET", "/nothing"), in_xml.client.get("/elsewhere", headers=ASKED)):
        assert (answer.status_code, answer["Content-Type"]) == (404, LABEL)
        assert said(answer)["title"] == "Not Found"


def test_a_fault_of_the_server_is_told_in_xml(in_xml, settings):
    settings.API_MAX_LIMIT = "no number"
    assert in_xml.refused("GET", "/volumes")[:2] == (500, "computeFault")


def test_a_quota_that_is_reached_is_told_in_xml(db, member):
    calls = Calls(member, in_xml=True)
    VolumeFactory.create_batch(10, project_id=member.project_id)
    assert calls.refused("POST", "/volumes", {"volume": {"size": 1}})[:2] == (413, "overLimit")


def test_a_body_that_is_too_large_is_refused_unread(as_member):
    answer = as_member("POST", "/volumes", raw=b"<a>" * 40_000, content_type=XML, headers=ASKED)
    assert (answer.status_code, answer["Content-Type"]) == (413, LABEL)
    assert said(answer)["title"] == "Request Entity Too Large"


@pytest.mark.parametrize(
    ("raw", "content_type", "reason"),
    [
        (b"<volume><size>1</volume>", XML, "it is not well-formed XML (mismatched tag: line 1, column 17)."),
        (b"<!DOCTYPE a><a/>", XML, "document types and entities are not read."),
        (b"<a>" * 101, XML, "it is nested deeper than 100 elements."),
        ("<a>é</a>".encode("latin-1"), XML, "it is not UTF-8."),
        (b"<a/>", "application/xml; charset=latin-1", "only UTF-8 is read."),
        (b'<a escaped="true">\\u0000</a>', XML, "it contains characters that cannot be kept."),
        (b'<a escaped="true">\\ud800</a>', XML, "it contains characters that cannot be kept."),
        (b"", XML, None),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(as_member, raw, content_type, reason):
    code, name, message = as_member.refused("POST", "/volumes", raw=raw, content_type=content_type)
    assert (code, name) == (400, "badRequest")
    assert reason is None or message == f"Malformed request body: {reason}"


def test_a_body_says_the_same_in_either_form(as_member):
    for body in (
        {"volume": {"size": "x"}},
        {"volume": []},
        {"volume": {"size": 1, "y": 1}},
        {"a": 1, "b": 2},
        [],
        None,
    ):
        in_json = as_member.refused("POST", "/volumes", body, raw=None if body is not None else b"null")
        assert as_member.refused("POST", "/volumes", raw=elements.written(body), content_type=XML) == in_json


def test_deleting_with_a_body_in_xml_is_refused(as_member):
    assert as_member.refused("DELETE", NOWHERE, raw=b"<a/>", content_type=XML)[0] == 400


# --- who gets it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "label"),
    [
        ("application/xml", LABEL),
        ("APPLICATION/XML; charset=utf-8", LABEL),
        ("application/json;q=0.5, application/xml", LABEL),
        ("application/xml;q=0.5, application/json", "application/json"),
        ("*/*, application/xml;q=0.9", "application/json"),
        ("application/xml;q=0", "application/json"),
        ("text/xml", "application/json"),
        ("application/atom+xml", "application/json"),
    ],
)
def test_only_who_asks_for_it_by_name_gets_xml(as_member, accept, label):
    assert as_member("GET", "/volumes", headers={"Accept": accept, "X-Auth-Token": "t"})["Content-Type"] == label


def test_an_empty_answer_is_labelled_as_it_was_asked_for(in_xml):
    volume_type = VolumeTypeFactory(is_public=False)
    body = {"addProjectAccess": {"project": "c" * 32}}
    answer = in_xml("POST", f"/types/{volume_type.pk}/action", body)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (202, b"", XML)


def test_the_document_of_the_api_stays_json(client, db):
    assert client.get("/openapi.json", headers=ASKED)["Content-Type"].startswith("application/json")


def test_the_tag_of_metadata_is_the_same_in_either_form(in_xml, as_admin):
    path = f"/volumes/{VolumeFactory(metadata={'k': 'v'}).pk}/metadata"
    assert in_xml("GET", path)["ETag"] == as_admin("GET", path)["ETag"]
