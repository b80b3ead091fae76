"""Contract 05, sections 3 and 4: quotas and limits over HTTP."""

import pytest

from tests import schemas
from tests.conftest import OTHER_PROJECT, PROJECT
from tests.factories import BackupFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import Quota

PATH = f"/os-quota-sets/{PROJECT}"
LIMITS = schemas.exactly(dict.fromkeys(schemas.QUOTA_NAMES, schemas.INTEGER))
LIMITS_OF_PROJECT = schemas.exactly(dict.fromkeys(schemas.QUOTA_NAMES, schemas.INTEGER) | {"id": schemas.PROJECT})
USAGE = schemas.exactly(dict.fromkeys(("limit", "in_use", "reserved"), schemas.INTEGER))
USAGE_OF_PROJECT = schemas.exactly(dict.fromkeys(schemas.QUOTA_NAMES, USAGE) | {"id": schemas.PROJECT})


def test_the_limits_of_the_own_project_are_shown(as_member, settings):
    shown = as_member.ok("GET", PATH)["quota_set"]
    schemas.check(LIMITS_OF_PROJECT, shown)
    assert (shown["id"], shown["volumes"], shown["per_volume_gigabytes"]) == (PROJECT, 10, -1)
    assert shown["volumes___DEFAULT__"] == -1
    schemas.check(LIMITS_OF_PROJECT, as_member.ok("GET", f"{PATH}/defaults")["quota_set"])


def test_what_is_used_is_shown_with_the_limits(as_member):
    VolumeFactory(size_gib=3)
    VolumeFactory(size_gib=4, volume_type=VolumeTypeFactory(name="silver"))
    VolumeFactory(size_gib=5, project_id=OTHER_PROJECT)
    shown = as_member.ok("GET", f"{PATH}?usage=true")["quota_set"]
    assert shown["volumes"] == {"limit": 10, "in_use": 2, "reserved": 0}
    assert shown["gigabytes"] == {"limit": 1000, "in_use": 7, "reserved": 0}
    assert shown["gigabytes_silver"] == {"limit": -1, "in_use": 4, "reserved": 0}
    assert shown["volumes___DEFAULT__"]["in_use"] == 1
    without = {name: value for name, value in shown.items() if not name.endswith("_silver")}
    schemas.check(USAGE_OF_PROJECT, without)
    assert as_member.ok("GET", f"{PATH}?usage=False")["quota_set"]["volumes"] == 10
    assert as_member.refused("GET", f"{PATH}?usage=maybe")[0] == 400


@pytest.mark.parametrize("below", ["", "?usage=true", "/defaults"])
def test_the_quotas_of_another_project_are_for_administrators(as_member, as_admin, below):
    code, name, message = as_member.refused("GET", f"/os-quota-sets/{OTHER_PROJECT}{below}")
    assert (code, name) == (403, "forbidden")
    assert message == "Policy doesn't allow volume_extension:quotas:show to be performed."
    assert as_admin.ok("GET", f"/os-quota-sets/{OTHER_PROJECT}{below}")["quota_set"]["id"] == OTHER_PROJECT
    as_admin.ok("GET", f"/os-quota-sets/no-project-at-all{below}")


def test_limits_are_set_and_taken_back(as_member, as_admin):
    members = {"volumes": 20, "gigabytes": "-1", "volumes___DEFAULT__": 5, "tenant_id": "x", "id": None}
    shown = as_admin.ok("PUT", PATH, {"quota_set": members})["quota_set"]
    schemas.check(LIMITS, shown)
    assert (shown["volumes"], shown["gigabytes"], shown["volumes___DEFAULT__"]) == (20, -1, 5)
    assert as_member.ok("GET", PATH)["quota_set"]["volumes"] == 20
    assert as_member.ok("GET", f"{PATH}/defaults")["quota_set"]["volumes"] == 10
    answer = as_admin("DELETE", PATH)
    assert (answer.status_code, answer.content) == (200, b"")
    assert as_member.ok("GET", PATH)["quota_set"]["volumes"] == 10


@pytest.mark.parametrize(
    "members",
    [{}, {"nothing": 1}, {"volumes": "x"}, {"volumes": -2}, {"volumes": 2**31}, {"volumes": 1.5}, {"volumes": None},
     {"volumes": True}, {"volumes_nothing": 1}, None, []],
)  # fmt: skip
def test_limits_of_another_shape_are_refused(as_admin, members):
    assert as_admin.refused("PUT", PATH, {"quota_set": members})[0] == 400
    assert not Quota.objects.exists()


def test_a_limit_below_what_is_used_is_refused(as_admin):
    VolumeFactory()
    VolumeFactory()
    code, _, message = as_admin.refused("PUT", PATH, {"quota_set": {"volumes": 1}})
    assert code == 400
    assert "Quota volumes limit must be equal or greater than existing resources." in message


def test_limits_say_what_there_may_be_and_what_there_is(as_member, as_admin):
    VolumeFactory(size_gib=3)
    Quota.objects.create(project_id=PROJECT, resource="volumes", limit=7)
    shown = as_member.ok("GET", "/limits")["limits"]
    assert shown["rate"] == []
    schemas.check(schemas.ABSOLUTE_LIMITS, shown["absolute"])
    assert (shown["absolute"]["maxTotalVolumes"], shown["absolute"]["totalVolumesUsed"]) == (7, 1)
    assert shown["absolute"]["totalGigabytesUsed"] == 3


@pytest.mark.parametrize("word", ["project_id", "tenant_id"])
def test_limits_of_another_project_are_for_administrators_from_3_39(as_member, as_admin, word):
    VolumeFactory(project_id=OTHER_PROJECT)

    def used(calls, version):
        shown = calls.ok("GET", f"/limits?{word}={OTHER_PROJECT}", version=version)
        return shown["limits"]["absolute"]["totalVolumesUsed"]

    assert used(as_admin, "3.39") == 1
    assert used(as_admin, "3.38") == 0
    assert used(as_member, "3.71") == 0


@pytest.mark.parametrize("resource", ["volumes___DEFAULT__", "gigabytes___DEFAULT__", "backups", "backup_gigabytes"])
def test_a_limit_of_a_type_or_of_backups_is_not_set_below_what_is_used_either(as_admin, resource):
    BackupFactory(volume=VolumeFactory(size_gib=2))
    code, _, message = as_admin.refused("PUT", PATH, {"quota_set": {resource: 0}})
    assert (code, message.split(" must")[0]) == (400, f"Invalid input received: Quota {resource} limit")
    assert not Quota.objects.exists()
    as_admin.ok("PUT", PATH, {"quota_set": {resource: 2}})
