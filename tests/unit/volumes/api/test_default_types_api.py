"""Contract 05, sections 1.3, 1.4 and 3: default types of projects, encryption types and quota classes over HTTP."""

import uuid

import pytest

from storage_site.identity.models import Project
from tests import schemas
from tests.factories import VolumeFactory, VolumeTypeFactory
from volumes.models import EncryptionType, VolumeType

LUKS = {"provider": "luks", "control_location": "front-end", "cipher": "aes-xts-plain64", "key_size": 256}


@pytest.fixture
def project(member, db):
    return Project.objects.get_or_create(id=member.project_id, defaults={"name": "mine"})[0]


@pytest.fixture
def silver(db):
    return VolumeTypeFactory(name="silver")


def test_a_project_may_have_a_default_type_of_its_own(as_admin, as_member, project, silver):
    path = f"/v3/default-types/{project.id}"
    named = {"project_id": project.id, "volume_type_id": str(silver.pk)}
    for given in ("silver", str(silver.pk)):
        assert as_admin.ok("PUT", path, {"default_type": {"volume_type": given}}) == {"default_type": named}
    assert as_admin.ok("GET", path) == {"default_type": named}
    assert as_admin.ok("GET", "/v3/default-types") == {"default_types": [named]}
    assert as_member.ok("GET", "/types/default")["volume_type"]["name"] == "silver"
    made = as_member.ok("POST", "/volumes", {"volume": {"size": 1}}, status=202)["volume"]
    assert made["volume_type"] == "silver"
    for _ in range(2):
        assert as_admin("DELETE", path).status_code == 204
    assert as_admin.refused("GET", path)[0] == 404
    assert as_member.ok("GET", "/types/default")["volume_type"]["name"] == "__DEFAULT__"


def test_a_default_type_that_the_project_may_not_use_is_none(as_admin, as_member, project):
    hidden = VolumeTypeFactory(name="hidden", is_public=False)
    as_admin.ok("PUT", f"/v3/default-types/{project.id}", {"default_type": {"volume_type": "hidden"}})
    assert as_member.refused("GET", "/types/default")[0] == 404
    assert as_admin.refused("DELETE", f"/types/{hidden.pk}")[0] == 400


def test_a_malformed_default_type_is_refused(as_admin, project, silver):
    path, unknown = f"/v3/default-types/{project.id}", f"/v3/default-types/{'e' * 32}"
    good = {"default_type": {"volume_type": "silver"}}
    assert as_admin.refused("PUT", unknown, good)[0] == 404
    for body in (
        {},
        {"default_type": {}},
        {"default_type": {"volume_type": None}},
        {"default_type": {"volume_type": "x"}},
    ):
        assert as_admin.refused("PUT", path, body)[0] == 400
    for method, body in (("PUT", good), ("GET", None), ("DELETE", None)):
        assert as_admin.refused(method, path, body, version="3.61")[0] == 404


ENCRYPTION = {
    "volume_type_id": schemas.UUID,
    "encryption_id": schemas.UUID,
    "provider": schemas.TEXT,
    "cipher": schemas.nullable(schemas.TEXT),
    "key_size": schemas.nullable({"type": "integer"}),
    "control_location": schemas.TEXT,
    "deleted": schemas.BOOLEAN,
    "created_at": schemas.TEXT,
    "updated_at": schemas.nullable(schemas.TEXT),
    "deleted_at": {"type": "null"},
}


def test_a_type_says_how_its_volumes_are_encrypted(as_admin, silver):
    path = f"/types/{silver.pk}/encryption"
    assert as_admin.ok("GET", path) == {}
    made = as_admin.ok("POST", path, {"encryption": LUKS})["encryption"]
    row = EncryptionType.objects.get()
    assert made == {**LUKS, "volume_type_id": str(silver.pk), "encryption_id": str(row.pk)}
    schemas.check(schemas.exactly(ENCRYPTION), as_admin.ok("GET", path))
    assert as_admin.ok("GET", f"{path}/cipher") == {"cipher": "aes-xts-plain64"}
    assert as_admin.refused("GET", f"{path}/{row.pk}")[0] == 404
    assert as_admin.refused("POST", path, {"encryption": LUKS})[0] == 400
    change = {"encryption": {"key_size": "512"}}
    assert as_admin.ok("PUT", f"{path}/provider", change) == change
    assert as_admin.ok("GET", f"{path}/key_size") == {"key_size": 512}
    assert as_admin("DELETE", f"{path}/{row.pk}").status_code == 202
    assert as_admin.refused("DELETE", f"{path}/{row.pk}")[0] == 404
    assert as_admin.refused("PUT", f"{path}/provider", change)[0] == 404


def test_members_that_were_not_given_are_not_in_the_answer(as_admin, silver):
    sent = {"provider": "luks", "control_location": "back-end"}
    made = as_admin.ok("POST", f"/types/{silver.pk}/encryption", {"encryption": {**sent, "other": 1}})["encryption"]
    assert set(made) == {*sent, "volume_type_id", "encryption_id"}


@pytest.mark.parametrize(
    "members",
    [{}, {"provider": "luks"}, {**LUKS, "control_location": "x"}, {**LUKS, "key_size": "x"}, {**LUKS, "provider": 1}],
)
def test_malformed_encryption_is_refused(as_admin, silver, members):
    assert as_admin.refused("POST", f"/types/{silver.pk}/encryption", {"encryption": members})[0] == 400


def test_a_type_with_volumes_keeps_what_it_says_of_encryption(as_admin, silver):
    path = f"/types/{silver.pk}/encryption"
    VolumeFactory(volume_type=silver)
    assert as_admin.refused("POST", path, {"encryption": LUKS})[0] == 400
    assert as_admin.refused("POST", f"/types/{uuid.uuid4()}/encryption", {"encryption": LUKS})[0] == 404


def test_no_volume_pretends_to_be_encrypted(as_admin, as_member, silver):
    as_admin.ok("POST", f"/types/{silver.pk}/encryption", {"encryption": LUKS})
    answer = as_member.refused("POST", "/volumes", {"volume": {"size": 1, "volume_type": "silver"}})
    assert answer[0] == 400
    assert "encryption" in answer[2]
    assert not VolumeType.objects.get(pk=silver.pk).volumes.exists()


def test_the_default_class_sets_the_limits_of_all_projects(as_admin, as_member, member):
    path = "/os-quota-class-sets/default"
    shown = as_admin.ok("GET", path)["quota_class_set"]
    assert shown["id"] == "default"
    changed = as_admin.ok("PUT", path, {"quota_class_set": {"volumes": 3}})["quota_class_set"]
    assert "id" not in changed
    assert changed["volumes"] == 3
    assert as_member.ok("GET", f"/os-quota-sets/{member.project_id}")["quota_set"]["volumes"] == 3


def test_another_class_keeps_its_limits_to_itself(as_admin, as_member, member):
    before = as_member.ok("GET", f"/os-quota-sets/{member.project_id}")["quota_set"]["volumes"]
    as_admin.ok("PUT", "/os-quota-class-sets/gold", {"quota_class_set": {"volumes": 77}})
    assert as_admin.ok("GET", "/os-quota-class-sets/gold")["quota_class_set"]["volumes"] == 77
    assert as_member.ok("GET", f"/os-quota-sets/{member.project_id}")["quota_set"]["volumes"] == before
    assert as_admin.ok("PUT", "/os-quota-class-sets/gold", {"quota_class_set": {}})
    for limits in ({"volumes": -2}, {"other": 1}, {"volumes": "x"}):
        assert as_admin.refused("PUT", "/os-quota-class-sets/gold", {"quota_class_set": limits})[0] == 400
