"""Contract 00, sections 7 and 8: pages, order and filters of lists."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import OTHER_PROJECT, PROJECT
from tests.factories import AttachmentFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import Volume

pytestmark = pytest.mark.both_databases
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def five(db):
    """Five volumes, the newest last; the sizes repeat, and one has no name."""
    return [
        VolumeFactory(
            name=name,
            size_gib=size,
            created_at=EPOCH + timedelta(seconds=number),
            updated_at=EPOCH if number % 2 else None,
        )
        for number, (name, size) in enumerate([("a", 1), ("b", 2), (None, 1), ("d", 3), ("e", 2)])
    ]


def names(answer, collection="volumes"):
    return [each["name"] for each in answer[collection]]


def names_of(calls, query, **rest):
    return names(calls.ok("GET", f"/volumes/detail?{query}", **rest))


def pages(calls, query, *, limit):
    """Follow the links to the end; return the names on each page."""
    path, found = f"/v3/volumes?limit={limit}&{query}", []
    while path:
        answer = calls.ok("GET", path)
        found.append(names(answer))
        [link] = answer.get("volumes_links", [{"href": None}])
        path = link["href"] and link["href"].removeprefix("http://testserver")
    return found


# --- pages -------------------------------------------------------------------------------------------------------


def test_the_newest_comes_first(as_member, five):
    assert names_of(as_member, "") == ["e", "d", None, "b", "a"]


def test_a_page_leads_to_the_next_and_an_exactly_full_one_to_an_empty_one(as_member, five):
    assert pages(as_member, "", limit=2) == [["e", "d"], [None, "b"], ["a"]]
    assert pages(as_member, "", limit=5) == [["e", "d", None, "b", "a"], []]


@pytest.mark.parametrize(
    "key", ["name", "size", "status", "created_at", "updated_at", "bootable", "id", "display_name"]
)
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_together_are_the_list_whatever_the_order(as_member, five, key, direction, limit):
    whole = names_of(as_member, f"sort={key}:{direction}")
    paged = pages(as_member, f"sort={key}:{direction}", limit=limit)
    assert [name for page in paged for name in page] == whole
    assert sorted(map(str, whole)) == ["None", "a", "b", "d", "e"]


def test_several_keys_sort_one_after_the_other(as_member, five):
    assert names_of(as_member, "sort=size:asc,created_at:asc") == ["a", None, "b", "e", "d"]
    assert pages(as_member, "sort=size:asc,created_at:asc", limit=1) == [["a"], [None], ["b"], ["e"], ["d"], []]
    assert names_of(as_member, "sort_key=size&sort_key=created_at&sort_dir=asc") == ["a", None, "b", "e", "d"]
    assert names_of(as_member, "sort=size,name:asc") == ["d", "b", "e", None, "a"]


def test_the_link_keeps_every_parameter_and_names_the_last_item(as_member, five):
    answer = as_member.ok("GET", "/volumes/detail?limit=2&size=1&sort=name:asc&marker=" + str(five[1].pk))
    assert names(answer) == []
    answer = as_member.ok("GET", "/volumes/detail?limit=1&size=1&with_count=true")
    expected = f"http://testserver/v3/{PROJECT}/volumes/detail?limit=1&size=1&with_count=true&marker={five[2].pk}"
    assert answer["volumes_links"] == [{"rel": "next", "href": expected}]


def test_with_count_counts_all_that_match_from_3_45(as_member, five):
    answer = as_member.ok("GET", "/volumes?limit=1&with_count=true&size=2")
    assert (answer["count"], len(answer["volumes"])) == (2, 1)
    assert "count" not in as_member.ok("GET", "/volumes?with_count=false")
    assert as_member.refused("GET", "/volumes?with_count=x")[0] == 400
    # Below, the word is taken as a filter.
    assert len(as_member.ok("GET", "/volumes?with_count=true", version="3.30")["volumes"]) == 5
    assert as_member.refused("GET", "/volumes?with_count=true", version="3.44")[0] == 400


def test_offset_skips_rows_after_the_marker(as_member, five):
    assert names_of(as_member, "offset=1&limit=2") == ["d", None]
    assert names_of(as_member, f"offset=1&marker={five[4].pk}") == [None, "b", "a"]
    assert names_of(as_member, "offset=2147483647") == []


def test_a_page_of_nothing_is_empty_and_leads_nowhere(as_member, five):
    assert as_member.ok("GET", "/volumes?limit=0") == {"volumes": []}


def test_a_page_is_never_longer_than_the_maximum(as_member, five, settings):
    settings.API_MAX_LIMIT = 2
    for query in ("", "?limit=5"):
        answer = as_member.ok("GET", f"/volumes{query}")
        assert len(answer["volumes"]) == 2
        assert "volumes_links" in answer


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=x", "limit param must be an integer"),
        ("limit=", "limit param must be an integer"),
        ("limit=1.5", "limit param must be an integer"),
        ("limit=-1", "limit param must be positive"),
        ("offset=x", "offset must be an integer"),
        ("offset=-1", "offset must be >= 0"),
        ("offset=2147483648", "offset must be <= 2147483647"),
        ("sort=nothing", "Invalid input received: Invalid sort key"),
        ("sort=", "Invalid input received: Invalid sort key"),
        ("sort=size_gib", "Invalid input received: Invalid sort key"),
        ("sort_key=nothing", "Invalid input received: Invalid sort key"),
        ("sort=size:up", "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'."),
        ("sort_key=size&sort_dir=up", "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'."),
        (
            "sort=size&sort_key=size",
            "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.",
        ),
        ("sort_key=size&sort_dir=asc&sort_dir=asc", None),
    ],
)
def test_malformed_parameters_are_refused(as_member, query, message):
    code, _, said = as_member.refused("GET", f"/volumes?{query}")
    assert (code, said) == (400, message or said)


@pytest.mark.parametrize("marker", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_marker_is_not_found(as_member, five, marker):
    code, _, message = as_member.refused("GET", f"/volumes?marker={marker}")
    assert (code, message) == (404, f"Volume {marker} could not be found.")


def test_the_marker_need_not_match_the_filter(as_member, five):
    assert names_of(as_member, f"size=2&marker={five[3].pk}") == ["b"]


def test_a_marker_of_another_project_says_nothing_of_it(as_member, as_admin, five):
    foreign = VolumeFactory(project_id=OTHER_PROJECT)
    assert as_member.refused("GET", f"/volumes?marker={foreign.pk}")[0] == 404
    assert names_of(as_admin, f"marker={foreign.pk}") == ["e", "d", None, "b", "a"]


def test_a_page_deep_in_the_list_is_read_by_an_index(as_member, five):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        as_member.ok("GET", f"/volumes?limit=2&marker={five[2].pk}")
    [listing] = [query["sql"] for query in queries if "ORDER BY" in query["sql"] and "LIMIT 2" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + listing if connection.vendor == "sqlite" else "EXPLAIN " + listing)
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "volume_listing" in plan or connection.vendor != "sqlite"
    assert "TEMP B-TREE" not in plan


# --- filters -----------------------------------------------------------------------------------------------------


@pytest.fixture
def various(db):
    VolumeFactory(name="one", status="available", size_gib=1, metadata={"k": "v", "1": "one"}, is_bootable=True)
    VolumeFactory(name="two", status="error", size_gib=2, metadata={"k": "v", "l": "w"}, availability_zone="east")
    VolumeFactory(name="three", status="in-use", size_gib=3, image_metadata={"os": "x"}, consumes_quota=False)
    VolumeFactory(name="foreign", project_id=OTHER_PROJECT)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=two", ["two"]),
        ("name=", []),
        ("name=['one','two']", []),
        ("status=error", ["two"]),
        ("status=['error','in-use']", ["three", "two"]),
        ('status=["error"]', ["two"]),
        ("size=2", ["two"]),
        ("size=[1,2]", ["two", "one"]),
        ("size=x", []),
        ("size=99999999999999999999", []),
        ("availability_zone=east", ["two"]),
        ("metadata={'k':'v'}", ["two", "one"]),
        ('metadata={"k":"v","l":"w"}', ["two"]),
        ("metadata={'1':'one'}", ["one"]),
        ("metadata={'k':'x'}", []),
        ("metadata={'nothing':'v'}", []),
        ("metadata={'k__contains':'v'}", []),
        ("metadata={'k\"':'v'}", []),
        ("metadata=nonsense", []),
        ("metadata={'k':1}", []),
        ("metadata=['k']", []),
        ("metadata=" + "(" * 500, []),
        ("bootable=true", ["one"]),
        ("bootable=False", ["three", "two"]),
        ("consumes_quota=false", ["three"]),
        ("group_id=00000000-0000-0000-0000-000000000000", []),
        ("migration_status=error", []),
        ("status=error&size=2", ["two"]),
        ("status=error&size=1", []),
        ("name=a%00b", []),
        ("all_tenants=1", ["three", "two", "one"]),
        ("all_tenants=nonsense", ["three", "two", "one"]),
    ],
)
def test_a_member_filters_by_the_configured_list(as_member, various, query, found):
    assert names_of(as_member, query) == found


@pytest.mark.parametrize(
    "query", ["foo=1", "project_id=x", "host=x", "display_name=one", "name~=o", "glance_metadata={}", "user_id=x"]
)
def test_what_a_member_may_not_filter_by_is_dropped_below_3_31_and_then_refused(as_member, various, query):
    assert len(names_of(as_member, query, version="3.30")) == 3
    key = query.partition("=")[0]
    message = f"Invalid filters {key} are found in query options."
    assert as_member.refused("GET", f"/volumes?{query}", version="3.31") == (400, "badRequest", message)


def test_all_unknown_filters_are_named(as_member):
    message = "Invalid filters foo,bar are found in query options."
    assert as_member.refused("GET", "/volumes?foo=1&bar=2&name=x")[2] == message


def test_a_key_beyond_ascii_is_refused_from_3_31(as_member, various):
    assert len(names_of(as_member, "ü=1", version="3.30")) == 3
    message = "Filter keys can only contain ASCII characters."
    assert as_member.refused("GET", "/volumes?ü=1", version="3.31")[2] == message


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("foo=1", []),
        ("volume_type=x", []),
        ("name~=o", ["two", "one"]),
        ("name~=_", []),
        ("name~=%25", []),
        ("display_name=two", ["two"]),
        ("user_id=" + "1" * 32, ["three", "two", "one"]),
        ("glance_metadata={'os':'x'}", ["three"]),
        ("project_id=" + OTHER_PROJECT, ["three", "two", "one"]),
        ("all_tenants=1", ["foreign", "three", "two", "one"]),
        ("all_tenants=1&project_id=" + OTHER_PROJECT, ["foreign"]),
        ("all_tenants=1&tenant=" + OTHER_PROJECT, []),
        ("all_tenants=0", ["three", "two", "one"]),
        ("id=nonsense", []),
    ],
)
def test_an_administrator_filters_by_any_column(as_admin, various, query, found):
    assert names_of(as_admin, query) == found


def test_an_administrator_finds_what_lives_in_a_pool(as_admin, various, settings):
    host = f"{settings.CLUSTER_HOST}@mem1#mem1"
    assert len(names_of(as_admin, f"host={quote(host)}")) == 3
    assert names_of(as_admin, "host=elsewhere@mem1%23mem1") == []


def test_the_copies_of_a_migration_are_for_administrators(as_member, as_admin, various):
    VolumeFactory(name="copy", migration_status="target:00000000-0000-0000-0000-000000000000")
    assert "copy" not in names_of(as_member, "")
    assert "copy" in names_of(as_admin, "")


def test_all_tenants_of_an_administrator_must_be_a_truth_value(as_admin):
    assert as_admin.refused("GET", "/volumes?all_tenants=nonsense")[0] == 400


def test_likeness_is_ignored_below_3_31(as_admin, various):
    assert len(names_of(as_admin, "name~=o", version="3.30")) == 3


def test_bootable_is_strict_from_3_2(as_member, various):
    assert names_of(as_member, "bootable=nonsense", version="3.1") == ["one"]
    assert names_of(as_member, "bootable=false", version="3.1") == ["three", "two"]
    assert as_member.refused("GET", "/volumes?bootable=nonsense", version="3.2")[0] == 400


def test_group_id_is_dropped_for_everyone_below_3_10(as_member, as_admin, various):
    for calls in (as_member, as_admin):
        assert len(names_of(calls, "group_id=x", version="3.9")) == 3
        assert names_of(calls, "group_id=x", version="3.10") == []


def test_consumes_quota_matches_nothing_below_3_31(as_member, various):
    assert names_of(as_member, "consumes_quota=true", version="3.30") == []
    assert as_member.refused("GET", "/volumes?consumes_quota=x")[0] == 400


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("gt:2026-01-01T00:00:03", ["e"]),
        ("gte:2026-01-01T00:00:03", ["e", "d"]),
        ("lt:2026-01-01T00:00:01Z", ["a"]),
        ("lte:2026-01-01T01:00:01%2B01:00", ["b", "a"]),
        ("eq:2026-01-01T00:00:01", ["b"]),
        ("neq:2026-01-01T00:00:01", ["e", "d", None, "a"]),
        ("gt:2026-01-01T00:00:00,lt:2026-01-01T00:00:03", [None, "b"]),
    ],
)
def test_times_are_compared(as_member, five, value, found):
    assert names_of(as_member, f"created_at={value}") == found
    assert len(names_of(as_member, f"created_at={value}", version="3.30")) == 5


@pytest.mark.parametrize(
    ("value", "said"), [("foo:2026-01-01", "Invalid foo operator"), ("gt:x", "Invalid created_at value")]
)
def test_a_time_or_an_operator_that_is_none_is_refused(as_member, value, said):
    assert as_member.refused("GET", f"/volumes?created_at={value}") == (400, "badRequest", said)


# --- other lists -------------------------------------------------------------------------------------------------


def test_lists_of_attachments_have_pages_but_no_links(as_member):
    made = [AttachmentFactory() for _ in range(3)]
    answer = as_member.ok("GET", "/attachments?limit=2")
    assert list(answer) == ["attachments"]
    assert [each["id"] for each in answer["attachments"]] == [str(made[2].pk), str(made[1].pk)]
    answer = as_member.ok("GET", f"/attachments?limit=2&marker={made[1].pk}")
    assert [each["id"] for each in answer["attachments"]] == [str(made[0].pk)]
    code, _, message = as_member.refused("GET", "/attachments?marker=x")
    assert (code, message) == (404, "Volume attachment could not be found with filter: attachment_id = x.")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("volume_id={0.volume_id}", 1),
        ("instance_id={0.instance_id}", 1),
        ("attach_status=reserved", 2),
        ("status=reserved", 2),
        ("status=attached", 0),
    ],
)
def test_attachments_are_filtered(as_member, query, count):
    first = AttachmentFactory()
    AttachmentFactory()
    AttachmentFactory(volume__project_id=OTHER_PROJECT)
    found = as_member.ok("GET", "/attachments?" + query.format(first))["attachments"]
    assert len(found) == count


def test_hidden_attachments_are_not_listed(as_member, as_admin):
    hidden = AttachmentFactory(is_listed=False)
    for calls in (as_member, as_admin):
        assert calls.ok("GET", "/attachments/detail?all_tenants=1" if calls is as_admin else "/attachments") == {
            "attachments": []
        }
        assert calls.refused("GET", f"/attachments/{hidden.pk}")[0] == 404


def test_an_unknown_marker_of_types_is_ignored(as_member):
    VolumeTypeFactory()
    whole = as_member.ok("GET", "/types")
    assert as_member.ok("GET", "/types?marker=x") == whole
    answer = as_member.ok("GET", "/types?limit=1")
    assert "volume_type_links" in answer


def test_volumes_of_a_project_without_any_are_an_empty_list(as_stranger, five):
    assert as_stranger.ok("GET", "/volumes/detail") == {"volumes": []}
    assert Volume.objects.count() == 5
