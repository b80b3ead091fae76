"""No secret comes out of a fleet: each is a word of its own, a story is told, and all that can be read is searched."""

import json
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar
from urllib.parse import urlencode

import psutil
import pytest
from keystoneauth1.exceptions import Unauthorized
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from storage_site.fleet import leftovers
from tests.fleets import Place, place
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]
NAMES = ("key", "watch", "keystone", "access", "secret", "wrong", "chap")
WORDS = {name: f"canary-{name}-5f1e9b7c" for name in NAMES}
CONNECTOR = {"host": "client1", "ip": "127.0.0.1", "chap_secret": WORDS["chap"]}
PAGES = ("", "doctor/", "volumes/volume/", "volumes/attachment/", "backups/backup/", "backups/repository/")
PAGES += ("operations/operation/", "operations/service/", "identity/user/")


@dataclass
class Told:
    """All that was said, by where, and what nobody may have said, by what it is."""

    said: dict[str, str]
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    variables = {
        "CELINDER_SECRET_KEY": WORDS["key"],
        "CELINDER_WATCH_TOKEN": WORDS["watch"],
        "CELINDER_KEYSTONE_PASSWORD": WORDS["keystone"],
        "CELINDER_LOG_FORMAT": "json",
        "CELINDER_LOG_LEVEL": "DEBUG",
        "CELINDER_CANARY_INTERVAL_S": "2",
        "CELINDER_SWEEP_INTERVAL_S": "1",
        "PYTHONFAULTHANDLER": "1",
    }
    with place(**variables) as here:
        (here.root / "kept").mkdir()
        here.environment["CELINDER_BACKUP_TARGETS"] = json.dumps(
            {
                "kept": {"driver": "posix", "path": str(here.root / "kept")},
                "away": {
                    "driver": "s3",
                    "endpoint_url": "http://127.0.0.1:9",
                    "bucket": "backups",
                    "access_key": WORDS["access"],
                    "secret_key": WORDS["secret"],
                },
            }
        )
        here.up()
        said, token = _story(here)
        yield Told(said | _logs(here) | _command_lines(here), _secrets(here) | {"token": token})


def _story(here: Place) -> tuple[dict[str, str], str]:
    """Log in, wrongly too, make, attach, back up, fail and crash; return what was answered, and a token."""
    stage = here.stage()
    given = stage.credentials("demo")
    wrong = Password(
        auth_url=given["OS_AUTH_URL"],
        username="demo",
        password=WORDS["wrong"],
        project_name=given["OS_PROJECT_NAME"],
        user_domain_name="Default",
        project_domain_name="Default",
    )
    with pytest.raises(Unauthorized):
        Session(wrong).get_token()
    client = stage.client("demo")
    volume = client.volumes.create(1, name="told")
    stage.settled("volumes", "told")
    attachment = client.attachments.create(volume.id, CONNECTOR, mode="rw")["id"]
    client.attachments.complete(attachment)
    client.backups.create(volume.id, container="kept", name="kept", force=True)
    stage.settled("backups", "kept")
    client.backups.create(volume.id, container="away", name="away", force=True)
    token = client.client.session.get_token()
    project = client.client.session.get_project_id()

    def asked(path: str, **headers: str) -> str:
        return _asked(f"{here.url}{path}", {"X-Auth-Token": token, **headers})

    failure = re.compile(r'"fault_code": ?"[a-z]')
    until(lambda: failure.search(asked(f"/v3/{project}/operations")), "the failure is told", 90)
    os.kill(here.processes["scheduler"], signal.SIGABRT)  # its trace goes to its log
    log = here.directory.log_of("scheduler")
    until(lambda: "Fatal Python error" in log.read_text(), "the crash is told")
    paths = ["volumes/detail", "attachments/detail", "backups/detail", "operations", f"volumes/{volume.id}/timeline"]
    said = {path: asked(f"/v3/{project}/{path}", **{"OpenStack-API-Version": "volume 3.71"}) for path in paths}
    said["metrics"] = _asked(f"{here.url}/metrics", {"Authorization": f"Bearer {WORDS['watch']}"})
    said["healthz"] = _asked(f"{here.url}/healthz", {"Accept": "application/json"})
    said["doctor"] = here.manage("doctor", "--json").stdout
    said["check"] = here.manage("check", "--deploy").stderr
    return said | _console(here), token


def _asked(url: str, headers: dict[str, str]) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:  # noqa: S310
        return answer.read().decode()


def _console(here: Place) -> dict[str, str]:
    """Log in to the console, wrongly first; return its pages, those of the first row of each list too."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    password = here.stage().credentials("admin")["OS_PASSWORD"]
    said = {}
    for given in (WORDS["wrong"], password):
        form = browser.open(f"{here.url}/admin/login/?next=/admin/").read().decode()
        [mark] = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form))
        sent = urlencode({"username": "admin", "password": given, "csrfmiddlewaretoken": mark, "next": "/admin/"})
        said[f"log-in with {len(given)}"] = browser.open(f"{here.url}/admin/login/", sent.encode()).read().decode()
    for page in PAGES:
        said[f"/admin/{page}"] = browser.open(f"{here.url}/admin/{page}").read().decode()
        for link in re.findall(rf'href="(/admin/{page}[0-9a-f-]+/change/)', said[f"/admin/{page}"])[:2]:
            said[link] = browser.open(f"{here.url}{link}").read().decode()
    return said


def _logs(here: Place) -> dict[str, str]:
    return {f"log of {path.stem}": path.read_text(errors="replace") for path in (here.root / "log").iterdir()}


def _command_lines(here: Place) -> dict[str, str]:
    lines = {}
    for process in leftovers.processes(here.root):
        with suppress(psutil.Error):
            lines[f"command of {process.pid}"] = " ".join(psutil.Process(process.pid).cmdline())
    return lines


def _secrets(here: Place) -> dict[str, str]:
    passwords = {user: here.stage().credentials(user)["OS_PASSWORD"] for user in ("admin", "demo")}
    master = {"master key": (here.root / "backup.keys").read_text().split()[0]}
    return WORDS | passwords | master


def test_the_story_was_heard(told):
    assert len([name for name in told.said if name.startswith("command")]) >= 6
    assert {"log of web", "log of backup", "log of volume-local", "log of scheduler"} <= set(told.said)
    assert "Fatal Python error" in told.said["log of scheduler"]
    assert "celinder_http_requests_total" in told.said["metrics"]
    assert len([name for name in told.said if name.endswith("/change/")]) >= 5
    assert '"queues"' not in told.said["healthz"] or "backup" in told.said["healthz"]


def test_nobody_has_said_a_secret(told):
    for what, secret in told.secrets.items():
        assert [where for where, text in told.said.items() if secret in text] == [], what


def test_lines_about_an_operation_s_work_carry_its_fence_and_the_request(told):
    lines = [json.loads(line) for name in ("backup", "volume-local") for line in _json(told.said[f"log of {name}"])]
    about = [line for line in lines if "operation_id" in line and line["logger"].startswith(("volumes", "backups"))]
    working = [line for line in lines if "fence" in line]
    assert working, "nothing was logged at work"
    assert all("operation_id" in line and "request_id" in line for line in working)
    assert all("fence" in line for line in about)


def _json(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("{")]
