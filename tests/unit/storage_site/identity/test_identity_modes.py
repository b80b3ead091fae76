"""The two identities: what each needs, and that the one does not load the other."""

import os
import shlex
import stat
import subprocess
import sys

import pytest
from django.core.management import call_command

from storage_site.identity.bootstrap import bootstrap_console
from storage_site.identity.checks import check_keystone
from storage_site.identity.client_files import password_in
from storage_site.identity.models import User
from tests.fleets import PROJECT

LOADED = """
import sys, django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
import storage_site.wsgi
print(",".join(sorted(name for name in sys.modules if name.split(".")[0] in
    {"keystonemiddleware", "keystoneauth1", "oslo_config", "webob"} or name == "storage_site.identity.keystone")))
"""


@pytest.fixture
def believes_keystone(settings):
    settings.IDENTITY = "keystone"
    settings.KEYSTONE = {**settings.KEYSTONE, "url": "https://keystone.example.org/v3", "password": "a secret"}
    return settings.KEYSTONE


def web_process(**variables: str) -> subprocess.CompletedProcess[str]:
    """Load what the web process loads, and print which of Keystone's packages came with it."""
    return subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "storage_site.settings.testing", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_of_keystones_is_loaded_in_embedded_mode():
    done = web_process(CELINDER_IDENTITY="embedded")
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_keystones_middleware_is_loaded_in_keystone_mode():
    done = web_process(CELINDER_IDENTITY="keystone")
    assert "keystonemiddleware.auth_token" in done.stdout, done.stderr


def test_another_mode_stops_the_start():
    done = web_process(CELINDER_IDENTITY="keystne")
    assert done.returncode != 0
    assert "CELINDER_IDENTITY must be one of embedded, keystone, not 'keystne'" in done.stderr


def test_the_embedded_identity_needs_no_keystone(settings):
    assert settings.IDENTITY == "embedded"
    assert check_keystone() == []


def test_a_keystone_that_is_named_whole_is_accepted(believes_keystone):
    assert check_keystone() == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": ""}, "CELINDER_KEYSTONE_URL is not set"),
        ({"url": "keystone.example.org"}, "CELINDER_KEYSTONE_URL is no address"),
        ({"url": "https://"}, "CELINDER_KEYSTONE_URL is no address"),
        ({"password": ""}, "set CELINDER_KEYSTONE_PASSWORD, or CELINDER_KEYSTONE_PASSWORD_FILE"),
        ({"ca_file": "/nowhere"}, "CELINDER_KEYSTONE_CA_FILE names no file: /nowhere"),
    ],
)
def test_what_is_missing_or_cannot_be_is_named(wrong, told, believes_keystone):
    believes_keystone.update(wrong)
    (error,) = check_keystone()
    assert told in error.msg
    assert "docs/identity.md" in error.hint
    assert "a secret" not in error.msg


@pytest.mark.django_db
def test_with_keystone_only_the_console_gets_an_administrator(believes_keystone, tmp_path, client, capsys, monkeypatch):
    monkeypatch.delenv("CELINDER_ADMIN_PASSWORD", raising=False)
    call_command("identity_bootstrap", "--directory", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["console-login"]
    assert stat.S_IMODE((tmp_path / "console-login").stat().st_mode) == 0o600
    assert [user.name for user in User.objects.all()] == ["admin"]
    password = password_in(tmp_path / "console-login")
    assert password not in capsys.readouterr().out
    assert client.login(username="admin", password=password)
    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db
def test_the_consoles_administrator_is_made_once_with_the_password_given(tmp_path):
    bootstrap_console(directory=tmp_path, password="it's given")
    assert shlex.split((tmp_path / "console-login").read_text()) == ["OS_USERNAME=admin", "OS_PASSWORD=it's given"]
    assert bootstrap_console(directory=tmp_path, password="another one") == []
    assert User.objects.get().check_password("it's given")
    assert password_in(tmp_path / "console-login") == "it's given"
