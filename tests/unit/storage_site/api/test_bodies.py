"""Contract 00, sections 3 and 6: which bodies are read, and what refusals look like."""

import json

import pytest
from django.core.exceptions import TooManyFieldsSent
from django.db import OperationalError
from django.http import UnreadablePostError

from storage_site.api.errors import answer_for

GENERIC = "The server could not comply with the request since it is either malformed or otherwise incorrect."
BLANK = {"volume": {"size": 1}}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/vnd.openstack.volume+json",
    ],
)
def test_json_is_read_under_both_of_its_names(as_member, content_type):
    answer = as_member("POST", "/volumes", raw=json.dumps(BLANK).encode(), content_type=content_type)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"],
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_body_of_another_type_is_refused_whatever_the_call(as_member, method, content_type):
    path = "/volumes" if method != "DELETE" else "/volumes/00000000-0000-0000-0000-000000000000"
    answer = as_member.client.generic(method, f"/v3{path}", b"size=1", content_type=content_type)
    assert answer.status_code == 415
    assert answer.json() == {"badMediaType": {"code": 415, "message": "Unsupported Content-Type"}}


@pytest.mark.parametrize(
    "raw",
    [
        b"{nope",
        b"{",
        b"\xff\xfe",
        b'{"volume": {"size": NaN}}',
        b'{"volume": {"size": Infinity}}',
        b'{"volume": {"size": 1, "name": "a\\u0000b"}}',
        b'{"volume": {"size": 1, "metadata": {"a": "\\ud800"}}}',
        b'{"volume": {"size": ' + b"1" * 5000 + b"}}",
        b"[" * 100_000,
    ],
    ids=["words", "open", "bytes", "nan", "infinity", "nul", "surrogate", "digits", "depth"],
)
def test_a_body_that_is_no_json_is_malformed(as_member, raw):
    assert as_member.refused("POST", "/volumes", raw=raw) == (400, "badRequest", "Malformed request body")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"null", "None is not of type 'object'"),
        (b"[1]", "[1] is not of type 'object'"),
        (b'"x"', "'x' is not of type 'object'"),
        (b"{}", "'volume' is a required property"),
        (b'{"volume": 1}', "Invalid input for field/attribute volume. Value: 1. 1 is not of type 'object'"),
        (b'{"volume": null}', "Invalid input for field/attribute volume. Value: None. None is not of type 'object'"),
        (b'{"volume": {"size": 1}, "x": 1}', "Additional properties are not allowed ('x' was unexpected)"),
        (b'{"volume": {}}', GENERIC),
    ],
)
def test_a_body_of_another_shape_is_refused_with_the_reason(as_member, body, message):
    assert as_member.refused("POST", "/volumes", raw=body, version="3.0") == (400, "badRequest", message)


@pytest.mark.parametrize("content_type", ["application/json", ""])
def test_a_post_without_a_body_is_refused_and_no_fault_of_the_server(as_member, content_type):
    answer = as_member.client.generic("POST", "/v3/volumes", b"", content_type=content_type)
    assert answer.status_code == 400
    answer = as_member.client.generic("POST", "/v3/volumes", b'{"volume": {"size": 1}}', content_type="")
    assert answer.status_code == 400


def test_deleting_with_a_json_body_is_refused(as_member):
    path = "/volumes/00000000-0000-0000-0000-000000000000"
    assert as_member.refused("DELETE", path, {}) == (400, "badRequest", GENERIC)


def test_unknown_members_are_refused_from_3_53_and_ignored_below(as_member):
    as_member.ok("POST", "/volumes", {"volume": {"size": 1, "x": 1}}, version="3.52", status=202)
    code, name, message = as_member.refused("POST", "/volumes", {"volume": {"size": 1, "x": 1}}, version="3.53")
    assert (code, name) == (400, "badRequest")
    assert message == (
        "Invalid input for field/attribute volume. Value: {'size': 1, 'x': 1}. "
        "Additional properties are not allowed ('x' was unexpected)"
    )


def test_a_body_that_is_too_large_is_refused_before_anybody_asks_for_a_token(as_nobody):
    answer = as_nobody("POST", "/volumes", {"volume": {"size": 1, "description": "x" * 114_688}})
    assert answer.status_code == 413
    assert answer.json()["code"] == "413 Request Entity Too Large"
    assert answer.json()["title"] == "Request Entity Too Large"
    assert "OpenStack-API-Version" not in answer
    assert "Retry-After" not in answer
    assert answer["x-openstack-request-id"].startswith("req-")


def test_a_long_value_is_not_repeated_in_full(as_member):
    message = as_member.refused("POST", "/volumes", {"volume": {"size": "x" * 50_000}})[2]
    assert len(message) < 5_000


def test_the_answer_comes_under_the_name_that_the_client_asked_for(as_member):
    for accept, content_type in (
        ("application/vnd.openstack.volume+json", "application/vnd.openstack.volume+json"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/plain", "application/json"),
        ("application/xml;q=nonsense", "application/json"),
        ("", "application/json"),
    ):
        answer = as_member("GET", "/volumes", headers={"Accept": accept})
        assert answer["Content-Type"] == content_type


def test_a_program_with_a_token_never_gets_a_page(as_member):
    answer = as_member("GET", "/volumes", headers={"Accept": "text/html", "X-Auth-Token": "any"})
    assert answer["Content-Type"] == "application/json"


def test_a_fault_of_the_server_says_nothing_of_its_cause_and_is_logged(as_member, caplog, settings):
    settings.API_MAX_LIMIT = "a secret that is no number"
    answer = as_member("GET", "/volumes")
    assert answer.status_code == 500
    message = "The server has either erred or is incapable of performing the requested operation."
    assert answer.json() == {"computeFault": {"code": 500, "message": message}}
    assert answer["OpenStack-API-Version"] == "volume 3.71"
    assert "a secret" in caplog.text


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (OperationalError("password=hunter2"), 503),
        (TooManyFieldsSent("hunter2"), 400),
        (UnreadablePostError("hunter2"), 400),
        (KeyError("hunter2"), 500),
    ],
)
def test_failures_beside_the_call_have_an_answer_without_details(failure, status):
    answer = answer_for(failure, {})
    assert answer.status_code == status
    assert "hunter2" not in str(answer.data)
