"""The token call: who gets a token, for what, and who does not."""

import json
import logging
import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from storage_site.identity import services

pytestmark = pytest.mark.django_db

DEFAULT = {"id": "default"}


class CountingHasher(MD5PasswordHasher):
    """Counts how often it worked."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password, salt):
        type(self).hashed += 1
        return super().encode(password, salt)


@pytest.mark.parametrize("domain", [{"id": "default"}, {"name": "Default"}])
def test_by_name_and_domain_and_for_a_project_by_name_and_domain(alice, call, domain):
    scope = {"project": {"name": "alices", "domain": domain}}
    answer = call.log_in(alice, scope=scope, name="alice", domain=domain)
    assert answer.status_code == 201
    assert answer.json()["token"]["project"] == {
        "id": alice.project.id,
        "name": "alices",
        "domain": {"id": "default", "name": "Default"},
    }


def test_the_body_is_keystones(alice, call):
    answer = call.log_in(alice)
    token = answer.json()["token"]
    catalog = {service["type"]: service for service in token.pop("catalog")}
    issued, expires = token.pop("issued_at"), token.pop("expires_at")
    (audit_id,) = token.pop("audit_ids")
    (role,) = token.pop("roles")
    domain = {"id": "default", "name": "Default"}
    assert token == {
        "methods": ["password"],
        "user": {"id": alice.user.id, "name": "alice", "domain": domain, "password_expires_at": None},
        "project": {"id": alice.project.id, "name": "alices", "domain": domain},
        "is_domain": False,
    }
    assert role["name"] == "member"
    assert len(audit_id) == 22
    assert re.fullmatch(r"....-..-..T..:..:..\.\d{6}Z", issued)
    assert datetime.fromisoformat(expires) - datetime.fromisoformat(issued) == timedelta(hours=1)
    assert set(catalog) == {"block-storage", "volumev3", "identity"}
    for kind in ("block-storage", "volumev3"):
        assert [(one["interface"], one["url"]) for one in catalog[kind]["endpoints"]] == [
            (interface, f"http://testserver/v3/{alice.project.id}") for interface in ("public", "internal", "admin")
        ]
        assert {one["region"] for one in catalog[kind]["endpoints"]} == {"RegionOne"}
    assert answer["Vary"] == "X-Auth-Token"
    assert answer["X-Subject-Token"]


def test_the_catalog_is_left_out_when_asked(alice, call):
    identity = {"methods": ["password"], "password": {"user": {"id": alice.user.id, "password": alice.password}}}
    answer = call.authenticate(identity, {"project": {"id": alice.project.id}}, query="?nocatalog")
    assert "catalog" not in answer.json()["token"]


def test_the_catalog_shows_the_address_the_client_came_to_through_a_proxy(alice, call):
    identity = {"methods": ["password"], "password": {"user": {"id": alice.user.id, "password": alice.password}}}
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "elsewhere", "Host": "storage.example"}
    answer = call.authenticate(identity, {"project": {"id": alice.project.id}}, headers=headers)
    assert answer.json()["token"]["catalog"][0]["endpoints"][0]["url"].startswith("https://storage.example/v3/")


def test_the_catalog_shows_the_configured_address(alice, call, settings):
    settings.PUBLIC_ENDPOINT = "https://storage.example/cloud/"
    catalog = call.log_in(alice).json()["token"]["catalog"]
    assert catalog[0]["endpoints"][0]["url"] == f"https://storage.example/cloud/v3/{alice.project.id}"


@pytest.mark.parametrize("scope", [None, "unscoped", {"unscoped": {}}])
def test_without_a_scope_the_token_is_for_no_project(alice, call, scope):
    token = call.log_in(alice, scope=scope).json()["token"]
    assert not {"project", "roles", "catalog"} & set(token)


def test_without_a_scope_the_default_project_counts(alice, call):
    services.update_user(user=alice.user, default_project_id=alice.project.id)
    assert call.log_in(alice, scope=None).json()["token"]["project"]["id"] == alice.project.id
    assert "project" not in call.log_in(alice, scope="unscoped").json()["token"]


def test_a_default_project_without_a_role_does_not_count(alice, root, call):
    services.update_user(user=alice.user, default_project_id=root.project.id)
    assert "project" not in call.log_in(alice, scope=None).json()["token"]


@pytest.mark.parametrize("scope", [{"system": {"all": True}}, {"domain": {"id": "default"}}, {"OS-TRUST:trust": {}}])
def test_a_scope_that_is_not_supported_is_refused_clearly(alice, call, scope):
    answer = call.log_in(alice, scope=scope)
    assert answer.status_code == 400
    assert "not supported; scope to a project" in answer.json()["error"]["message"]


def test_a_project_without_a_role_is_refused_like_one_that_does_not_exist(alice, root, call):
    answers = [
        call.log_in(alice, scope={"project": {"id": root.project.id}}),
        call.log_in(alice, scope={"project": {"id": "0" * 32}}),
        call.log_in(alice, scope={"project": {"name": "roots", "domain": DEFAULT}}),
        call.log_in(alice, scope={"project": {"name": "alices", "domain": {"id": "elsewhere"}}}),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}


def test_every_wrong_log_in_gets_the_same_answer(alice, call, settings):
    settings.LOGIN_FAILURES = 1000
    services.create_user(name="nobody")
    services.update_user(user=services.create_user(name="gone", password=alice.password), is_active=False)
    asked = [
        {"name": "alice", "domain": DEFAULT, "password": "wrong"},
        {"name": "alice", "domain": {"id": "elsewhere"}, "password": alice.password},
        {"name": "unknown", "domain": DEFAULT, "password": alice.password},
        {"name": "nobody", "domain": DEFAULT, "password": ""},
        {"name": "nobody", "domain": DEFAULT, "password": "!"},
        {"name": "gone", "domain": DEFAULT, "password": alice.password},
        {"id": alice.user.id, "password": "wrong"},
        {"id": "0" * 32, "password": alice.password},
        {"id": "not an id", "password": alice.password},
    ]
    asked = [user for user in asked if user["password"]]
    answers = [call.authenticate({"methods": ["password"], "password": {"user": user}}) for user in asked]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].json() == {
        "error": {
            "code": 401,
            "title": "Unauthorized",
            "message": "The request you have made requires authentication.",
        }
    }
    assert answers[0]["WWW-Authenticate"] == 'Keystone uri="http://testserver/identity/v3"'


def test_an_unknown_user_costs_the_same_hashing_and_writing_as_a_wrong_password(alice, call, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    services.set_password(user=alice.user, password=alice.password)
    costs = []
    for number, user in enumerate(({"name": "alice"}, {"name": "unknown"})):
        CountingHasher.hashed = 0
        identity = {"methods": ["password"], "password": {"user": {"password": "wrong", **user}}}
        with CaptureQueriesContext(connection) as queries:
            call.authenticate(identity, REMOTE_ADDR=f"192.0.2.{number}")
        costs.append((CountingHasher.hashed, [query["sql"].split()[0] for query in queries.captured_queries]))
    assert costs[0] == costs[1]
    assert costs[0][0] == 1


def test_a_token_makes_another_that_does_not_outlive_it(alice, call):
    other = services.create_project(name="other")
    services.grant(user=alice.user, project=other, role="reader")
    first = call.log_in(alice, scope="unscoped")
    identity = {"methods": ["token"], "token": {"id": first["X-Subject-Token"]}}
    second = call.authenticate(identity, {"project": {"id": other.id}})
    before, after = first.json()["token"], second.json()["token"]
    assert second.status_code == 201
    assert after["expires_at"] == before["expires_at"]
    assert after["methods"] == ["password", "token"]
    assert after["audit_ids"] == [after["audit_ids"][0], before["audit_ids"][0]]
    assert [role["name"] for role in after["roles"]] == ["reader"]


def test_a_revoked_token_makes_no_other_even_where_it_was_looked_up_a_moment_ago(alice, call):
    text = call.token(alice)
    # The transaction of a test does not commit, so this process still remembers the token, as another one would.
    assert call("delete", "/auth/tokens", text, X_Subject_Token=text).status_code == 204
    assert call("get", "/auth/projects", text).status_code == 200
    assert call.authenticate({"methods": ["token"], "token": {"id": text}}).status_code == 401


def test_two_methods_must_recognise_the_same_user(alice, root, call):
    identity = {
        "methods": ["password", "token"],
        "password": {"user": {"id": alice.user.id, "password": alice.password}},
        "token": {"id": call.token(root)},
    }
    assert call.authenticate(identity).status_code == 401
    identity["token"] = {"id": call.token(alice)}
    assert call.authenticate(identity).status_code == 201


def test_a_bad_token_sent_along_does_not_keep_anybody_from_logging_in(alice, call):
    identity = {"methods": ["password"], "password": {"user": {"id": alice.user.id, "password": alice.password}}}
    assert call.authenticate(identity, headers={"X-Auth-Token": "stale"}).status_code == 201


@pytest.mark.parametrize(
    "auth",
    [
        None,
        {},
        [],
        {"identity": {}},
        {"identity": {"methods": []}},
        {"identity": {"methods": "password"}},
        {"identity": {"methods": ["password"]}},
        {"identity": {"methods": ["password"], "password": {"user": {"password": "x"}}}},
        {"identity": {"methods": ["password"], "password": {"user": {"name": "a\0b", "password": "x"}}}},
        {"identity": {"methods": ["password"], "password": {"user": {"name": "\ud800", "password": "x"}}}},
        {"identity": {"methods": ["password"], "password": {"user": {"name": ["x"], "password": "x"}}}},
        {"identity": {"methods": ["token"], "token": "x"}},
        {"identity": {"methods": ["token"], "token": {"id": "x"}}, "scope": []},
        {"identity": {"methods": ["token"], "token": {"id": "x"}}, "scope": {"project": {}}},
        {"identity": {"methods": ["token"], "token": {"id": "x"}}, "scope": {"project": "x"}},
    ],
)
def test_a_malformed_request_is_refused_with_the_reason(auth, call, db):
    answer = call("post", "/auth/tokens", body=json.dumps({"auth": auth}))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert answer.json()["error"]["title"] == "Bad Request"


@pytest.mark.parametrize("body", ["", "{", "[" * 50000, "null", "[]", '"auth"', b"\xff"])
def test_what_is_no_json_object_is_refused(body, call, db):
    assert call("post", "/auth/tokens", body=body).status_code == 400


def test_an_unknown_method_is_refused(call, db):
    assert call.authenticate({"methods": ["magic"], "magic": {}}).status_code == 401


def test_neither_tokens_nor_passwords_reach_the_log(alice, call, caplog):
    caplog.set_level(logging.DEBUG)
    text = call.token(alice)
    call("get", "/auth/projects", text[:-1])
    call("get", "/auth/tokens", text, X_Subject_Token=text[:-2])
    call("delete", "/auth/tokens", text, X_Subject_Token=text)
    call.authenticate({"methods": ["password"], "password": {"user": {"name": "alice", "password": "hunter2hunter2"}}})
    everything = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert text[:30] not in everything
    assert "hunter2" not in everything
    assert alice.password not in everything
