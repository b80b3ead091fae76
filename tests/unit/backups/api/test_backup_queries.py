"""How many queries calls about backups take: few, and no more for long lists than for short ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import BackupFactory, SnapshotFactory, VolumeFactory


def queries_of(calls, *call):
    with CaptureQueriesContext(connection) as queries:
        answer = calls(*call)
    assert answer.status_code < 300, answer.content
    counted = [
        query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
    ]
    return len(counted), "\n".join(counted)


@pytest.mark.parametrize(
    ("is_of_snapshot", "is_incremental", "most"),
    # Three things are written where a snapshot is to be taken, two where there is one, their edges together.
    [(False, False, 9), (False, True, 10), (True, False, 9), (True, True, 10)],
)
def test_creating_takes_few(as_member, is_of_snapshot, is_incremental, most):
    snapshot = SnapshotFactory()
    BackupFactory(volume=snapshot.volume, data_timestamp="2020-01-01T00:00:00Z")
    as_member("POST", "/backups", {"backup": {"volume_id": str(VolumeFactory().pk)}})  # which makes the lock's row
    body = {"volume_id": str(snapshot.volume_id), "incremental": is_incremental}
    body |= {"snapshot_id": str(snapshot.pk)} if is_of_snapshot else {}
    count, sql = queries_of(as_member, "POST", "/backups", {"backup": body})
    assert count <= most, sql


@pytest.mark.parametrize("who", ["member", "admin"])
def test_showing_takes_at_most_three(who, request):
    calls = request.getfixturevalue(f"as_{who}")
    backup = BackupFactory(status="error", fail_reason="x")
    count, sql = queries_of(calls, "GET", f"/backups/{backup.pk}")
    assert count <= 3, sql


@pytest.mark.parametrize("who", ["member", "admin"])
@pytest.mark.parametrize("path", ["/backups", "/backups/detail"])
@pytest.mark.parametrize("length", [1, 30])
def test_a_page_takes_at_most_four_whatever_its_length(who, path, length, request):
    calls = request.getfixturevalue(f"as_{who}")
    made = BackupFactory.create_batch(length + 1, status="error", fail_reason="x")
    for marked in ("", f"&marker={made[-1].pk}"):
        count, sql = queries_of(calls, "GET", f"{path}?limit=1000&with_count=true{marked}")
        assert count <= 4, sql


def test_deleting_and_restoring_take_few(as_member):
    deleted, sql = queries_of(as_member, "DELETE", f"/backups/{BackupFactory().pk}")
    assert deleted <= 4, sql
    body = {"restore": {"volume_id": str(VolumeFactory().pk)}}
    restored, sql = queries_of(as_member, "POST", f"/backups/{BackupFactory().pk}/restore", body)
    assert restored <= 8, sql
