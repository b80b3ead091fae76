"""Every call that changes something takes an Idempotency-Key; the table of rights says which calls there are."""

import pytest

from tests.calls import Calls, said
from tests.unit.volumes.api.test_authorisation_matrix import CALLS, request_for

CHANGES = [(route, key) for route, key in CALLS if key.split(" ", 1)[0] != "GET"]
KEY = {"Idempotency-Key": "k"}
BEFORE_THE_CALL = {403, 404}  # the path's own object is looked for, and the rights are, before a key is used up


@pytest.mark.parametrize(("route", "key"), CHANGES, ids=lambda value: getattr(value, "name", value))
def test_a_repetition_is_answered_as_the_first_request(as_admin, default_type, route, key):
    request = request_for(route, key)
    first, again = (as_admin(request[0], f"/v3/{request[1]}", request[2], headers=KEY) for _time in range(2))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    is_again = "Idempotency-Replayed" in again
    waits = route.view.waits and first.status_code >= 400
    assert is_again or waits or first.status_code >= 500 or first.status_code in BEFORE_THE_CALL, first.content


@pytest.mark.parametrize(("route", "key"), CHANGES, ids=lambda value: getattr(value, "name", value))
def test_with_a_key_a_call_is_answered_as_without(admin, default_type, route, key):
    (method, path, body), (_method, like_path, _body) = (request_for(route, key) for _time in range(2))
    without = Calls(admin)(method, f"/v3/{path}", body)
    with_key = Calls(admin)(method, f"/v3/{like_path}", body, headers=KEY)
    # The first of the two has taken the room, the name or the right that is there once only.
    if with_key.status_code != 409:
        assert with_key.status_code == without.status_code, with_key.content
    assert (not with_key.content) == (not without.content) or with_key.status_code == 409
    if without.status_code >= 400 and with_key.status_code == without.status_code and without.content:
        assert list(said(with_key)) == list(said(without))
