import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[4]
SAFE = {"CELINDER_SECRET_KEY": "a secret that all processes share"}


def start(tmp_path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own, as gunicorn and Celery do."""
    program = (
        "from django.conf import settings as s\n"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS, s.DEBUG)"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "CELINDER_DATA_DIR": str(tmp_path / "data"),
            "DJANGO_SETTINGS_MODULE": "storage_site.settings.production",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, "CELINDER_SECRET_KEY is not set"),
        ({**SAFE, "DEBUG": "1"}, "DEBUG is on"),
        ({**SAFE, "CELINDER_DEBUG": "yes"}, "DEBUG is on"),
        ({**SAFE, "CELERY_BROKER_URL": "redis://broker.example:6379/0"}, "The broker is on broker.example"),
        ({**SAFE, "CELERY_BROKER_URL": "amqp://guest@10.0.0.7//"}, "The broker is on 10.0.0.7"),
    ],
)
def test_an_unsafe_start_is_refused_in_words(tmp_path, variables, reason):
    started = start(tmp_path, **variables)
    assert started.returncode != 0
    assert f"ImproperlyConfigured: {reason}" in started.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"CELERY_BROKER_URL": "amqp://guest@127.0.0.1//"},
        {"CELERY_BROKER_URL": "redis+socket:///run/broker.sock"},
        {"CELERY_BROKER_URL": "amqp://guest@10.0.0.7//", "DATABASE_URL": "postgresql://celinder@10.0.0.8/celinder"},
    ],
)
def test_a_safe_start_keeps_cookies_to_https_and_makes_no_file(tmp_path, variables):
    started = start(tmp_path, **SAFE, **variables)
    assert started.stderr == ""
    assert started.stdout == "True True 0 False\n"
    assert not (tmp_path / "data").exists()


def test_the_environment_decides_about_https(tmp_path):
    started = start(tmp_path, **SAFE, CELINDER_HTTPS="no", CELINDER_HSTS_S="3600")
    assert started.stdout == "False False 3600 False\n"
