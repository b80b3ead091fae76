"""Who may see and do what at the console: its URL conf is walked, and every page and button is really asked for."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.console import make_user
from tests.unit.volumes.api.test_authorisation_matrix import patterns

# Whom the console knows without anything: the log in itself, and what its pages are translated with.
FOR_ALL = {"login", "logout", "jsi18n"}
OTHERS = ("member", "reader", "service", None)
CONVERTERS = re.compile(r"<(?:(\w+):)?(\w+)>")
LOG_IN = "/admin/login/"


def pages():
    """Return the path of every page, with an id or a name that nothing has in it, by a name for it."""
    found = {}
    for path, pattern in patterns(get_resolver()):
        if path.startswith("admin/") and pattern.name not in FOR_ALL:
            written = CONVERTERS.sub(lambda match: "1" if match[1] in {"int", None} else uuid.uuid4().hex, path)
            # The last one leads paths without a slash at their end to those with one.
            found[path] = "/admin/nothing" if written.startswith("admin/(?P") else f"/{written}"
    return found


PAGES = pages()


@pytest.mark.parametrize("role", OTHERS)
def test_who_is_no_administrator_gets_no_page_and_presses_no_button(db, role):
    client = Client()
    if role is not None:
        client.force_login(make_user(f"user-{role}", role))
    for path in PAGES.values():
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            assert answer.status_code == 302, (method, path, answer.status_code)
            assert answer["Location"].startswith(LOG_IN), (method, path)


def test_an_administrator_is_led_to_no_log_in_and_no_page_fails(db):
    client = Client()
    client.force_login(make_user("admin", "admin"))
    for path in PAGES.values():
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            assert answer.status_code < 500, (method, path)
            assert not answer.get("Location", "").startswith(LOG_IN), (method, path)


def test_there_are_pages_of_every_app_that_has_some():
    assert {path.split("/")[1] for path in PAGES} >= {"volumes", "backups", "operations", "identity"}
    assert sum("button" in path for path in PAGES) > 10
