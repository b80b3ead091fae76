"""The commands about users and projects, and the files of the first ones."""

import io
import json
import os
import shlex
import stat
import subprocess

import pytest
import yaml
from django.core.management import CommandError, call_command

from storage_site.identity import services
from storage_site.identity.client_files import Account, password_in, write_openrc, write_private
from storage_site.identity.models import ApplicationCredential, Assignment, Project, User

pytestmark = pytest.mark.django_db
VARIABLES = ("CELINDER_ADMIN_PASSWORD", "CELINDER_DEMO_PASSWORD", "CELINDER_SERVICE_PASSWORD")
FILES = ("admin-openrc", "demo-openrc", "service-openrc", "clouds.yaml")


@pytest.fixture(autouse=True)
def no_passwords_given(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def typed(monkeypatch):
    """Put text on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def run(*arguments: str, **options) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def bootstrap(directory, **options) -> str:
    return run("identity_bootstrap", "--directory", str(directory), **options)


def contents(directory) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


# --- the first users -------------------------------------------------------------------------------------------


def test_the_first_users_can_log_in_with_what_the_files_say(tmp_path, call):
    bootstrap(tmp_path / "new", endpoint="http://storage.example:8776/")
    clouds = yaml.safe_load((tmp_path / "new" / "clouds.yaml").read_text())["clouds"]
    assert set(clouds) == {"admin", "demo"}
    for cloud, role in (("admin", "admin"), ("demo", "member")):
        auth = clouds[cloud]["auth"]
        assert auth["auth_url"] == "http://storage.example:8776/identity/v3"
        identity = {
            "methods": ["password"],
            "password": {
                "user": {"name": auth["username"], "domain": {"name": "Default"}, "password": auth["password"]}
            },
        }
        answer = call.authenticate(identity, {"project": {"name": auth["project_name"], "domain": {"name": "Default"}}})
        assert [held["name"] for held in answer.json()["token"]["roles"]] == [role]
    assert Assignment.objects.get(user__name="service").role.name == "service"


def test_the_files_are_for_their_owner_only(tmp_path):
    old = os.umask(0)
    try:
        bootstrap(tmp_path / "new")
    finally:
        os.umask(old)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(FILES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_no_password_is_printed(tmp_path):
    printed = bootstrap(tmp_path)
    for name in ("admin", "demo", "service"):
        password = password_in(tmp_path / f"{name}-openrc")
        assert len(password) >= 32
        assert password not in printed


def test_doing_it_again_changes_nothing(tmp_path):
    bootstrap(tmp_path)
    before, rows = contents(tmp_path), list(User.objects.values_list("id", "password", "credentials_stamp"))
    bootstrap(tmp_path)
    assert contents(tmp_path) == before
    assert list(User.objects.values_list("id", "password", "credentials_stamp")) == rows
    assert Project.objects.count() == 3


def test_a_password_given_in_the_environment_is_the_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CELINDER_DEMO_PASSWORD", 'it\'s "given" $HOME')
    bootstrap(tmp_path)
    assert User.objects.get(name="demo").check_password('it\'s "given" $HOME')
    line = f'. {shlex.quote(str(tmp_path / "demo-openrc"))} && printf %s "$OS_PASSWORD"'
    shown = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=30)
    assert shown.stdout == 'it\'s "given" $HOME'
    clouds = yaml.safe_load((tmp_path / "clouds.yaml").read_text())["clouds"]
    assert clouds["demo"]["auth"]["password"] == 'it\'s "given" $HOME'


def test_a_password_changed_since_stays_and_its_files_are_left_alone(tmp_path, monkeypatch):
    bootstrap(tmp_path)
    before = contents(tmp_path)["admin-openrc"]
    services.set_password(user=User.objects.get(name="admin"), password="changed by somebody")
    monkeypatch.setenv("CELINDER_ADMIN_PASSWORD", "the one of old")
    assert "The password of admin is not known here" in bootstrap(tmp_path)
    assert User.objects.get(name="admin").check_password("changed by somebody")
    assert contents(tmp_path)["admin-openrc"] == before
    monkeypatch.setenv("CELINDER_ADMIN_PASSWORD", "changed by somebody")
    bootstrap(tmp_path)
    assert password_in(tmp_path / "admin-openrc") == "changed by somebody"


def test_another_address_is_written_with_the_same_password(tmp_path):
    bootstrap(tmp_path, endpoint="http://one")
    password = password_in(tmp_path / "demo-openrc")
    bootstrap(tmp_path, endpoint="http://two")
    assert password_in(tmp_path / "demo-openrc") == password
    assert "http://two/identity/v3" in contents(tmp_path)["clouds.yaml"]


def test_a_run_that_ended_between_files_and_users_is_taken_up(tmp_path):
    account = Account("http://old", "RegionOne", "admin", "admin", "made before the crash")
    write_openrc(tmp_path / "admin-openrc", account)
    bootstrap(tmp_path)
    assert User.objects.get(name="admin").check_password("made before the crash")


def test_a_role_taken_away_since_is_not_given_back(tmp_path):
    bootstrap(tmp_path)
    demo = User.objects.get(name="demo")
    services.revoke(user=demo, project=Project.objects.get(name="demo"), role="member")
    bootstrap(tmp_path)
    assert not demo.assignments.exists()


def test_a_weak_password_in_the_environment_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CELINDER_ADMIN_PASSWORD", "weak")
    with pytest.raises(CommandError, match="too short"):
        bootstrap(tmp_path)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    write_private(tmp_path / "file", "old")
    with pytest.raises(TypeError):
        write_private(tmp_path / "file", None)
    assert contents(tmp_path) == {"file": "old"}


# --- one by one ------------------------------------------------------------------------------------------------


def test_a_user_is_made_with_a_password_from_standard_input_and_let_into_a_project(typed, call):
    project_id = run("project_create", "lab", "--description", "The lab").strip()
    typed("something long\nnot this\n")
    user_id = run("user_create", "bob", "--project", "lab", "--role", "reader", "--email", "b@example.org").strip()
    user = User.objects.get(pk=user_id)
    assert user.check_password("something long")
    assert (user.email, user.default_project_id) == ("b@example.org", project_id)
    assert [held.role.name for held in user.assignments.all()] == ["reader"]


def test_a_password_is_changed_from_standard_input(alice, typed):
    typed("quite another one\n")
    assert alice.password not in run("user_password", "alice")
    alice.user.refresh_from_db()
    assert alice.user.check_password("quite another one")


def test_roles_are_granted_and_taken_back_by_name_or_id(alice, root):
    run("role_grant", "alice", root.project.id, "admin")
    run("role_grant", alice.user.id, "roots", "admin")
    assert alice.user.assignments.count() == 2
    run("role_grant", "alice", "roots", "admin", "--revoke")
    assert alice.user.assignments.count() == 1


def test_users_projects_and_roles_are_listed(alice, root):
    services.update_user(user=alice.user, is_active=False)
    assert run("user_list").splitlines() == [
        f"{alice.user.id} alice disabled member@alices",
        f"{root.user.id} root enabled admin@roots",
    ]
    assert run("project_list").splitlines() == [
        f"{alice.project.id} alices enabled",
        f"{root.project.id} roots enabled",
    ]
    assert sorted(run("role_list").splitlines()) == ["alice alices member", "root roots admin"]
    assert run("role_list", "--user", "root") == run("role_list", "--project", root.project.id) == "root roots admin\n"


def test_a_user_is_changed_and_deleted(alice):
    run("user_change", "alice", "--name", "alicia", "--email", "a@example.org", "--description", "", "--disable")
    user = User.objects.get(pk=alice.user.id)
    assert (user.name, user.email, user.description, user.is_active) == ("alicia", "a@example.org", "", False)
    run("user_change", "alicia", "--enable")
    user.refresh_from_db()
    assert user.is_active
    run("user_delete", "alicia")
    assert not User.objects.exists()


def test_a_project_is_changed_and_deleted(alice):
    run("project_change", "alices", "--name", "lab", "--description", "The lab", "--disable")
    project = Project.objects.get(pk=alice.project.id)
    assert (project.name, project.description, project.is_enabled) == ("lab", "The lab", False)
    run("project_delete", "lab")
    assert not Project.objects.exists()


def test_an_application_credential_is_made_listed_and_deleted(alice, call):
    services.grant(user=alice.user, project=alice.project, role="reader")
    words = ("alice", "alices", "ci", "--role", "reader", "--expires", "2036-01-31T12:00:00", "--unrestricted")
    credential_id, secret = run("credential_create", *words).split()
    row = ApplicationCredential.objects.get(pk=credential_id)
    assert (row.name, row.is_unrestricted) == ("ci", True)
    assert call.log_in_with(row, secret).status_code == 201
    assert run("credential_list") == f"{row.id} ci alice alices 2036-01-31T12:00:00+00:00 reader\n"
    run("credential_create", "alice", "alices", "all")
    assert "never member,reader" in run("credential_list", "--user", "alice")
    run("credential_delete", row.id)
    assert [left.name for left in ApplicationCredential.objects.all()] == ["all"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("user_change", "alice"), "Nothing to change"),
        (("user_change", "nobody", "--disable"), "There is no user nobody"),
        (("user_change", "alice", "--enable", "--disable"), "not allowed with"),
        (("user_delete", "nobody"), "There is no user nobody"),
        (("project_change", "alices"), "Nothing to change"),
        (("project_delete", "nowhere"), "There is no project nowhere"),
        (("credential_create", "alice", "alices", "ci", "--role", "admin"), "only roles that the user holds"),
        (("credential_create", "alice", "alices", "ci", "--expires", "soon"), "soon is no time"),
        (("credential_create", "alice", "alices", "ci", "--expires", "2030-13-01T00:00"), "is no time"),
        (("credential_create", "alice", "alices", "ci", "--expires", "2020-01-01T00:00"), "expired already"),
        (("credential_delete", "0" * 32), "There is no application credential"),
        (("user_password", "nobody"), "There is no user nobody"),
        (("user_create", "bob", "--project", "nowhere"), "There is no project nowhere"),
        (("user_create", "alice"), "taken"),
        (("user_create", "bob"), "No password given"),
        (("project_create", "alices"), "taken"),
        (("project_create", ""), "blank"),
        (("role_grant", "alice", "nowhere", "member"), "There is no project"),
        (("role_grant", "alice", "alices", "admin", "--revoke"), "Could not find role assignment"),
        (("role_grant", "alice", "alices", "king"), "invalid choice"),
    ],
)
def test_what_cannot_be_done_ends_the_command_with_the_reason(arguments, reason, alice, typed):
    typed("something long\n" if "alice" in arguments else "")
    with pytest.raises(CommandError, match=reason):
        run(*arguments)


def test_a_weak_password_leaves_no_user(typed):
    typed("short\n")
    with pytest.raises(CommandError, match="too short"):
        run("user_create", "bob")
    assert not User.objects.filter(name="bob").exists()


def test_clouds_are_json_too(tmp_path):
    bootstrap(tmp_path)
    assert json.loads((tmp_path / "clouds.yaml").read_text())["clouds"]["demo"]["region_name"] == "RegionOne"
