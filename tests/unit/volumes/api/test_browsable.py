"""The API for people with a browser: pages and forms behind the console's log-in."""

import re

import pytest
from django.test import Client

from storage_site.identity import services as identity
from tests.factories import VolumeFactory
from tests.unit.volumes.api.test_authorisation_matrix import CALLS, request_for
from volumes.models import Volume

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = "<script>alert(1)</script>"


class Browser:
    """A person's browser: a session, pages, and Django's protection against forged requests."""

    def __init__(self, user=None):
        self.client = Client(enforce_csrf_checks=True)
        if user is not None:
            self.client.force_login(user)

    def get(self, path):
        answer = self.client.get(path, headers=BROWSER)
        return answer, answer.content.decode()

    def token(self, page):
        return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)


@pytest.fixture
def operator(db):
    user, project = identity.create_user(name="op", password="a long password"), identity.create_project(name="p")
    identity.grant(user=user, project=project, role="admin")
    user.project_id = project.id
    return user


@pytest.fixture
def browser(operator):
    return Browser(operator)


@pytest.fixture
def volume(operator):
    return VolumeFactory(name=SCRIPT, description='"><img src=x onerror=alert(1)>', project_id=operator.project_id)


def test_a_list_is_a_page_at_the_newest_version(browser, volume):
    answer, page = browser.get("/v3/volumes")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["OpenStack-API-Version"] == "volume 3.71"
    assert str(volume.pk) in page


def test_a_form_creates_a_volume(browser):
    page = browser.get("/v3/volumes")[1]
    fields = {
        "size": "2",
        "name": "from a form",
        "description": "",
        "volume_type": "",
        "availability_zone": "",
        "metadata": '{"k": "v"}',
        "csrfmiddlewaretoken": browser.token(page),
    }
    answer = browser.client.post("/v3/volumes", fields, headers=BROWSER)
    assert answer.status_code == 202
    made = Volume.objects.get()
    assert (made.name, made.size_gib, made.metadata) == ("from a form", 2, {"k": "v"})


def test_a_form_with_a_mistake_says_what_is_wrong(browser):
    token = browser.token(browser.get("/v3/volumes")[1])
    for mistake in ({"size": "0"}, {"size": "1", "metadata": "{"}, {"size": "1", "metadata": "[]"}):
        answer = browser.client.post("/v3/volumes", {**mistake, "csrfmiddlewaretoken": token}, headers=BROWSER)
        assert answer.status_code == 400
        assert "Invalid input for field/attribute" in answer.content.decode()
    assert not Volume.objects.exists()


@pytest.mark.parametrize("token", [None, "x" * 64])
def test_a_forged_form_is_refused(browser, token):
    browser.get("/v3/volumes")
    fields = {"size": "1"} | ({"csrfmiddlewaretoken": token} if token else {})
    answer = browser.client.post("/v3/volumes", fields, headers=BROWSER)
    assert answer.status_code == 403
    assert not Volume.objects.exists()


def test_a_forged_call_in_json_is_refused_too(browser):
    answer = browser.client.post("/v3/volumes", {"volume": {"size": 1}}, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["forbidden"]["message"].startswith("CSRF Failed")
    assert not Volume.objects.exists()


def test_a_form_is_for_pages_only(browser):
    token = browser.token(browser.get("/v3/volumes")[1])
    answer = browser.client.post("/v3/volumes", {"size": "1", "csrfmiddlewaretoken": token})
    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/v3/volumes", "/v3/volumes/detail", "/v3/volumes/{}", "/v3/volumes/{}/metadata"])
def test_what_a_client_wrote_is_never_executed(browser, volume, path):
    volume.metadata = {SCRIPT: SCRIPT}
    volume.save()
    answer, page = browser.get(
        path.format(volume.pk) + f"?marker=&x={SCRIPT}" if path == "/v3/volumes" else path.format(volume.pk)
    )
    assert answer.status_code in {200, 400, 404}
    assert SCRIPT not in page
    assert "<img src=x" not in page


def test_a_volume_is_changed_and_deleted_from_its_page(browser, volume):
    path = f"/v3/volumes/{volume.pk}"
    page = browser.get(path)[1]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    token = browser.client.cookies["csrftoken"].value
    headers = {**BROWSER, "X-CSRFToken": token}
    body = b"name=renamed&metadata=%7B%7D"
    answer = browser.client.put(path, body, content_type="application/x-www-form-urlencoded", headers=headers)
    assert answer.status_code == 200
    volume.refresh_from_db()
    assert volume.name == "renamed"
    answer = browser.client.delete(path, headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (202, "text/html; charset=utf-8")
    volume.refresh_from_db()
    assert volume.status == "deleting"


def test_the_actions_of_a_volume_have_a_page(browser, volume):
    path = f"/v3/volumes/{volume.pk}/action"
    assert path in browser.get(f"/v3/volumes/{volume.pk}")[1]
    answer, page = browser.get(path)
    assert answer.status_code == 200
    assert "os-reset_status" in page
    assert 'name="_content"' in page
    headers = {**BROWSER, "X-CSRFToken": browser.client.cookies["csrftoken"].value}
    answer = browser.client.post(path, {"os-reserve": {}}, content_type="application/json", headers=headers)
    assert answer.status_code == 202
    volume.refresh_from_db()
    assert volume.status == "attaching"


PATHS = ["/", "/v3/", "/v3/nothing", "/v3/volumes/nothing", "/v3/volumes?limit=x", "/v3/os-quota-sets/x"]
ROUTES_OF_CALLS = {route.name: route for route, _key in CALLS}


def is_a_page(browser, path):
    answer, page = browser.get(path)
    assert answer.status_code < 500 or "No scheduler answered" in page
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert "Celinder" in page


@pytest.mark.parametrize("path", PATHS)
def test_a_path_with_nothing_behind_it_is_a_page_for_people(browser, path):
    is_a_page(browser, path)


@pytest.mark.parametrize("name", sorted(ROUTES_OF_CALLS))
def test_every_path_is_a_page_for_people(browser, name, default_type):
    is_a_page(browser, f"/v3/{request_for(ROUTES_OF_CALLS[name], 'GET')[1]}")


def test_a_pair_that_is_not_there_is_a_page_that_says_so(browser, volume):
    answer, page = browser.get(f"/v3/volumes/{volume.pk}/metadata/absent")
    assert answer.status_code == 404
    assert "has no metadata with key absent" in page


def test_who_is_not_logged_in_is_led_to_the_log_in_and_back(db):
    answer, page = Browser().get("/v3/volumes?limit=1")
    assert answer.status_code == 401
    assert '<a href="/admin/login/?next=/v3/volumes%3Flimit%3D1">Log in</a>' in page


def test_a_member_sees_no_forms_for_what_only_administrators_may(db):
    user, project = identity.create_user(name="m", password="a long password"), identity.create_project(name="q")
    identity.grant(user=user, project=project, role="member")
    answer, page = Browser(user).get("/v3/types")
    assert answer.status_code == 200
    assert 'name="_content"' not in page
    assert 'name="_content"' in Browser(user).get("/v3/volumes")[1]
