"""Who a request is from: by its token, its service token, or the console's session."""

import pytest
from django.test import Client, RequestFactory

from storage_site.errors import NotFound
from storage_site.identity import services
from storage_site.identity.authentication import caller_of_session, choose_project

pytestmark = pytest.mark.django_db


def who(client, **headers):
    return client.get("/who", headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_token_makes_a_caller_who_knows_its_request(alice, call, client):
    answer = who(client, X_Auth_Token=call.token(alice))
    assert answer.json() == {
        "user_id": alice.user.id,
        "user_name": "alice",
        "project_id": alice.project.id,
        "roles": ["member"],
        "is_service": False,
        "request_id": answer["x-openstack-request-id"],
    }


@pytest.mark.parametrize("headers", [{}, {"X_Auth_Token": "bad"}, {"X_Auth_Token": ""}, {"X_Service_Token": "bad"}])
def test_without_a_valid_token_the_answer_is_the_token_middlewares(headers, client, db):
    answer = who(client, **headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Keystone uri="http://testserver/identity/v3"'
    assert answer.json()["error"]["message"] == "The request you have made requires authentication."


def test_a_service_token_beside_the_users_marks_the_call(alice, nova, call, client):
    caller = who(client, X_Auth_Token=call.token(alice), X_Service_Token=call.token(nova)).json()
    assert caller["is_service"]
    assert (caller["user_name"], caller["roles"]) == ("alice", ["member"])


def test_a_service_token_that_is_not_valid_refuses_the_call(alice, call, client):
    assert who(client, X_Auth_Token=call.token(alice), X_Service_Token="bad").status_code == 401


def test_the_token_of_somebody_who_is_no_service_does_not_serve_as_one(alice, root, call, client):
    assert who(client, X_Auth_Token=call.token(alice), X_Service_Token=call.token(root)).status_code == 401


def test_a_console_session_makes_a_caller_in_its_project(alice, client):
    client.force_login(alice.user)
    caller = who(client).json()
    assert (caller["user_name"], caller["project_id"], caller["roles"]) == ("alice", alice.project.id, ["member"])


def test_the_session_of_a_user_disabled_since_is_nobodys(alice, client):
    client.force_login(alice.user)
    services.update_user(user=alice.user, is_active=False)
    assert who(client).status_code == 401


def test_another_password_ends_the_sessions(alice, client):
    client.force_login(alice.user)
    services.set_password(user=alice.user, password="quite another one")
    assert who(client).status_code == 401


def test_a_token_counts_before_the_session(alice, root, call, client):
    client.force_login(root.user)
    assert who(client, X_Auth_Token=call.token(alice)).json()["user_name"] == "alice"
    assert who(client, X_Auth_Token="bad").status_code == 401


def test_a_session_changes_nothing_without_the_consoles_csrf_token(alice):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice.user)
    assert careful.post("/who").status_code == 403
    careful.cookies["csrftoken"] = "a" * 32
    form = {"data": {}, "content_type": "application/json"}
    assert careful.post("/who", **form, headers={"X-CSRFToken": "a" * 32}).status_code == 200


def test_a_token_needs_no_csrf_token(alice, call):
    careful = Client(enforce_csrf_checks=True)
    headers = {"X-Auth-Token": call.token(alice)}
    assert careful.post("/who", {}, content_type="application/json", headers=headers).status_code == 200


@pytest.fixture
def request_of(db):
    def make(user):
        request = RequestFactory().get("/")
        request.user, request.session = user, {}
        return request

    return make


def test_a_session_acts_where_its_user_chose_to(alice, request_of):
    request = request_of(alice.user)
    second = services.create_project(name="zebras")
    services.grant(user=alice.user, project=second, role="reader")
    assert caller_of_session(request).project_id == alice.project.id
    choose_project(request, second.id)
    assert caller_of_session(request).project_id == second.id
    services.revoke(user=alice.user, project=second, role="reader")
    assert caller_of_session(request).project_id == alice.project.id


def test_a_session_cannot_choose_a_project_without_a_role(alice, root, request_of):
    with pytest.raises(NotFound):
        choose_project(request_of(alice.user), root.project.id)


def test_a_session_prefers_the_default_project_then_one_it_administers(root, request_of):
    first = services.create_project(name="aardvarks")
    services.grant(user=root.user, project=first, role="member")
    assert caller_of_session(request_of(root.user)).project_id == root.project.id
    services.update_user(user=root.user, default_project_id=first.id)
    assert caller_of_session(request_of(root.user)).project_id == first.id


def test_a_session_of_a_user_without_any_project_may_do_nothing(request_of):
    caller = caller_of_session(request_of(services.create_user(name="lonely")))
    assert (caller.project_id, caller.roles) == ("", frozenset())
