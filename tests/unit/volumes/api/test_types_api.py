"""Contract 05, section 1: volume types over HTTP."""

import uuid

import pytest

from tests import schemas
from tests.factories import VolumeFactory, VolumeTypeFactory
from volumes.models import VolumeType, VolumeTypeAccess

SPECS = {"volume_backend_name": "file", "RESKEY:availability_zones": "nova", "multiattach": "<is> True"}
VISIBLE = {"RESKEY:availability_zones": "nova", "multiattach": "<is> True"}


@pytest.fixture
def silver(db):
    return VolumeTypeFactory(name="silver", extra_specs=SPECS)


@pytest.fixture
def hidden(db):
    return VolumeTypeFactory(name="hidden", is_public=False)


def test_a_type_has_exactly_the_members_that_the_caller_may_see(as_member, as_admin, member, silver):
    path = f"/types/{silver.pk}"
    schemas.check(schemas.exactly(schemas.SHOWN_TYPE_FOR_ADMINS), as_admin.ok("GET", path)["volume_type"])
    schemas.check(schemas.exactly(schemas.CREATED_TYPE), as_member.ok("GET", path)["volume_type"])
    for shown in as_admin.ok("GET", "/types")["volume_types"]:
        schemas.check(schemas.exactly(schemas.SHOWN_TYPE_FOR_ADMINS), shown)
    for shown in as_member.ok("GET", "/types")["volume_types"]:
        schemas.check(schemas.exactly(schemas.CREATED_TYPE), shown)
    schemas.check(schemas.exactly(schemas.TYPE), as_admin.ok("GET", "/types/default")["volume_type"])
    made = as_admin.ok("POST", "/types", {"volume_type": {"name": "gold"}})["volume_type"]
    schemas.check(schemas.exactly(schemas.CREATED_TYPE), made)
    changed = as_admin.ok("PUT", path, {"volume_type": {"description": "x"}})["volume_type"]
    schemas.check(schemas.exactly(schemas.TYPE), changed)


def test_members_find_a_type_by_its_name_as_clients_do(as_member, silver, hidden):
    found = as_member.ok("GET", "/types?name=silver&is_public=None")["volume_types"]
    assert [each["id"] for each in found] == [str(silver.pk)]
    assert as_member.ok("GET", "/types?name=hidden&is_public=None")["volume_types"] == []


def test_how_the_storage_is_built_is_for_administrators(as_member, as_admin, silver):
    path = f"/types/{silver.pk}"
    assert as_admin.ok("GET", path)["volume_type"]["extra_specs"] == SPECS
    assert as_member.ok("GET", path)["volume_type"]["extra_specs"] == VISIBLE
    assert as_member.ok("GET", f"{path}/extra_specs") == {"extra_specs": VISIBLE}
    assert as_member.ok("GET", f"{path}/extra_specs/multiattach") == {"multiattach": "<is> True"}
    assert as_member.refused("GET", f"{path}/extra_specs/volume_backend_name")[0] == 404
    assert as_admin.ok("GET", f"{path}/extra_specs/volume_backend_name") == {"volume_backend_name": "file"}


def test_a_type_that_is_not_public_is_there_for_those_it_was_granted(as_member, as_admin, hidden):
    path = f"/types/{hidden.pk}"
    assert as_member.refused("GET", path)[0] == 404
    assert as_admin("POST", f"{path}/action", {"addProjectAccess": {"project": "a" * 32}}).status_code == 202
    as_member.ok("GET", path)
    assert [each["name"] for each in as_member.ok("GET", "/types?sort=name:asc")["volume_types"]][-1] == "hidden"
    shown = as_admin.ok("GET", f"{path}/os-volume-type-access")
    assert shown == {"volume_type_access": [{"volume_type_id": str(hidden.pk), "project_id": "a" * 32}]}
    assert as_admin("POST", f"{path}/action", {"removeProjectAccess": {"project": "a" * 32}}).status_code == 202
    assert as_member.refused("GET", path)[0] == 404


def test_access_is_a_matter_of_types_that_are_not_public(as_admin, silver, hidden):
    assert as_admin.refused("GET", f"/types/{silver.pk}/os-volume-type-access")[0] == 404
    grant, take = ({name: {"project": "a" * 32}} for name in ("addProjectAccess", "removeProjectAccess"))
    for body in (grant, take):
        assert as_admin.refused("POST", f"/types/{silver.pk}/action", body)[0] == 400
    assert as_admin.refused("POST", f"/types/{hidden.pk}/action", take)[0] == 404
    as_admin("POST", f"/types/{hidden.pk}/action", grant)
    assert as_admin.refused("POST", f"/types/{hidden.pk}/action", grant)[:2] == (409, "conflictingRequest")
    assert as_admin.refused("POST", f"/types/{uuid.uuid4()}/action", grant)[0] == 404
    assert as_admin.refused("POST", f"/types/{hidden.pk}/action", {"addProjectAccess": {}})[0] == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [("", {"silver"}), ("is_public=none", {"silver", "hidden"}), ("is_public=false", {"hidden"}),
     ("is_public=True", {"silver"}), ("name=silver", {"silver"}), ("foo=1", set()),
     ("extra_specs={'multiattach':'<is> True'}", {"silver"})],
)  # fmt: skip
def test_administrators_filter_types(as_admin, silver, hidden, query, found):
    shown = {each["name"] for each in as_admin.ok("GET", f"/types?{query}")["volume_types"]} - {"__DEFAULT__"}
    assert shown == found
    assert as_admin.refused("GET", "/types?is_public=maybe")[0] == 400


def test_members_filter_by_what_they_may_see(as_member, silver, hidden):
    def names(query, version="3.71"):
        listed = as_member.ok("GET", f"/types?{query}", version=version)["volume_types"]
        return {each["name"] for each in listed} - {"__DEFAULT__"}

    assert names("is_public=false") == {"silver"}
    assert names("extra_specs={'multiattach':'<is> True'}") == {"silver"}
    assert names("extra_specs={'volume_backend_name':'file'}") == set()
    assert names("extra_specs={'multiattach':'no'}", version="3.51") == {"silver"}
    assert names("foo=1", version="3.51") == {"silver"}
    assert as_member.refused("GET", "/types?foo=1", version="3.52")[0] == 400


def test_the_default_type_is_shown(as_member, settings):
    assert as_member.ok("GET", "/types/default")["volume_type"]["name"] == "__DEFAULT__"
    settings.DEFAULT_VOLUME_TYPE = "missing"
    assert as_member.refused("GET", "/types/default")[0] == 404


def test_a_type_is_made_with_everything_about_it(as_admin):
    body = {
        "volume_type": {
            "name": " a ",
            "description": "d",
            "os-volume-type-access:is_public": "false",
            "extra_specs": {"a b/c": "x", "n": None},
        }
    }
    made = as_admin.ok("POST", "/types", body)["volume_type"]
    assert (made["name"], made["is_public"], made["os-volume-type-access:is_public"]) == (" a ", False, False)
    assert VolumeType.objects.get(name=" a ").extra_specs == {"a b/c": "x", "n": None}


@pytest.mark.parametrize(
    "members",
    [{}, {"name": ""}, {"name": "  "}, {"name": None}, {"name": "x" * 256}, {"name": 1}, {"name": "x", "y": 1},
     {"name": "x", "is_public": True}, {"name": "x", "extra_specs": {"k": 1}},
     {"name": "x", "extra_specs": {"k!": "v"}},
     {"name": "x", "os-volume-type-access:is_public": 1},
     {"name": "x", "extra_specs": {"multiattach": "<is> True", "cacheable": "<is> True"}}],
)  # fmt: skip
def test_a_type_of_another_shape_is_refused(as_admin, members):
    assert as_admin.refused("POST", "/types", {"volume_type": members})[0] == 400


def test_a_name_is_taken_once(as_admin, silver, hidden):
    expected = (409, "conflictingRequest", "Volume Type silver already exists.")
    assert as_admin.refused("POST", "/types", {"volume_type": {"name": "silver"}}) == expected
    assert as_admin.refused("PUT", f"/types/{hidden.pk}", {"volume_type": {"name": "silver"}}) == expected


@pytest.mark.parametrize(
    "members", [{}, {"name": None}, {"name": " "}, {"name": "", "description": "x"}, {"x": 1}, {"is_public": 2}]
)
def test_a_change_of_another_shape_is_refused(as_admin, silver, members):
    assert as_admin.refused("PUT", f"/types/{silver.pk}", {"volume_type": members})[0] == 400


def test_a_type_is_changed_and_removed(as_admin, silver):
    path = f"/types/{silver.pk}"
    changed = as_admin.ok("PUT", path, {"volume_type": {"name": "tin", "is_public": False}})["volume_type"]
    assert (changed["name"], changed["is_public"]) == ("tin", False)
    answer = as_admin("DELETE", path)
    assert (answer.status_code, answer.content) == (202, b"")
    assert as_admin.refused("GET", path)[0] == 404
    assert as_admin.refused("DELETE", path)[0] == 404


def test_a_type_that_is_needed_is_not_removed(as_admin, silver):
    VolumeFactory(volume_type=silver)
    expected = (400, "badRequest", "Target volume type is still in use.")
    assert as_admin.refused("DELETE", f"/types/{silver.pk}") == expected
    default = VolumeType.objects.get(name="__DEFAULT__")
    assert as_admin.refused("DELETE", f"/types/{default.pk}")[0] == 400


def test_extra_specs_are_merged_written_and_removed(as_admin, hidden):
    path = f"/types/{hidden.pk}/extra_specs"
    assert as_admin.ok("POST", path, {"extra_specs": {"a": "b"}}) == {"extra_specs": {"a": "b"}}
    assert as_admin.ok("POST", path, {"extra_specs": {"c:d.e": "f"}}) == {"extra_specs": {"c:d.e": "f"}}
    assert as_admin.ok("PUT", f"{path}/a", {"a": "c"}) == {"a": "c"}
    assert as_admin.ok("GET", path) == {"extra_specs": {"a": "c", "c:d.e": "f"}}
    answer = as_admin("DELETE", f"{path}/c:d.e")
    assert (answer.status_code, answer.content) == (202, b"")
    assert as_admin.refused("DELETE", f"{path}/c:d.e")[0] == 404
    assert as_admin.refused("GET", f"{path}/c:d.e")[0] == 404


@pytest.mark.parametrize("specs", [{"a b": "c"}, {"a/b": "c"}, {"a": 1}, {"": "c"}, {"a": "x" * 256}, None, []])
def test_extra_specs_of_another_shape_are_refused(as_admin, hidden, specs):
    assert as_admin.refused("POST", f"/types/{hidden.pk}/extra_specs", {"extra_specs": specs})[0] == 400


@pytest.mark.parametrize("body", [{}, {"b": "c"}, {"a": "b", "c": "d"}, {"a": 1}, [], None])
def test_one_extra_spec_must_be_the_one_that_the_path_names(as_admin, hidden, body):
    answer = as_admin("PUT", f"/types/{hidden.pk}/extra_specs/a", body)
    assert answer.status_code == 400, answer.content


def test_extra_specs_of_a_type_in_use_stay(as_admin, silver):
    VolumeFactory(volume_type=silver)
    path = f"/types/{silver.pk}/extra_specs"
    expected = (400, "badRequest", "Volume Type is currently in use.")
    assert as_admin.refused("POST", path, {"extra_specs": {"a": "b"}}) == expected
    assert as_admin.refused("PUT", f"{path}/a", {"a": "b"}) == expected
    assert as_admin.refused("DELETE", f"{path}/multiattach") == expected


def test_what_was_granted_goes_with_the_type(as_admin, hidden):
    VolumeTypeAccess.objects.create(volume_type=hidden, project_id="a" * 32)
    assert as_admin("DELETE", f"/types/{hidden.pk}").status_code == 202
    assert not VolumeTypeAccess.objects.exists()
