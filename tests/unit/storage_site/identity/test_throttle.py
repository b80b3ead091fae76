"""Failed log-ins are counted for all processes together, and forgotten in time."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from storage_site.identity import services
from storage_site.identity.errors import TooManyAttempts
from storage_site.identity.models import LoginFailures
from storage_site.identity.throttle import Attempt, client_address

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(settings):
    settings.LOGIN_FAILURES, settings.LOGIN_WINDOW_S = 3, 60


def wrong(call, address="192.0.2.1", **user):
    identity = {"methods": ["password"], "password": {"user": {"password": "wrong", **user}}}
    return call.authenticate(identity, REMOTE_ADDR=address)


def right(call, someone, address="192.0.2.1"):
    identity = {
        "methods": ["password"],
        "password": {"user": {"name": someone.user.name, "password": someone.password}},
    }
    return call.authenticate(identity, REMOTE_ADDR=address)


def wind_forward(seconds):
    for row in LoginFailures.objects.all():
        row.window_ends_at -= timedelta(seconds=seconds)
        row.save()


def test_after_too_many_failures_even_the_right_password_has_to_wait(alice, call):
    assert [wrong(call, name="alice").status_code for _ in range(4)] == [401, 401, 401, 429]
    answer = right(call, alice)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer.json()["error"]["title"] == "Too Many Requests"


def test_the_wait_ends_with_the_window(alice, call):
    for _ in range(4):
        wrong(call, name="alice")
    wind_forward(61)
    assert right(call, alice).status_code == 201


def test_name_and_id_of_a_user_are_counted_together(alice, call):
    asked = [{"name": "alice"}, {"id": alice.user.id}, {"name": "alice"}, {"id": alice.user.id}]
    assert [wrong(call, **user).status_code for user in asked] == [401, 401, 401, 429]


def test_an_unknown_name_is_refused_as_a_known_one_is(call):
    assert [wrong(call, name="unknown").status_code for _ in range(4)] == [401, 401, 401, 429]


def test_one_address_cannot_try_many_names(call):
    answers = [wrong(call, name=f"name{number}").status_code for number in range(10)]
    assert answers == [401] * 9 + [429]


def test_one_address_cannot_lock_a_name_out_for_the_others(alice, call):
    for _ in range(20):
        wrong(call, name="alice", address="198.51.100.9")
    assert right(call, alice, address="192.0.2.1").status_code == 201


def test_a_name_cannot_be_tried_from_many_addresses(alice, call):
    answers = [wrong(call, name="alice", address=f"192.0.2.{number}").status_code for number in range(31)]
    assert answers == [401] * 30 + [429]


def test_a_log_in_forgets_the_failures_before_it_but_not_those_of_the_address(alice, call):
    for _ in range(4):
        assert [wrong(call, name="alice").status_code for _ in range(2)][:1] == [401]
        answer = right(call, alice)
    assert LoginFailures.objects.count() == 2
    assert answer.status_code == 201
    wrong(call, name="alice")
    assert wrong(call, name="somebody else").status_code == 429


def test_a_log_in_that_succeeds_writes_nothing(alice, call):
    right(call, alice)
    assert not LoginFailures.objects.exists()


def test_the_table_holds_no_more_than_a_window(call, settings):
    settings.LOGIN_FAILURES = 1000
    for number in range(20):
        wrong(call, name=f"name{number}", address=f"192.0.2.{number}")
    wind_forward(61)
    wrong(call, name="last")
    assert LoginFailures.objects.count() == 3


def test_the_users_own_change_of_password_is_limited_too(alice, call):
    token = call.token(alice)
    body = {"user": {"original_password": "wrong", "password": "quite another one"}}
    answers = [call("post", f"/users/{alice.user.id}/password", token, body).status_code for _ in range(4)]
    assert answers == [401, 401, 401, 429]


def test_the_consoles_form_answers_with_the_same_limit(root, client):
    form = {"username": "root", "password": "wrong"}
    answers = [client.post("/admin/login/", form).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    answer = client.post("/admin/login/", form | {"password": root.password})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_form_and_token_call_count_together(root, call, client):
    for _ in range(3):
        wrong(call, name="root", address="127.0.0.1")
    assert client.post("/admin/login/", {"username": "root", "password": root.password}).status_code == 429


def test_failures_counted_by_one_process_bind_another(alice):
    for _ in range(3):
        Attempt("alice", "192.0.2.1").failed()
    with pytest.raises(TooManyAttempts):
        Attempt("alice", "192.0.2.1").admit()


def test_a_row_whose_window_is_over_counts_from_one_again(alice):
    for _ in range(3):
        Attempt("alice", "192.0.2.1").failed()
    LoginFailures.objects.update(window_ends_at=timezone.now() - timedelta(seconds=1))
    Attempt("alice", "192.0.2.1").failed()
    assert set(LoginFailures.objects.values_list("failures", flat=True)) == {1}


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "counted"),
    [
        ([], "192.0.2.7", "203.0.113.5", "192.0.2.7"),
        (["10.0.0.0/8"], "10.1.1.1", "203.0.113.5", "203.0.113.5"),
        (["10.0.0.0/8"], "10.1.1.1", "6.6.6.6, 203.0.113.5", "203.0.113.5"),
        (["10.0.0.0/8"], "10.1.1.1", "203.0.113.5, 10.2.2.2", "203.0.113.5"),
        (["10.0.0.0/8"], "10.1.1.1", "", "10.1.1.1"),
        (["unix"], "", "203.0.113.5", "203.0.113.5"),
        ([], "", "203.0.113.5", ""),
        ([], "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ([], "::ffff:192.0.2.7", "", "192.0.2.7"),
        (["10.0.0.0/8"], "10.1.1.1", "nonsense", "nonsense"),
    ],
)
def test_the_address_is_the_one_nearest_that_no_trusted_proxy_has(settings, trusted, peer, forwarded, counted):
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == counted


def test_a_user_without_a_password_cannot_log_in_and_is_counted(call):
    services.create_user(name="robot")
    assert [wrong(call, name="robot").status_code for _ in range(4)] == [401, 401, 401, 429]
