import sqlite3
import uuid
from contextlib import closing

import pytest

from storage_site.fleet.chaos import books
from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.verdict import Verdict, examine_books

COLUMNS = (
    "serial INTEGER, resource_type, resource_id, verb, task, step, percent, owner, decision, outcome, fault_code, "
    "fault_detail, attempts, arguments"
)
VOLUME = str(uuid.uuid4())


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "database"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE operations_operation ({COLUMNS})")
        for table in ("volumes_volume", "volumes_snapshot", "volumes_attachment", "backups_backup"):
            connection.execute(f"CREATE TABLE {table} (id, status)")
        connection.commit()
        yield path, connection


def add(connection, verb: str, *, outcome: str, step: str = "", owner: str = "", arguments: str = "{}") -> None:
    begun = (1, "volumes.volume", uuid.UUID(VOLUME).hex, verb, "volumes.tasks.create_volume", step, 0, owner, "{}")
    marks = ", ".join("?" * 14)
    insert = f"INSERT INTO operations_operation VALUES ({marks})"  # noqa: S608 - marks alone
    connection.execute(insert, (*begun, outcome, "code", "why", 0, arguments))
    connection.commit()


def verdict_on(path, *, promised: str, after: int = 0) -> Verdict:
    verdict, ledger = Verdict(seed=1), Ledger()
    ledger.accept(VOLUME, promised, found_out=False)
    with books.opened(path) as opened:
        examine_books(verdict, opened, ledger, after)
    return verdict


def test_a_promise_that_was_kept_is_good(database):
    path, connection = database
    add(connection, "create", outcome="succeeded")
    verdict = verdict_on(path, promised="create")
    assert (verdict.is_good, verdict.accepted, verdict.ended) == (True, 1, 1)


def test_a_promise_without_an_operation_is_lost(database):
    path, connection = database
    add(connection, "create", outcome="succeeded")
    assert "delete of" in verdict_on(path, promised="delete").lost[0]


def test_work_that_failed_is_lost_and_that_of_an_earlier_run_is_not_counted(database):
    path, connection = database
    add(connection, "create", outcome="failed")
    assert len(verdict_on(path, promised="create").lost) == 1
    assert verdict_on(path, promised="create", after=1).lost == []


def test_work_that_has_not_ended_is_stuck_and_a_row_that_stays_is_left(database):
    path, connection = database
    add(connection, "create", outcome="", step="made", owner="host/7/x")
    connection.execute("INSERT INTO backups_backup VALUES (?, 'available')", (uuid.uuid4().hex,))
    connection.commit()
    verdict = verdict_on(path, promised="create")
    assert verdict.stuck == ["volume.create · create_volume · made has not ended"]
    assert len(verdict.leftovers) == 1
    assert not verdict.is_good


def test_what_a_killed_process_held_is_told_by_its_number_and_no_other(database):
    path, connection = database
    add(connection, "create", outcome="", step="made", owner="host/77/x")
    with books.opened(path) as opened:
        assert [one.phase for one in opened.held_by(77)] == ["volume.create · create_volume · made"]
        assert opened.held_by(7) == []


def test_a_volume_that_is_made_of_another_is_told_from_a_blank_one(database):
    path, connection = database
    add(connection, "create", outcome="", step="made", owner="host/7/x", arguments='{"pinned": {"backend": "local"}}')
    with books.opened(path) as opened:
        assert [one.phase for one in opened.unfinished()] == ["volume.create of a copy · create_volume · made"]
