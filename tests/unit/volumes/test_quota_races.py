"""Quotas hold when many ask at once (contract 05, section 3): through HTTP, each on a connection of its own."""

import threading
from functools import partial

import pytest
from django.db import connection, transaction

from tests.calls import Calls
from tests.factories import PROJECT, SnapshotFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Quota

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases, pytest.mark.timeout(300)]
# SQLite lets one write at a time, and makes the others wait only so long.
ASKING, LIMIT = (50, 10) if connection.vendor == "postgresql" else (6, 2)
VOLUMES = ("volumes", "gigabytes", "volumes___DEFAULT__", "gigabytes___DEFAULT__")
SNAPSHOTS = ("snapshots", "gigabytes", "snapshots___DEFAULT__", "gigabytes___DEFAULT__")
BACKUPS = ("backups", "backup_gigabytes")
UNLIMITED = ("volumes", "gigabytes", "snapshots", "backups", "backup_gigabytes")


def volumes():
    return [("/volumes", {"volume": {"size": 1}})] * ASKING


def snapshots():
    """Return the bodies for snapshots of a few volumes that are not counted, several of each."""
    made = VolumeFactory.create_batch(5, consumes_quota=False)
    return [("/snapshots", {"snapshot": {"volume_id": str(made[n % 5].pk)}}) for n in range(ASKING)]


def backups():
    """Return the bodies for backups of one snapshot each, of volumes of their own."""
    made = SnapshotFactory.create_batch(ASKING, consumes_quota=False)
    return [("/backups", {"backup": {"volume_id": str(s.volume_id), "snapshot_id": str(s.pk)}}) for s in made]


CASES = [
    (kind, name, resource)
    for kind, name, resources in (
        (volumes, "volumes", VOLUMES), (snapshots, "snapshots", SNAPSHOTS), (backups, "backups", BACKUPS)
    )
    for resource in resources
]  # fmt: skip


def told_and_there(member, name, resource):
    """Return what the API says of the use of the resource, and how many rows there are, both of one moment."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        usage = Calls(member).ok("GET", f"/os-quota-sets/{PROJECT}?usage=true")["quota_set"]
        rows = Calls(member).ok("GET", f"/{name}?limit=0&with_count=true&status=creating")["count"]
    return usage[resource]["in_use"], rows


@pytest.mark.parametrize(("kind", "name", "resource"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_of_many_who_ask_at_once_just_as_many_get_it_as_may_have_it(member, kind, name, resource):
    for other in UNLIMITED:
        Quota.objects.create(project_id=PROJECT, resource=other, limit=-1)
    requests = kind()
    before = Calls(member).ok("GET", f"/os-quota-sets/{PROJECT}?usage=true")["quota_set"][resource]["in_use"]
    Quota.objects.update_or_create(project_id=PROJECT, resource=resource, defaults={"limit": before + LIMIT})
    ended, seen = threading.Event(), []

    def look():
        while not ended.is_set() and connection.vendor == "postgresql":
            seen.append(told_and_there(member, name, resource))
        connection.close()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        answers = at_once(*[partial(Calls(member), "POST", path, body) for path, body in requests])
    finally:
        ended.set()
        looking.join(30)
    codes = [getattr(answer, "status_code", answer) for answer in answers]
    assert (codes.count(202), codes.count(413)) == (LIMIT, ASKING - LIMIT), codes
    seen.append(told_and_there(member, name, resource))
    assert seen[-1] == (before + LIMIT, LIMIT)
    assert all(used == before + rows and rows <= LIMIT for used, rows in seen), seen
