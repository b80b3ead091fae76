"""What KeystoneAuthentication makes of real tokens, and of a Keystone that is away."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from django.test import RequestFactory
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from storage_site.errors import Unavailable
from storage_site.identity import keystone
from storage_site.identity.keystone import KeystoneAuthentication
from tests.keystones import SERVICE_PROJECT
from tests.waiting import until

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@pytest.fixture(autouse=True)
def believed(cloud, celinder, settings):
    """Believe the Keystone that runs, from the beginning."""
    settings.KEYSTONE = {
        **settings.KEYSTONE,
        "url": cloud.url,
        "public_url": cloud.url,
        "user": celinder.name,
        "password": celinder.password,
        "cache_s": 300,
    }
    forget()
    yield settings.KEYSTONE
    forget()


def forget():
    keystone._door.cache_clear()
    keystone._answers.forget()


def caller_of(token, service_token="", method="get", path="/v3/volumes"):
    headers = {"X-Auth-Token": token} | ({"X-Service-Token": service_token} if service_token else {})
    request = getattr(RequestFactory(), method)(path, headers=headers)
    answer = KeystoneAuthentication().authenticate(Request(request))
    return answer and answer[0]


def short_lived(cloud, person, seconds, **other):
    """Return a token that ends after some seconds: one had by an application credential that does."""
    her, ends = cloud.cloud(person), datetime.now(UTC) + timedelta(seconds=seconds)
    made = her.identity.create_application_credential(
        her.current_user_id, f"until {ends}", expires_at=ends.strftime("%Y-%m-%dT%H:%M:%S.%f"), **other
    )
    identity = {
        "methods": ["application_credential"],
        "application_credential": {"id": made.id, "secret": made.secret},
    }
    answer = requests.post(f"{cloud.url}/auth/tokens", json={"auth": {"identity": identity}}, timeout=60)
    assert answer.status_code == requests.codes.created, answer.text
    return answer.headers["X-Subject-Token"], datetime.fromisoformat(answer.json()["token"]["expires_at"])


def is_refused(token, **other):
    try:
        caller_of(token, **other)
    except AuthenticationFailed:
        return True
    return False


def test_a_caller_is_who_the_token_says(cloud, alice):
    caller = caller_of(cloud.token(alice))
    her = cloud.cloud(alice)
    assert (caller.user_id, caller.project_id) == (her.current_user_id, her.current_project_id)
    assert caller.user_name == "alice"
    assert caller.roles >= {"member"}
    assert (caller.is_admin, caller.may_write, caller.is_service) == (False, True, False)
    assert caller_of(cloud.token(cloud.admin)).is_admin


def test_nobody_is_asked_where_there_is_no_token():
    assert caller_of("") is None


def test_an_expired_token_is_refused_also_where_the_answer_was_kept(cloud, alice):
    token, ends = short_lived(cloud, alice, 3)
    assert caller_of(token).user_name == "alice"
    assert not is_refused(token) or datetime.now(UTC) >= ends
    until(lambda: datetime.now(UTC) >= ends, "the end of the token")
    assert is_refused(token)
    forget()
    assert is_refused(token)


def test_a_service_acts_for_a_user_whose_token_has_just_expired(cloud, alice, nova):
    token, ends = short_lived(cloud, alice, 2)
    until(lambda: datetime.now(UTC) >= ends, "the end of the token")
    assert is_refused(token)
    caller = caller_of(token, service_token=cloud.token(nova))
    assert (caller.user_name, caller.is_service) == ("alice", True)
    assert is_refused(token)


def test_a_service_token_counts_only_if_it_is_one(cloud, alice, bob, nova):
    assert caller_of(cloud.token(alice), service_token=cloud.token(nova)).is_service
    assert is_refused(cloud.token(alice), service_token=cloud.token(bob))
    assert is_refused(cloud.token(alice), service_token="wrong")
    assert is_refused("wrong", service_token=cloud.token(nova))


def test_access_rules_of_an_application_credential_hold(cloud, here, alice):
    rule = {"method": "GET", "path": "/v3/volumes", "service": "block-storage"}
    token, _ = short_lived(cloud, alice, 300, access_rules=[rule])
    assert caller_of(token).user_name == "alice"
    assert is_refused(token, method="post")
    assert is_refused(token, path="/v3/snapshots")


def test_what_was_answered_lately_counts_while_keystone_is_away_and_everything_else_has_to_wait(cloud, alice, bob):
    seen, unseen = cloud.token(alice), cloud.token(bob)
    assert caller_of(seen).user_name == "alice"
    cloud.server.stop()
    try:
        assert caller_of(seen).user_name == "alice"
        with pytest.raises(Unavailable, match="Keystone service cannot be reached"):
            caller_of(unseen)
        forget()
        with pytest.raises(Unavailable):
            caller_of(seen)
    finally:
        cloud.server.start()
    assert caller_of(unseen).user_name == "bob"


def test_no_answer_is_kept_where_none_shall_be(cloud, alice, believed):
    believed["cache_s"] = 0
    token = cloud.token(alice)
    assert caller_of(token).user_name == "alice"
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    requests.delete(f"{cloud.url}/auth/tokens", headers=headers, timeout=60).raise_for_status()
    assert is_refused(token)


@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"project": "nowhere"}, {"interface": "none"}, {"region": "no"}]
)
def test_settings_that_keystone_does_not_accept_are_no_fault_of_the_client(wrong, cloud, alice, believed):
    believed.update(wrong)
    forget()
    with pytest.raises(Unavailable):
        caller_of(cloud.token(alice))


def test_neither_password_nor_token_is_logged(cloud, celinder, alice, caplog):
    caplog.set_level("DEBUG")
    token = cloud.token(alice)
    caplog.clear()
    assert caller_of(token).user_name == "alice"
    assert is_refused(f"{token}x")
    assert "Authorization failed for token" in caplog.text
    assert celinder.password not in caplog.text
    assert token not in caplog.text


def test_the_service_user_needs_no_more_than_the_role_of_a_service(cloud, celinder):
    assert celinder.project == SERVICE_PROJECT
    assert caller_of(cloud.token(celinder)).roles == {"service"}
