"""The console's pages about users and projects."""

import re

import pytest

from storage_site.identity import services
from storage_site.identity.models import ApplicationCredential, Project, User, role_id

pytestmark = pytest.mark.django_db
BASE = "/admin/identity"


@pytest.fixture
def operator(root, client):
    client.force_login(root.user)
    return client


def inline(prefix="assignments"):
    return {f"{prefix}-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}


def test_only_administrators_enter(alice, root, client):
    form = {"username": "alice", "password": alice.password}
    assert client.post("/admin/login/", form).status_code == 200
    assert client.get("/admin/").status_code == 302
    assert client.post("/admin/login/", form | {"username": "root", "password": root.password}).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_an_administrator_whose_role_is_revoked_is_out(root, operator):
    assert operator.get("/admin/").status_code == 200
    services.revoke(user=root.user, project=root.project, role="admin")
    assert operator.get("/admin/").status_code == 302


@pytest.mark.parametrize("model", ["user", "project", "role", "assignment", "applicationcredential"])
def test_rows_are_listed_searched_and_shown(model, alice, credential_of, operator):
    assert operator.get(f"{BASE}/{model}/?q=alice").status_code == 200
    credential, _ = credential_of(alice)
    row = {"user": alice.user, "project": alice.project, "applicationcredential": credential}.get(model)
    row = row or alice.user.assignments.get()
    pk = row.role_id if model == "role" else row.pk
    assert operator.get(f"{BASE}/{model}/{pk}/change/").status_code == 200


def test_roles_are_to_look_at_only(alice, operator):
    pk = alice.user.assignments.get().role_id
    assert operator.get(f"{BASE}/role/add/").status_code == 403
    assert operator.post(f"{BASE}/role/{pk}/change/", {}).status_code == 403
    assert operator.post(f"{BASE}/role/{pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_role_is_granted_by_adding_an_assignment_and_revoked_by_deleting_it(alice, credential_of, operator):
    form = {"user": alice.user.pk, "project": alice.project.pk, "role": role_id("reader")}
    assert operator.get(f"{BASE}/assignment/add/").status_code == 200
    assert operator.post(f"{BASE}/assignment/add/", form).status_code == 302
    row = alice.user.assignments.get(role__name="reader")
    assert operator.post(f"{BASE}/assignment/{row.pk}/change/", form).status_code == 403
    credential, _ = credential_of(alice, roles=["reader"])
    assert operator.post(f"{BASE}/assignment/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert [held.role.name for held in alice.user.assignments.all()] == ["member"]
    assert not ApplicationCredential.objects.filter(pk=credential.pk).exists()


def test_an_application_credential_is_made_shown_once_and_deleted(alice, operator, call):
    form = {"name": "ci", "user": alice.user.pk, "project": alice.project.pk, "roles": [role_id("member")]}
    answer = operator.post(f"{BASE}/applicationcredential/add/", form, follow=True)
    row = ApplicationCredential.objects.get(name="ci")
    secret = re.search("shown this once: ([A-Za-z0-9_-]+)", answer.content.decode())[1]
    asked = {"methods": ["application_credential"], "application_credential": {"id": row.id, "secret": secret}}
    assert call.authenticate(asked).status_code == 201
    page = operator.get(f"{BASE}/applicationcredential/{row.pk}/change/").content.decode()
    assert row.id in page
    assert secret not in page
    assert row.secret_hash not in page
    action = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    assert operator.post(f"{BASE}/applicationcredential/", action).status_code == 302
    assert call.authenticate(asked).status_code == 401


def test_an_application_credential_that_cannot_be_is_refused_on_the_form(alice, credential_of, operator):
    form = {"name": "ci", "user": alice.user.pk, "project": alice.project.pk, "roles": [role_id("member")]}
    ended = {"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}
    for wrong in ({"roles": [role_id("admin")]}, {"roles": []}, {"name": ""}, ended):
        answer = operator.post(f"{BASE}/applicationcredential/add/", form | wrong)
        assert answer.status_code == 200
        assert answer.context["errors"]
    credential_of(alice, name="ci")
    assert operator.post(f"{BASE}/applicationcredential/add/", form).status_code == 200


def test_django_groups_are_not_offered(operator):
    assert operator.get("/admin/auth/group/").status_code == 404


def test_a_user_is_made_with_a_password(operator, call):
    form = {"name": "bob", "email": "", "description": "", "password1": "something long", "password2": "something long"}
    answer = operator.post(f"{BASE}/user/add/", form)
    user = User.objects.get(name="bob")
    assert answer["Location"] == f"{BASE}/user/{user.pk}/change/"
    assert user.check_password("something long")


def test_a_weak_or_mistyped_password_and_a_taken_name_are_refused_on_the_form(alice, operator):
    form = {"name": "bob", "password1": "something long", "password2": "something else"}
    for wrong in ({}, {"password1": "short", "password2": "short"}, {"name": "alice", "password2": "something long"}):
        answer = operator.post(f"{BASE}/user/add/", form | wrong)
        assert answer.status_code == 200
        assert answer.context["errors"]
    assert not User.objects.filter(name="bob").exists()


def test_disabling_a_user_ends_its_tokens(alice, operator, call, django_capture_on_commit_callbacks):
    text = call.token(alice)
    form = {"name": "alice", "email": "", "description": "Was here", "default_project_id": "", **inline()}
    with django_capture_on_commit_callbacks(execute=True):
        assert operator.post(f"{BASE}/user/{alice.user.pk}/change/", form).status_code == 302
    alice.user.refresh_from_db()
    assert (alice.user.is_active, alice.user.description) == (False, "Was here")
    assert alice.user.check_password(alice.password)
    assert call("get", "/auth/projects", text).status_code == 401


def test_a_password_is_changed_on_a_page_of_its_own(alice, operator, call, django_capture_on_commit_callbacks):
    text = call.token(alice)
    page = f"{BASE}/user/{alice.user.pk}/password/"
    assert operator.get(page).status_code == 200
    assert operator.post(page, {"password1": "short", "password2": "short"}).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        answer = operator.post(page, {"password1": "quite another one", "password2": "quite another one"})
    assert answer.status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.check_password("quite another one")
    assert call("get", "/auth/projects", text).status_code == 401


def test_no_page_shows_the_hash(alice, operator):
    page = operator.get(f"{BASE}/user/{alice.user.pk}/change/").content.decode()
    assert alice.user.password not in page
    assert alice.user.password.split("$")[2] not in page


def test_a_user_is_deleted_with_its_rights(alice, credential_of, operator):
    credential_of(alice)
    page = f"{BASE}/user/{alice.user.pk}/delete/"
    assert operator.get(page).status_code == 200
    assert operator.post(page, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(name="alice").exists()


def test_a_project_is_made_changed_and_deleted(operator):
    form = {"name": "lab", "description": "", "is_enabled": "on", **inline()}
    assert operator.post(f"{BASE}/project/add/", form).status_code == 302
    project = Project.objects.get(name="lab")
    assert project.is_enabled
    form.pop("is_enabled")
    assert operator.post(f"{BASE}/project/{project.pk}/change/", form).status_code == 302
    project.refresh_from_db()
    assert not project.is_enabled
    action = {"action": "delete_selected", "_selected_action": [project.pk], "post": "yes"}
    assert operator.post(f"{BASE}/project/", action).status_code == 302
    assert not Project.objects.filter(name="lab").exists()
