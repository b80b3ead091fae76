"""Tokens: what they say, whom they let in, and when they no longer do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from storage_site.identity import services
from storage_site.identity.errors import Unauthenticated
from storage_site.identity.tokens import RecentLookUps, caller_of_token, new_token, read, signed

pytestmark = pytest.mark.django_db


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds, self.began = 1000.0, timezone.now()

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds - 1000.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def other_process(clock) -> RecentLookUps:
    """Look up as another web process does: what services do here is not told to it."""
    return RecentLookUps(monotonic=clock.monotonic, now=clock.now)


@pytest.fixture
def token(alice):
    return new_token(user=alice.user, project_id=alice.project.id, methods=("password",))


def test_a_token_says_again_what_was_put_in(token):
    assert read(signed(token)) == token


def test_an_unscoped_token_says_that_it_is(alice):
    token = new_token(user=alice.user, project_id="", methods=("password", "token"))
    assert read(signed(token)) == token
    assert caller_of_token(signed(token)).project_id == ""
    assert caller_of_token(signed(token)).roles == frozenset()


def test_a_token_speaks_for_its_user_in_its_project(alice, token):
    caller = caller_of_token(signed(token))
    assert (caller.user_id, caller.user_name) == (alice.user.id, "alice")
    assert (caller.project_id, caller.roles) == (alice.project.id, frozenset({"member"}))


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-1], lambda text: "B" + text[1:], lambda text: text + "=", str.lower]
)
def test_a_token_that_was_altered_is_refused(token, spoil):
    with pytest.raises(Unauthenticated):
        caller_of_token(spoil(signed(token)))


@pytest.mark.parametrize("text", ["", ".", "a.b", "\0", "é.ü", "\udcff", "x" * 5000])
def test_what_is_no_token_is_refused(text):
    with pytest.raises(Unauthenticated):
        caller_of_token(text)


def test_a_token_signed_with_another_secret_is_refused(token, settings):
    text = signed(token)
    settings.SECRET_KEY = "another"
    with pytest.raises(Unauthenticated):
        caller_of_token(text)


def test_a_refusal_never_contains_the_token(token):
    text = signed(token)[:-1]
    with pytest.raises(Unauthenticated) as caught:
        caller_of_token(text)
    assert text[:20] not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_token_ends_at_its_time_even_when_it_was_looked_up_a_moment_before(alice, clock, other_process):
    token = replace(
        new_token(user=alice.user, project_id=alice.project.id, methods=("password",)),
        expires_at=clock.now() + timedelta(seconds=3),
    )
    text = signed(token)
    other_process.valid(text)
    clock.seconds += 2.9
    other_process.valid(text)
    clock.seconds += 0.1
    with pytest.raises(Unauthenticated):
        other_process.valid(text)


CHANGES = {
    "the token revoked": lambda person, token: services.revoke_token(token=token),
    "the user disabled": lambda person, token: services.update_user(user=person.user, is_active=False),
    "the user deleted": lambda person, token: services.delete_user(user=person.user),
    "the password changed": lambda person, token: services.set_password(user=person.user, password="quite another one"),
    "the project disabled": lambda person, token: services.update_project(project=person.project, is_enabled=False),
    "the project deleted": lambda person, token: services.delete_project(project=person.project),
    "the only role revoked": lambda person, token: services.revoke(
        user=person.user, project=person.project, role="member"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_token_ends_in_other_processes_within_five_seconds_of(change, alice, token, clock, other_process):
    text = signed(token)
    other_process.valid(text)
    CHANGES[change](alice, token)
    clock.seconds += 4.9
    with pytest.raises(Unauthenticated):
        other_process.valid(text)


@pytest.mark.parametrize("change", CHANGES)
def test_a_token_ends_at_once_in_the_process_that_made_it_end(change, alice, token, django_capture_on_commit_callbacks):
    text = signed(token)
    caller_of_token(text)
    with django_capture_on_commit_callbacks(execute=True):
        CHANGES[change](alice, token)
    with pytest.raises(Unauthenticated):
        caller_of_token(text)


def test_a_role_that_was_granted_or_revoked_is_seen_within_five_seconds(alice, token, clock, other_process):
    text = signed(token)
    assert other_process.valid(text).role_names == {"member"}
    services.grant(user=alice.user, project=alice.project, role="reader")
    services.revoke(user=alice.user, project=alice.project, role="member")
    clock.seconds += 4.9
    assert other_process.valid(text).role_names == {"reader"}


def test_enabling_a_user_again_does_not_bring_the_old_tokens_back(alice, token):
    services.update_user(user=alice.user, is_active=False)
    services.update_user(user=alice.user, is_active=True)
    with pytest.raises(Unauthenticated):
        caller_of_token(signed(token))


def test_what_was_looked_up_lately_costs_no_query(token, other_process, django_assert_num_queries):
    text = signed(token)
    with django_assert_num_queries(2):
        other_process.valid(text)
    with django_assert_num_queries(0):
        other_process.valid(text)


def test_a_forged_token_costs_no_query(token, other_process, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(Unauthenticated):
        other_process.valid("B" + signed(token)[1:])


def test_the_memory_of_look_ups_is_bounded(alice, clock):
    few = RecentLookUps(monotonic=clock.monotonic, now=clock.now, size=3)
    for _ in range(5):
        few.valid(signed(new_token(user=alice.user, project_id="", methods=("password",))))
    assert len(few._entries) == 3


def test_revocations_go_when_their_tokens_would_have_expired(alice, token):
    services.revoke_token(token=replace(token, audit_id="A" * 22, expires_at=datetime(2020, 1, 1, tzinfo=UTC)))
    services.revoke_token(token=token)
    assert [row.audit_id for row in services.Revocation.objects.all()] == [token.audit_id]
