"""Contract 00, sections 3, 4 and 6 to 8, row by row, on one kind of list after another."""

import pytest

from tests.factories import BackupFactory, SnapshotFactory, VolumeFactory

LISTS = ("volumes", "volumes/detail", "snapshots", "snapshots/detail", "backups", "backups/detail", "attachments")
PAGED = (*LISTS, "messages", "volume-transfers", "types", "group_types", "groups", "group_snapshots")
REFUSED = [
    ("limit=x", "limit param must be an integer"),
    ("limit=-1", "limit param must be positive"),
    ("offset=x", "offset"),
    ("offset=-1", "offset"),
    ("offset=2147483648", "offset"),
    ("sort=nothing", "Invalid input received: Invalid sort key"),
    ("sort=id:up", "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'."),
    ("sort_key=id&sort=id", "The 'sort_key' and 'sort_dir' parameters are deprecated"),
    ("sort_key=id&sort_dir=asc&sort_dir=asc", ""),
]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize(("query", "text"), REFUSED)
def test_a_page_that_cannot_be_is_refused(as_admin, path, query, text):
    code, _, message = as_admin.refused("GET", f"/{path}?{query}")
    assert code == 400
    assert text in message


@pytest.mark.parametrize("path", PAGED)
def test_no_items_may_be_asked_for(as_admin, path):
    answer = as_admin.ok("GET", f"/{path}?limit=0")
    assert list(answer.values()) == [[]]


@pytest.mark.parametrize("path", LISTS)
def test_a_marker_that_is_nothing_is_not_found(as_admin, path):
    for marker in ("nothing", ""):
        assert as_admin.refused("GET", f"/{path}?marker={marker}")[0] == 404


@pytest.mark.parametrize("path", LISTS)
def test_unknown_filters_are_dropped_at_first_and_refused_later(as_member, as_admin, path):
    first = "3.27" if path == "attachments" else "3.0"
    as_member.ok("GET", f"/{path}?foo=1", version=first)
    text = "Invalid filters foo are found in query options."
    assert as_member.refused("GET", f"/{path}?foo=1", version="3.31")[2] == text
    for make in (VolumeFactory, SnapshotFactory, BackupFactory):
        make()
    for version in (first, "3.71"):
        assert as_admin.ok("GET", f"/{path}?foo=1", version=version)[path.partition("/")[0]] == []


@pytest.mark.parametrize("path", ["volumes", "volumes/detail", "backups", "backups/detail", "volumes/summary"])
def test_all_tenants_is_a_truth_value_for_administrators(as_admin, as_member, path):
    assert as_admin.refused("GET", f"/{path}?all_tenants=maybe")[0] == 400
    as_member.ok("GET", f"/{path}?all_tenants=maybe")


@pytest.mark.parametrize("path", ["volumes", "snapshots", "backups"])
def test_a_count_is_a_truth_value_from_its_version_on(as_member, as_admin, path):
    assert as_member.refused("GET", f"/{path}?with_count=maybe", version="3.45")[0] == 400
    assert as_member.refused("GET", f"/{path}?with_count=true", version="3.44")[0] == 400
    assert as_member.ok("GET", f"/{path}?with_count=true", version="3.30") == {path: []}
    assert as_admin.ok("GET", f"/{path}?with_count=true", version="3.44") == {path: []}


VERSIONS = [
    ("compute 2.1", 400, None),
    ("3.27", 400, None),
    ("", 400, None),
    ("Volume 3.27", 400, None),
    ("volume", 400, None),
    ("volume 3", 400, None),
    ("volume 3.01", 400, None),
    ("volume 03.1", 400, None),
    ("volume x", 400, None),
    ("compute 2.1, volume 3.27", 200, "volume 3.27"),
    ("volume 3.27,volume 3.1", 200, "volume 3.27"),
    ("volumev3 3.27", 200, "volume 3.27"),
    ("volume latest", 200, "volume 3.71"),
    ("volume 3.72", 406, "volume 3.72"),
    ("volume 4.0", 406, "volume 4.0"),
    ("volume 2.1", 406, None),
    ("volume 1.0", 406, None),
]


@pytest.mark.parametrize(("header", "code", "told"), VERSIONS)
def test_the_version_is_read_as_its_row_says(as_member, header, code, told):
    answer = as_member("GET", "/volumes", version=None, headers={"OpenStack-API-Version": header})
    assert (answer.status_code, answer.get("OpenStack-API-Version")) == (code, told), answer.content
    assert answer["x-openstack-request-id"].startswith("req-")


BODIES = [
    (b"null", "None is not of type 'object'"),
    (b"{}", "'volume' is a required property"),
    (b"[1]", "[1] is not of type 'object'"),
    (b"{nope", "Malformed request body"),
    (b'{"volume": null}', ""),
    (b'{"volume": []}', ""),
    (b'{"volume": 1}', ""),
]


@pytest.mark.parametrize(("raw", "text"), BODIES)
def test_what_is_no_request_is_refused_in_words(as_member, raw, text):
    for version in ("3.0", "3.71"):
        code, _, message = as_member.refused("POST", "/volumes", raw=raw, version=version)
        assert code == 400
        assert text in message


@pytest.mark.parametrize("path", ["/volumes", "/snapshots", "/backups", "/attachments", "/types", "/volume-transfers"])
def test_a_body_is_needed_and_has_a_type_that_is_known(as_admin, path):
    assert as_admin.refused("POST", path)[0] == 400
    assert as_admin.refused("POST", path, raw=b"{}", content_type="text/plain")[0] == 415
