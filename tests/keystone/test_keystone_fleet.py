"""A fleet that believes a Keystone, used from outside: who gets in, as whom, and who does not."""

import json
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

import pytest
import requests

from storage_site.identity.client_files import password_in
from tests.keystones import CACHE_S
from tests.waiting import until

pytestmark = [
    pytest.mark.fleet,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # the SDK's of its own
]


def get(place, path, token, **headers):
    named = {"X-Auth-Token": token} | {name.replace("_", "-"): text for name, text in headers.items()}
    return requests.get(f"{place.url}{path}", headers=named, timeout=60)


def openstack(cloud, person, *words):
    """Run the unmodified command as a person would; return what it prints as JSON."""
    variables = {f"OS_{name.upper()}": text for name, text in cloud.credentials(person).items()}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("openstack")), *words, "-f", "json"],
        env={"PATH": "/usr/bin:/bin", "OS_IDENTITY_API_VERSION": "3", "PYTHONWARNINGS": "ignore", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_openstack_command_finds_the_service_in_keystones_catalog_and_makes_a_volume(cloud, here, alice):
    made = openstack(cloud, alice, "volume", "create", "--size", "1", "hello")
    assert made["status"] == "creating"
    assert [row["Name"] for row in openstack(cloud, alice, "volume", "list")] == ["hello"]


def test_a_volume_belongs_to_the_project_and_nobody_elses(cloud, here, alice, bob):
    hers = cloud.cloud(alice)
    volume = hers.block_storage.create_volume(size=1, name="hers")
    assert volume.user_id == hers.current_user_id
    assert hers.block_storage.get_volume(volume.id).project_id == hers.current_project_id
    token = cloud.token(bob)
    assert get(here, f"/v3/volumes/{volume.id}", token).status_code == HTTPStatus.NOT_FOUND
    assert get(here, "/v3/volumes", token).json() == {"volumes": []}
    assert get(here, f"/v3/{hers.current_project_id}/volumes", token).status_code == HTTPStatus.BAD_REQUEST


def test_roles_are_what_keystone_says(cloud, here, alice):
    eve = cloud.person("eve", "reader", alice.project)
    reader, admin, body = cloud.token(eve), cloud.token(cloud.admin), {"volume": {"size": 1}}
    assert get(here, "/v3/volumes", reader).status_code == HTTPStatus.OK
    made = requests.post(f"{here.url}/v3/volumes", json=body, headers={"X-Auth-Token": reader}, timeout=60)
    assert made.status_code == HTTPStatus.FORBIDDEN
    assert get(here, "/v3/os-services", reader).status_code == HTTPStatus.FORBIDDEN
    assert get(here, "/v3/os-services", admin).status_code == HTTPStatus.OK


@pytest.mark.parametrize("scope", [{"unscoped": True}, {"system_scope": "all"}, {"domain_id": "default"}])
def test_an_administrator_outside_of_a_project_is_none_here(scope, cloud, here):
    if "domain_id" in scope:
        admin = cloud.cloud(cloud.admin)
        role = admin.identity.find_role("admin")
        admin.identity.assign_domain_role_to_user("default", admin.current_user_id, role)
    token = cloud.token(cloud.admin, **scope)
    assert get(here, "/v3/volumes", token).status_code == HTTPStatus.FORBIDDEN
    assert get(here, "/v3/os-services", token).status_code == HTTPStatus.FORBIDDEN


def test_no_token_and_a_wrong_one_are_told_where_keystone_is(cloud, here):
    wrong = ("wrong", "gAAAAAB" + "x" * 100, "x" * 4000, "a b", "../..", "%00", "Zürich")
    for headers in ({}, *({"X-Auth-Token": token.encode()} for token in wrong)):
        answer = requests.get(f"{here.url}/v3/volumes", headers=headers, timeout=60)
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
        assert answer.json()["error"]["title"] == "Unauthorized"
        assert answer.headers["WWW-Authenticate"] == 'Keystone uri="http://keystone.example.org/v3"'


def test_nobody_gets_in_by_headers_that_the_middleware_would_have_written(here):
    forged = {"X-Identity-Status": "Confirmed", "X-User-Id": "a" * 32, "X-Project-Id": "b" * 32, "X-Roles": "admin"}
    answer = requests.get(f"{here.url}/v3/volumes", headers=forged, timeout=60)
    assert answer.status_code == HTTPStatus.UNAUTHORIZED


def test_a_token_that_keystone_revokes_is_refused_within_the_time_answers_are_kept(cloud, here, alice):
    token = cloud.token(alice)
    assert get(here, "/v3/volumes", token).status_code == HTTPStatus.OK
    revoked = requests.delete(
        f"{cloud.url}/auth/tokens", headers={"X-Auth-Token": token, "X-Subject-Token": token}, timeout=60
    )
    assert revoked.status_code == HTTPStatus.NO_CONTENT
    until(lambda: get(here, "/v3/volumes", token).status_code == HTTPStatus.UNAUTHORIZED, "the end", CACHE_S + 5)


def test_the_calls_of_the_embedded_identity_are_not_there(cloud, here, alice):
    token = cloud.token(alice)
    for path in ("/identity/v3", "/identity/v3/auth/projects", "/identity/v3/users"):
        assert get(here, path, token).status_code == HTTPStatus.NOT_FOUND
    assert not (here.root / "clouds.yaml").exists()
    assert not (here.root / "openrc").is_symlink()


def test_the_console_is_entered_with_a_password_of_its_own(here):
    browser = requests.Session()
    page = f"{here.url}/admin/login/"
    browser.get(page, timeout=60)
    form = {"username": "admin", "password": password_in(here.root / "console-login"), "next": "/admin/"}
    form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
    answer = browser.post(page, data=form, headers={"Referer": page}, timeout=60)
    assert answer.url == f"{here.url}/admin/"
    assert "Log out" in answer.text
    assert (
        browser.get(f"{here.url}/admin/identity/applicationcredential/", timeout=60).status_code == HTTPStatus.NOT_FOUND
    )


def test_no_log_has_the_password_or_a_token(cloud, here, celinder, alice):
    token = cloud.token(alice)
    assert get(here, "/v3/volumes", token).status_code == HTTPStatus.OK
    for path in (here.root / "log").iterdir():
        text = path.read_text(errors="replace")
        assert celinder.password not in text
        assert token not in text
