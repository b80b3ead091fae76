"""Contract 06, section 5: group types over HTTP."""

import uuid

import pytest

from tests import schemas
from tests.factories import GroupTypeFactory
from volumes.models import GroupType
from volumes.services.group_types import reserved_type

MEMBERS = {
    "id": schemas.UUID,
    "name": schemas.TEXT,
    "description": schemas.nullable(schemas.TEXT),
    "is_public": schemas.BOOLEAN,
}
FOR_ADMINS = {**MEMBERS, "group_specs": schemas.TEXTS}
CONSISTENT = {"consistent_group_snapshot_enabled": "<is> True"}
RESERVED = "default_cgsnapshot_type"


@pytest.fixture
def silver(db):
    return GroupTypeFactory(name="silver", group_specs=CONSISTENT)


@pytest.fixture
def hidden(db):
    return GroupTypeFactory(name="hidden", is_public=False)


def names(calls, query="", **rest):
    listed = calls.ok("GET", f"/group_types?{query}", **rest)["group_types"]
    return {each["name"] for each in listed} - {RESERVED}


def test_a_group_type_is_made_shown_and_listed_with_exactly_its_members(as_member, as_admin):
    body = {"group_type": {"name": " gold ", "description": "d", "group_specs": {"a b/c": "x", **CONSISTENT}}}
    made = as_admin.ok("POST", "/group_types", body, status=202)["group_type"]
    schemas.check(schemas.exactly(FOR_ADMINS), made)
    assert (made["name"], made["description"], made["is_public"]) == ("gold", "d", True)
    assert made["group_specs"] == {"a b/c": "x", **CONSISTENT}
    path = f"/group_types/{made['id']}"
    assert as_admin.ok("GET", path)["group_type"] == made
    shown = as_member.ok("GET", path)["group_type"]
    schemas.check(schemas.exactly(MEMBERS), shown)
    assert shown in as_member.ok("GET", "/group_types")["group_types"]
    assert made in as_admin.ok("GET", "/group_types")["group_types"]


def test_there_are_no_group_types_before_3_11(as_admin, silver):
    for method, path, body in (
        ("GET", "/group_types", None),
        ("POST", "/group_types", {"group_type": {"name": "x"}}),
        ("GET", "/group_types/default", None),
        ("GET", f"/group_types/{silver.pk}", None),
        ("GET", f"/group_types/{silver.pk}/group_specs", None),
    ):
        assert as_admin.refused(method, path, body, version="3.10")[0] == 404
    as_admin.ok("GET", f"/group_types/{silver.pk}", version="3.11")


def test_the_type_of_consistency_groups_is_there_from_the_start_and_stays_as_it_is(as_admin):
    reserved_type()
    (found,) = as_admin.ok("GET", f"/group_types?name={RESERVED}")["group_types"]
    assert found["group_specs"] == CONSISTENT
    path = f"/group_types/{found['id']}"
    for call in (
        ("DELETE", path),
        ("PUT", path, {"group_type": {"name": "x"}}),
        ("POST", f"{path}/group_specs", {"group_specs": {"a": "b"}}),
        ("DELETE", f"{path}/group_specs/consistent_group_snapshot_enabled"),
    ):
        assert as_admin.refused(*call)[0] == 400
    assert as_admin.ok("GET", path)["group_type"] == found


def test_a_group_type_that_is_not_public_is_for_administrators(as_member, as_admin, silver, hidden):
    assert as_member.refused("GET", f"/group_types/{hidden.pk}")[0] == 404
    assert names(as_member) == names(as_member, "is_public=False") == names(as_admin) == {"silver"}
    assert names(as_admin, "is_public=none") == {"silver", "hidden"}
    assert names(as_admin, "is_public=false") == {"hidden"}
    assert names(as_member, "is_public=None&foo=1") == {"silver"}
    assert as_admin.refused("GET", "/group_types?is_public=maybe")[0] == 400


def test_group_types_come_in_pages_and_an_unknown_marker_is_ignored(as_member, silver):
    GroupTypeFactory(name="tin")
    page = as_member.ok("GET", "/group_types?limit=1&sort=name:desc")
    assert [each["name"] for each in page["group_types"]] == ["tin"]
    (link,) = page["group_type_links"]
    following = as_member.ok("GET", link["href"][link["href"].index("/v3") :])
    assert [each["name"] for each in following["group_types"]] == ["silver"]
    assert names(as_member, f"marker={uuid.uuid4()}") == {"silver", "tin"}
    assert as_member.refused("GET", "/group_types?sort=group_specs")[0] == 400


def test_the_default_group_type_is_the_one_that_the_settings_name(as_member, silver, settings):
    assert as_member.refused("GET", "/group_types/default")[0] == 404
    settings.DEFAULT_GROUP_TYPE = "silver"
    assert as_member.ok("GET", "/group_types/default")["group_type"]["id"] == str(silver.pk)


@pytest.mark.parametrize(
    "members",
    [{}, {"name": ""}, {"name": "  "}, {"name": None}, {"name": "x" * 256}, {"name": 1}, {"name": "x", "y": 1},
     {"name": "x", "is_public": 1}, {"name": "x", "group_specs": {"k": 1}}, {"name": "x", "group_specs": {"k!": "v"}}],
)  # fmt: skip
def test_a_group_type_of_another_shape_is_refused(as_admin, members):
    assert as_admin.refused("POST", "/group_types", {"group_type": members})[0] == 400
    assert set(GroupType.objects.values_list("name", flat=True)) <= {RESERVED}


def test_a_name_is_taken_once(as_admin, silver, hidden):
    expected = (409, "conflictingRequest", "Group Type silver already exists.")
    assert as_admin.refused("POST", "/group_types", {"group_type": {"name": "silver"}}) == expected
    assert as_admin.refused("PUT", f"/group_types/{hidden.pk}", {"group_type": {"name": "silver"}}) == expected


@pytest.mark.parametrize("members", [{}, {"name": None}, {"name": " "}, {"x": 1}, {"is_public": 2}])
def test_a_change_of_another_shape_is_refused(as_admin, silver, members):
    assert as_admin.refused("PUT", f"/group_types/{silver.pk}", {"group_type": members})[0] == 400


def test_a_group_type_is_changed_and_removed(as_admin, silver):
    path = f"/group_types/{silver.pk}"
    changed = as_admin.ok("PUT", path, {"group_type": {"name": "tin", "is_public": False, "description": "d"}})
    assert changed["group_type"] == {
        "id": str(silver.pk), "name": "tin", "is_public": False, "description": "d", "group_specs": CONSISTENT,
    }  # fmt: skip
    answer = as_admin("DELETE", path)
    assert (answer.status_code, answer.content) == (202, b"")
    assert as_admin.refused("GET", path)[0] == 404
    assert as_admin.refused("DELETE", path)[0] == 404


def test_specs_are_merged_written_and_removed(as_admin, hidden):
    path = f"/group_types/{hidden.pk}/group_specs"
    assert as_admin.ok("GET", path) == {"group_specs": {}}
    assert as_admin.ok("POST", path, {"group_specs": {"a": "b"}}, status=202) == {"group_specs": {"a": "b"}}
    assert as_admin.ok("POST", path, {"group_specs": {"c:d.e": "f"}}, status=202) == {"group_specs": {"c:d.e": "f"}}
    assert as_admin.ok("PUT", f"{path}/a", {"a": "c"}) == {"a": "c"}
    assert as_admin.ok("GET", path) == {"group_specs": {"a": "c", "c:d.e": "f"}}
    assert as_admin.ok("GET", f"{path}/a") == {"a": "c"}
    assert as_admin("DELETE", f"{path}/a").status_code == 202
    for method in ("GET", "DELETE"):
        assert as_admin.refused(method, f"{path}/a")[0] == 404
    assert as_admin.ok("GET", path) == {"group_specs": {"c:d.e": "f"}}


@pytest.mark.parametrize("body", [{"b": "c"}, {"a": "b", "b": "c"}, {"a": 1}, {}, []])
def test_one_spec_is_written_by_a_body_about_it_alone(as_admin, silver, body):
    assert as_admin.refused("PUT", f"/group_types/{silver.pk}/group_specs/a", body)[0] == 400
    assert as_admin.refused("POST", f"/group_types/{silver.pk}/group_specs", {"specs": body})[0] == 400
    assert GroupType.objects.get(pk=silver.pk).group_specs == CONSISTENT


def test_what_is_asked_of_the_storage_is_for_administrators(as_member, silver):
    path = f"/group_types/{silver.pk}/group_specs"
    for call in (("GET", path), ("POST", path, {"group_specs": {"a": "b"}}), ("GET", f"{path}/a")):
        assert as_member.refused(*call)[0] == 403
