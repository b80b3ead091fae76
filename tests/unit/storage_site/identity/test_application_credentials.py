"""Application credentials: who makes them, what they log in for, and what ends them."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from storage_site.errors import InvalidRequest
from storage_site.identity import services
from storage_site.identity.errors import Unauthenticated
from storage_site.identity.models import ApplicationCredential, LoginFailures, role_id
from storage_site.identity.tokens import RecentLookUps

pytestmark = pytest.mark.django_db
UNKNOWN = "0" * 32
MEMBER, READER = {"name": "member"}, {"id": role_id("reader")}


@pytest.fixture
def reads_too(alice):
    """Let alice be a reader besides."""
    services.grant(user=alice.user, project=alice.project, role="reader")
    return alice


def path_of(someone, credential_id=""):
    return f"/users/{someone.user.id}/application_credentials" + (credential_id and f"/{credential_id}")


def make(call, someone, token="", **members):
    body = {"application_credential": {"name": "robot", **members}}
    return call("post", path_of(someone), token or call.token(someone), body)


# --- making them -----------------------------------------------------------------------------------------------


def test_its_maker_sees_its_secret_once_and_nobody_again(alice, root, call):
    answer = make(call, alice, description="backs up", expires_at="2036-01-01T00:00:00")
    assert answer.status_code == 201
    made = answer.json()["application_credential"]
    secret = made.pop("secret")
    assert len(secret) >= 43
    assert made == {
        "id": made["id"],
        "name": "robot",
        "description": "backs up",
        "user_id": alice.user.id,
        "project_id": alice.project.id,
        "roles": [{"id": role_id("member"), "name": "member", "domain_id": None}],
        "unrestricted": False,
        "expires_at": "2036-01-01T00:00:00.000000Z",
        "access_rules": None,
        "links": {"self": f"http://testserver/identity/v3{path_of(alice, made['id'])}"},
    }
    for someone in (alice, root):
        token = call.token(someone)
        assert call("get", path_of(alice, made["id"]), token).json() == {"application_credential": made}
        assert call("get", path_of(alice), token).json()["application_credentials"] == [made]
    assert secret not in str(ApplicationCredential.objects.values().get())


def test_it_takes_the_roles_that_it_is_given_or_all_of_the_token(reads_too, call):
    def roles(**members):
        made = make(call, reads_too, **members).json()["application_credential"]
        return sorted(role["name"] for role in made["roles"])

    assert roles(name="all") == roles(name="none named", roles=[]) == ["member", "reader"]
    assert roles(name="some", roles=[READER]) == ["reader"]
    assert roles(name="both", roles=[READER, MEMBER]) == ["member", "reader"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"roles": [{"name": "admin"}]},
        {"roles": [{"name": "no such role"}]},
        {"roles": [{"id": UNKNOWN}]},
        {"roles": [{}]},
        {"roles": "member"},
        {"name": ""},
        {"name": None},
        {"name": "n" * 256},
        {"expires_at": "2020-01-01T00:00:00"},
        {"expires_at": "tomorrow"},
        {"unrestricted": "perhaps"},
        {"access_rules": [{"method": "GET", "path": "/v3", "service": "block-storage"}]},
    ],
)
def test_what_cannot_hold_is_refused(wrong, alice, call):
    answer = make(call, alice, **wrong)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["message"]
    assert not ApplicationCredential.objects.exists()


def test_a_name_is_taken_once_by_each_user(alice, root, call):
    assert [make(call, someone).status_code for someone in (alice, alice, root)] == [201, 409, 201]


def test_nobody_makes_one_for_another_not_even_an_administrator(alice, root, call):
    assert make(call, alice, token=call.token(root)).status_code == 403
    assert make(call, root, token=call.token(alice)).status_code == 403


def test_a_token_for_no_project_makes_none(alice, call):
    assert make(call, alice, token=call.log_in(alice, scope="unscoped")["X-Subject-Token"]).status_code == 403


def test_roles_that_the_user_does_not_hold_there_are_refused_to_every_maker(alice, root, credential_of):
    for roles in ([], ["admin"], ["member", "admin"]):
        with pytest.raises(InvalidRequest, match="only roles that the user holds"):
            credential_of(alice, roles=roles)
    with pytest.raises(InvalidRequest, match="only roles that the user holds"):
        credential_of(alice, project=root.project)


# --- looking at them, removing them ----------------------------------------------------------------------------


def test_a_list_is_narrowed_by_name(alice, call, credential_of):
    for name in ("one", "two"):
        credential_of(alice, name=name)
    answer = call("get", f"{path_of(alice)}?name=two", call.token(alice))
    assert [row["name"] for row in answer.json()["application_credentials"]] == ["two"]


def test_another_member_neither_sees_nor_removes_them(alice, nova, call, credential_of):
    credential, _ = credential_of(alice)
    token = call.token(nova)
    for method, path in (("get", path_of(alice)), ("get", path_of(alice, credential.id))):
        assert call(method, path, token).status_code == 403
    assert call("delete", path_of(alice, credential.id), token).status_code == 403
    # An id does not open the door of another user's list.
    assert call("get", path_of(nova, credential.id), token).status_code == 404
    assert ApplicationCredential.objects.exists()


@pytest.mark.parametrize("who", ["alice", "root"])
def test_its_user_and_administrators_remove_it(who, alice, root, call, credential_of):
    credential, secret = credential_of(alice)
    token = call.token({"alice": alice, "root": root}[who])
    assert call("delete", path_of(alice, credential.id), token).status_code == 204
    assert call("delete", path_of(alice, credential.id), token).status_code == 404
    assert call.log_in_with(credential, secret).status_code == 401


# --- logging in ------------------------------------------------------------------------------------------------


def test_a_log_in_has_the_project_and_the_roles_of_the_credential(reads_too, call, credential_of):
    credential, secret = credential_of(reads_too, roles=["reader"])
    answer = call.log_in_with(credential, secret)
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert token["methods"] == ["application_credential"]
    assert token["project"]["id"] == reads_too.project.id
    assert [role["name"] for role in token["roles"]] == ["reader"]
    assert token["application_credential"] == {"id": credential.id, "name": "robot", "restricted": True}
    who = call.client.get("/who", headers={"X-Auth-Token": answer["X-Subject-Token"]}).json()
    assert (who["user_id"], who["roles"]) == (reads_too.user.id, ["reader"])


def test_a_log_in_names_it_by_its_name_and_its_user(alice, root, call, credential_of):
    credential, secret = credential_of(alice)
    users = [{"id": alice.user.id}, {"name": "alice", "domain": {"id": "default"}}, {"name": "alice"}]
    assert [call.log_in_with(credential, secret, name="robot", user=user).status_code for user in users] == [201] * 3
    others = [{"id": root.user.id}, {"name": "alice", "domain": {"id": "other"}}, {"name": "root"}]
    assert [call.log_in_with(credential, secret, name="robot", user=user).status_code for user in others] == [401] * 3


@pytest.mark.parametrize("members", [{}, {"name": "robot"}, {"user": {"name": "alice"}}, {"name": "robot", "user": {}}])
def test_a_log_in_that_names_none_is_malformed(members, alice, call, credential_of):
    _, secret = credential_of(alice)
    identity = {"methods": ["application_credential"], "application_credential": {"secret": secret, **members}}
    assert call.authenticate(identity).status_code == 400


@pytest.mark.parametrize("scope", [{"project": {"id": UNKNOWN}}, "unscoped", {"system": {"all": True}}, "own"])
def test_no_scope_can_be_asked_for(scope, alice, call, credential_of):
    credential, secret = credential_of(alice)
    asked = {"project": {"id": alice.project.id}} if scope == "own" else scope
    assert call.log_in_with(credential, secret, scope=asked).status_code == 401


def test_a_wrong_secret_an_unknown_id_and_a_disabled_user_are_alike(alice, call, credential_of):
    credential, secret = credential_of(alice)
    answers = [call.log_in_with(credential, "wrong"), call.log_in_with(credential, secret, id=UNKNOWN)]
    services.update_user(user=alice.user, is_active=False)
    answers.append(call.log_in_with(credential, secret))
    assert [answer.status_code for answer in answers] == [401] * 3
    assert len({answer.content for answer in answers}) == 1


def test_no_secret_is_logged(alice, call, credential_of, caplog):
    caplog.set_level(logging.DEBUG)
    credential, secret = credential_of(alice)
    call.log_in_with(credential, secret)
    call.log_in_with(credential, "a wrong secret")
    assert "log-in refused" in caplog.text
    assert secret not in caplog.text
    assert "a wrong secret" not in caplog.text


def test_failures_are_counted_and_do_not_lock_the_user_out(alice, call, credential_of, settings):
    settings.LOGIN_FAILURES = 2
    credential, secret = credential_of(alice)
    assert [call.log_in_with(credential, "wrong").status_code for _ in range(3)] == [401, 401, 429]
    answer = call.log_in_with(credential, secret)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert call.log_in(alice).status_code == 201
    LoginFailures.objects.all().delete()
    assert call.log_in_with(credential, secret).status_code == 201


def test_its_token_is_exchanged_for_no_other(alice, call, credential_of):
    credential, secret = credential_of(alice, is_unrestricted=True)
    text = call.log_in_with(credential, secret)["X-Subject-Token"]
    for scope in ({"project": {"id": alice.project.id}}, "unscoped", None):
        assert call.authenticate({"methods": ["token"], "token": {"id": text}}, scope).status_code == 403


# --- what it may do with others --------------------------------------------------------------------------------


def test_a_restricted_one_makes_and_removes_none(alice, call, credential_of):
    credential, secret = credential_of(alice)
    token = call.log_in_with(credential, secret)["X-Subject-Token"]
    assert make(call, alice, token=token, name="child").status_code == 403
    assert call("delete", path_of(alice, credential.id), token).status_code == 403
    assert call("get", path_of(alice, credential.id), token).status_code == 200


def test_an_unrestricted_one_makes_others_but_only_with_roles_of_its_own(reads_too, call, credential_of):
    credential, secret = credential_of(reads_too, roles=["reader"], is_unrestricted=True)
    token = call.log_in_with(credential, secret)["X-Subject-Token"]
    child = make(call, reads_too, token=token, name="child")
    assert [role["name"] for role in child.json()["application_credential"]["roles"]] == ["reader"]
    assert make(call, reads_too, token=token, name="stronger", roles=[MEMBER]).status_code == 400
    assert call("delete", path_of(reads_too, credential.id), token).status_code == 204


# --- what ends them --------------------------------------------------------------------------------------------


def test_it_ends_at_its_time_and_its_tokens_with_it(alice, call, credential_of):
    end = timezone.now() + timedelta(minutes=5)
    credential, secret = credential_of(alice, expires_at=end)
    token = call.log_in_with(credential, secret).json()["token"]
    assert datetime.fromisoformat(token["expires_at"]) == end
    ApplicationCredential.objects.update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert call.log_in_with(credential, secret).status_code == 401


END = {
    "deleted": lambda alice, credential: services.delete_application_credential(credential=credential),
    "user deleted": lambda alice, _credential: services.delete_user(user=alice.user),
    "user disabled": lambda alice, _credential: services.update_user(user=alice.user, is_active=False),
    "project deleted": lambda alice, _credential: services.delete_project(project=alice.project),
    "project disabled": lambda alice, _credential: services.update_project(project=alice.project, is_enabled=False),
    "role revoked": lambda alice, _credential: services.revoke(user=alice.user, project=alice.project, role="member"),
}


@pytest.mark.parametrize("how", END)
def test_what_ends_it_ends_its_tokens_within_5_s_in_every_process(how, alice, call, credential_of):
    credential, secret = credential_of(alice)
    known_as, text = credential.id, call.log_in_with(credential, secret)["X-Subject-Token"]
    seconds = 1000.0
    other_process = RecentLookUps(monotonic=lambda: seconds)
    assert other_process.valid(text).credential == credential
    END[how](alice, credential)
    seconds += 4.5
    with pytest.raises(Unauthenticated):
        other_process.valid(text)
    assert call.log_in_with(credential, secret, id=known_as).status_code == 401


def test_only_those_that_pass_a_revoked_role_on_end_with_it(reads_too, call, credential_of):
    kept, secret = credential_of(reads_too, name="reads", roles=["reader"])
    credential_of(reads_too, name="writes", roles=["member", "reader"])
    services.revoke(user=reads_too.user, project=reads_too.project, role="member")
    assert list(ApplicationCredential.objects.all()) == [kept]
    assert call.log_in_with(kept, secret).status_code == 201


def test_it_survives_another_password_but_its_tokens_do_not(
    alice, call, credential_of, django_capture_on_commit_callbacks
):
    credential, secret = credential_of(alice)
    text = call.log_in_with(credential, secret)["X-Subject-Token"]
    with django_capture_on_commit_callbacks(execute=True):
        services.set_password(user=alice.user, password="quite another one")
    assert call("get", "/auth/projects", text).status_code == 401
    assert call.log_in_with(credential, secret).status_code == 201
