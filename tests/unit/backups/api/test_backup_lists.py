"""Contract 04 section 1 and contract 00 sections 7 and 8: lists of backups, chosen, sorted and cut."""

import uuid

import pytest

from tests.factories import BackupFactory

NOBODY = str(uuid.UUID(int=1))


def found(calls, query, **rest):
    return {one["name"] for one in calls.ok("GET", f"/backups?{query}", **rest)["backups"]}


def test_members_find_backups_by_name_status_and_volume(as_member):
    wanted = BackupFactory(name="wanted", status="error")
    BackupFactory(name="other")
    for query in ("name=wanted", "status=error", f"volume_id={wanted.volume_id}"):
        assert found(as_member, query) == {"wanted"}, query
    assert found(as_member, "name=want") == set()
    assert found(as_member, "status=['error']") == set()
    for query in ("size=1", "metadata={'a':'b'}", "parent_id=x", "name~=w", "display_name=wanted", "own=1"):
        assert as_member.refused("GET", f"/backups?{query}")[0] == 400, query
        assert found(as_member, query, version="3.30") == {"wanted", "other"}, query


def test_administrators_find_them_by_any_column(as_admin):
    wanted = BackupFactory(
        name="wanted", size_gib=7, container="c", availability_zone="z", parent_id=NOBODY, snapshot_id=NOBODY,
        description="d", fail_reason="f", user_id="4" * 32, object_count=9,
    )  # fmt: skip
    BackupFactory(name="other")
    for query in (
        f"id={wanted.pk}", "size=7", "container=c", "availability_zone=z", f"parent_id={NOBODY}", "name~=want",
        f"snapshot_id={NOBODY}", "description=d", "fail_reason=f", f"user_id={'4' * 32}", "object_count=9",
    ):  # fmt: skip
        assert found(as_admin, query) == {"wanted"}, query
    for query in ("size=x", "own=1", "metadata={'a':'b'}", "parent_id=x"):
        assert found(as_admin, query) == set(), query


def test_all_projects_are_listed_for_administrators_who_ask(as_admin, as_member, as_stranger):
    BackupFactory(name="ours")
    BackupFactory(name="theirs", project_id="b" * 32)
    assert found(as_admin, "") == {"ours"}
    assert found(as_admin, "all_tenants=1") == {"ours", "theirs"}
    assert found(as_admin, "all_tenants=0") == {"ours"}
    assert found(as_admin, f"all_tenants=1&project_id={'b' * 32}") == {"theirs"}
    assert found(as_admin, f"project_id={'b' * 32}") == {"ours"}
    assert as_admin.refused("GET", "/backups?all_tenants=maybe")[0] == 400
    assert found(as_member, "all_tenants=1") == {"ours"}
    assert found(as_member, "all_tenants=maybe") == {"ours"}
    assert found(as_stranger, "") == {"theirs"}


@pytest.mark.parametrize(
    ("key", "since"), [("id", "3.0"), ("status", "3.0"), ("size", "3.0"), ("volume_id", "3.0"), ("container", "3.0"),
                       ("created_at", "3.0"), ("name", "3.37"), ("parent_id", "3.0"), ("data_timestamp", "3.0")],
)  # fmt: skip
def test_lists_are_sorted_and_cut_by_every_key(as_member, key, since):
    BackupFactory.create_batch(3)
    BackupFactory(parent_id=NOBODY, size_gib=2, status="error", container=None)
    for direction in ("asc", "desc"):
        query = f"sort={key}:{direction}"
        whole = [one["id"] for one in as_member.ok("GET", f"/backups?{query}", version=since)["backups"]]
        assert len(whole) == 4
        pages, marker = [], ""
        while len(pages) < 4:
            page = as_member.ok("GET", f"/backups/detail?{query}&limit=2{marker}", version=since)
            pages += [one["id"] for one in page["backups"]]
            marker = f"&marker={pages[-1]}"
            assert page["backups_links"][0]["href"].endswith(f"marker={pages[-1]}")
        assert pages == whole


def test_what_lists_cannot_be_sorted_or_cut_by_is_refused(as_member):
    for query, version, code in (
        ("sort=name", "3.36", 400),
        ("sort=own", "3.71", 400),
        ("sort=size:up", "3.71", 400),
        ("limit=-1", "3.71", 400),
        ("limit=x", "3.71", 400),
        (f"marker={NOBODY}", "3.71", 404),
        ("marker=x", "3.71", 404),
        ("with_count=maybe", "3.45", 400),
    ):
        assert as_member.refused("GET", f"/backups?{query}", version=version)[0] == code, query


def test_the_newest_come_first_and_are_counted_on_demand(as_member):
    made = [str(backup.pk) for backup in BackupFactory.create_batch(3)]
    for path in ("/backups", "/backups/detail"):
        page = as_member.ok("GET", f"{path}?limit=2&with_count=true")
        assert [one["id"] for one in page["backups"]] == made[:0:-1]
        assert page["count"] == 3
        assert "count" not in as_member.ok("GET", path)
    assert as_member.refused("GET", "/backups?with_count=true", version="3.44")[0] == 400
