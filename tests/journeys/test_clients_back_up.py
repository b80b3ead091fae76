"""Backups by the clients that people have, unmodified: python-cinderclient and python-openstackclient."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage_site.fleet.chaos.content import Content
from tests.journeys.backing_up import DIRECTORY, S3, Keeper, keeper
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def keeping():
    with keeper() as found:
        yield found
        found.here.down()


def row(table: str, name: str) -> str:
    """Return the value of a row in a table of two columns."""
    cells = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in table.splitlines() if "|" in line]
    return next(value for found, value, *_ in cells if found == name)


def openstack(keeping: Keeper, user: str, *words: str):
    """Run `openstack volume backup …`; return what it prints, read as JSON where it is."""
    prints = words[0] in {"create", "list", "show", "restore"} or words[:2] == ("record", "export")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("openstack")),
            "volume",
            "backup",
            *words,
            *(["-f", "json"] if prints else []),
        ],
        env={**os.environ, **keeping.stage.credentials(user)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if prints else done.stdout


def test_cinder_makes_lists_shows_restores_exports_imports_resets_and_deletes(keeping):
    command = keeping.stage.command
    volume, content = keeping.volume("by-cinder"), Content()
    first = keeping.scribbled(volume, content, 16)
    assert row(command("demo", "backup-create", "--name", "one", "--container", DIRECTORY, volume), "name") == "one"
    backup = keeping.client.backups.find(name="one").id
    keeping.settled("backups", backup)
    second = keeping.scribbled(volume, content, 4)
    command("demo", "backup-create", "--name", "two", "--container", DIRECTORY, "--incremental", volume)
    increment = keeping.settled("backups", keeping.client.backups.find(name="two").id)
    listed = command("demo", "backup-list")
    assert backup in listed
    assert increment in listed
    shown = command("demo", "backup-show", "two")
    assert (row(shown, "status"), row(shown, "is_incremental"), row(shown, "volume_id")) == (
        "available",
        "True",
        volume,
    )
    command("demo", "backup-update", "--description", "told", "two")
    assert keeping.client.backups.get(increment).description == "told"

    command("demo", "backup-restore", "--volume", volume, "one")
    keeping.settled("backups", backup)
    keeping.holds(keeping.settled("volumes", volume), first)
    answer = command("demo", "backup-restore", "--name", "again", "two")
    new = keeping.settled("volumes", row(answer, "volume_id"))
    keeping.settled("backups", increment)
    keeping.holds(new, second)

    command("admin", "backup-reset-state", "--state", "error", increment)
    assert keeping.client.backups.get(increment).status == "error"
    command("admin", "backup-reset-state", "--state", "available", increment)
    record = command("admin", "backup-export", increment)
    service, url = row(record, "backup_service"), row(record, "backup_url")
    _lose_the_row(keeping, increment)
    assert row(command("admin", "backup-import", service, url), "id") == increment
    admin = keeping.stage.client("admin")
    until(lambda: admin.backups.get(increment).status == "available", "the record is imported", 60)
    back = admin.restores.restore(increment, name="imported").volume_id
    until(lambda: admin.volumes.get(back).status == "available", "it is restored", 120)

    command("admin", "backup-delete", increment)
    until(lambda: increment not in {one.id for one in admin.backups.list()}, "the imported one is gone", 60)
    command("demo", "backup-delete", "one")
    until(lambda: not keeping.client.backups.list(), "all are gone", 60)
    command("admin", "delete", back)
    keeping.deleted("volumes", volume, new)


def test_openstack_makes_lists_shows_changes_restores_exports_and_deletes(keeping):
    volume, content = keeping.volume("by-openstack"), Content()
    first = keeping.scribbled(volume, content, 16)
    made = openstack(keeping, "demo", "create", "--name", "three", "--container", S3, volume)
    keeping.settled("backups", made["id"])
    assert made["id"] in {one["ID"] for one in openstack(keeping, "demo", "list")}
    assert openstack(keeping, "demo", "show", "three")["container"] == S3
    openstack(keeping, "demo", "set", "--name", "four", "three")
    assert keeping.client.backups.get(made["id"]).name == "four"

    keeping.scribbled(volume, content, 4)
    openstack(keeping, "demo", "restore", "--force", "four", volume)
    keeping.settled("backups", made["id"])
    keeping.holds(keeping.settled("volumes", volume), first)
    new = openstack(keeping, "demo", "restore", "four", "as-new")["volume_id"]
    keeping.settled("backups", made["id"])
    keeping.holds(keeping.settled("volumes", new), first)

    record = openstack(keeping, "admin", "record", "export", made["id"])
    assert {name.lower() for name in record} >= {"backup_service", "backup_url"}
    openstack(keeping, "demo", "delete", "four")
    until(lambda: made["id"] not in {one.id for one in keeping.client.backups.list()}, "it is gone", 60)
    keeping.deleted("volumes", volume, new)


def _lose_the_row(keeping: Keeper, backup: str) -> None:
    """Forget the backup, as a database does that is restored from before it was made."""
    program = f"from backups.models import Backup; print(Backup.objects.filter(pk='{backup}').delete()[0])"
    done = keeping.here.manage("shell", "-v", "0", "-c", program)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
