"""Who may call what of the identity calls: their URL conf is walked, and every call is really made."""

import re

import pytest
from django.urls import get_resolver

from tests.unit.volumes.api.test_authorisation_matrix import patterns

METHODS = ("get", "post", "put", "patch", "delete")
# What needs no token: what versions there are, and getting one.
PUBLIC = {("", "get"), ("v3", "get"), ("v3/auth/tokens", "post"), ("v3/users/x/password", "post")}
# What people may ask about themselves, of others they get 403 or 404; and the region, which is in every catalog.
OWN = ("v3/auth/", "v3/users/x", "v3/projects", "v3/regions")


def calls():
    """Return path and method of every call, with x where an id belongs."""
    for path, pattern in patterns(get_resolver()):
        if not path.startswith("identity") or "path:rest" in path:
            continue
        view = pattern.callback.view_class
        below = re.sub(r"<\w+:\w+>", "x", path).removeprefix("identity").strip("/")
        yield from ((below, method) for method in METHODS if hasattr(view, method))


CALLS = sorted(set(calls()))


@pytest.mark.parametrize(("path", "method"), [call for call in CALLS if call not in PUBLIC])
def test_without_a_token_nothing_is_told(db, client, path, method):
    answer = getattr(client, method)(f"/identity/{path}", content_type="application/json")
    assert answer.status_code == 401, answer.content
    assert answer["WWW-Authenticate"].startswith("Keystone")


@pytest.mark.parametrize(("path", "method"), [call for call in CALLS if call not in PUBLIC])
def test_a_member_gets_nothing_of_others(alice, call, path, method):
    answer = call(method, path.removeprefix("v3"), call.token(alice), {} if method not in {"get", "delete"} else None)
    if path.startswith(OWN):
        assert answer.status_code < 500
        assert method == "get" or answer.status_code in {400, 403, 404, 405}, answer.content
    else:
        assert answer.status_code in {403, 404, 405}, answer.content


def test_there_are_calls():
    assert len(CALLS) > 30
