"""Contract 02, section 2: what may be asked for, and what is refused."""

import uuid

import pytest

from storage_site.operations.models import Operation
from tests import schemas
from tests.factories import VolumeFactory, VolumeTypeFactory
from volumes.models import Quota, Volume, VolumeTypeAccess

GENERIC = "The server could not comply with the request since it is either malformed or otherwise incorrect."


def create(calls, *, version="3.71", beside=None, **members):
    return calls("POST", "/volumes", {"volume": members, **(beside or {})}, version=version)


def refused(calls, *, version="3.71", beside=None, **members):
    return calls.refused("POST", "/volumes", {"volume": members, **(beside or {})}, version=version)


@pytest.mark.parametrize("version", ["3.0", "3.12", "3.13", "3.27", "3.44", "3.48", "3.60", "3.63", "3.71"])
@pytest.mark.parametrize("role", ["member", "admin"])
def test_the_answer_has_exactly_the_members_of_its_version(request, role, version):
    answer = create(request.getfixturevalue(f"as_{role}"), version=version, size=1, name="data", metadata={"k": "v"})
    assert answer.status_code == 202
    schemas.check(schemas.volume(version, is_admin=role == "admin", in_full=False), answer.json()["volume"])


def test_a_volume_exists_at_once_and_is_being_created(as_member):
    made = create(as_member, size="2", name=" data ", description=None, metadata={"k": "v"}).json()["volume"]
    assert (made["status"], made["size"], made["name"]) == ("creating", 2, "data")
    assert (made["bootable"], made["volume_type"], made["attachments"]) == ("false", "__DEFAULT__", [])
    assert as_member.ok("GET", f"/volumes/{made['id']}")["volume"]["status"] == "creating"
    assert Operation.objects.get(resource_id=made["id"]).verb == "create"


def test_what_a_client_leaves_open_may_be_written_as_null(as_member):
    members = dict.fromkeys(
        ("name", "description", "volume_type", "availability_zone", "snapshot_id", "source_volid", "imageRef",
         "backup_id", "consistencygroup_id", "group_id", "metadata"),
    )  # fmt: skip
    assert create(as_member, size=1, **members, beside={"OS-SCH-HNT:scheduler_hints": None}).status_code == 202


def test_the_newer_name_wins_over_the_older(as_member):
    made = create(as_member, size=1, name="new", display_name="old", display_description="told").json()["volume"]
    assert (made["name"], made["description"]) == ("new", "told")


def test_hints_reach_the_scheduler(as_member):
    hints = {"different_host": [str(uuid.uuid4())], "own": "x"}
    made = create(as_member, size=1, beside={"OS-SCH-HNT:scheduler_hints": hints}).json()["volume"]
    assert Operation.objects.get(resource_id=made["id"]).arguments == {"hints": hints}


@pytest.mark.parametrize("size", [0, -1, 1.0, True, "", "x", "#$%", "-1", 2**31, [], {}])
@pytest.mark.parametrize("version", ["3.0", "3.71"])
def test_a_size_that_is_none_is_refused(as_member, size, version):
    code, name, message = refused(as_member, size=size, version=version)
    assert (code, name) == (400, "badRequest")
    assert message.startswith("Invalid input for field/attribute size. Value: ")


@pytest.mark.parametrize("members", [{}, {"size": None}, {"name": "x"}])
def test_neither_size_nor_source_is_refused_in_general_terms(as_member, members):
    assert refused(as_member, **members) == (400, "badRequest", GENERIC)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("snapshot_id", "Snapshot {} could not be found."),
        ("source_volid", "Volume {} could not be found."),
        ("backup_id", "Backup {} could not be found."),
        ("group_id", "Group {} could not be found."),
    ],
)
@pytest.mark.parametrize("version", ["3.0", "3.71"])
def test_an_unknown_source_is_not_found(as_member, source, text, version):
    unknown = str(uuid.uuid4())
    assert refused(as_member, size=1, **{source: unknown}, version=version) == (
        404,
        "itemNotFound",
        text.format(unknown),
    )


@pytest.mark.parametrize("field", ["snapshot_id", "source_volid"])
@pytest.mark.parametrize("value", ["", "x", 1])
def test_a_malformed_source_is_refused(as_member, field, value):
    assert refused(as_member, size=1, **{field: value})[0] == 400


def test_the_volume_of_another_project_is_no_source(as_member):
    foreign = VolumeFactory(project_id="b" * 32)
    assert refused(as_member, size=1, source_volid=str(foreign.pk))[0] == 404


@pytest.mark.parametrize("field", ["imageRef", "image_id"])
def test_an_image_cannot_be_reached(as_member, field):
    code, _, message = refused(as_member, size=1, **{field: str(uuid.uuid4())})
    assert (code, "Invalid image identifier or unable to access requested image." in message) == (400, True)
    assert refused(as_member, size=1, **{field: ""})[0] == 400


def test_multiattach_is_a_matter_of_the_type(as_member, as_admin):
    assert refused(as_member, size=1, multiattach=True)[0] == 400
    assert create(as_member, size=1, multiattach=False).json()["volume"]["multiattach"] is False
    VolumeTypeFactory(name="shared", extra_specs={"multiattach": "<is> True"})
    assert create(as_member, size=1, volume_type="shared").json()["volume"]["multiattach"] is True


def test_a_type_is_given_by_name_or_by_id(as_member):
    silver = VolumeTypeFactory(name="silver")
    for given in ("silver", str(silver.pk)):
        assert create(as_member, size=1, volume_type=given).json()["volume"]["volume_type"] == "silver"
    assert create(as_member, size=1, volume_type="").json()["volume"]["volume_type"] == "__DEFAULT__"


def test_a_type_that_the_project_may_not_use_is_not_found(as_member, as_admin):
    hidden = VolumeTypeFactory(name="hidden", is_public=False)
    for given in ("nothing", "hidden", str(hidden.pk), str(uuid.uuid4())):
        assert refused(as_member, size=1, volume_type=given)[:2] == (404, "itemNotFound")
    assert create(as_admin, size=1, volume_type="hidden").status_code == 202
    VolumeTypeAccess.objects.create(volume_type=hidden, project_id=as_member.caller.project_id)
    assert create(as_member, size=1, volume_type="hidden").status_code == 202


@pytest.mark.parametrize("zone", ["", "nowhere"])
def test_an_unknown_zone_is_refused(as_member, zone):
    assert refused(as_member, size=1, availability_zone=zone)[0] == 400


@pytest.mark.parametrize("field", ["name", "description", "display_name", "display_description"])
def test_a_long_text_is_refused_with_its_length(as_member, field):
    assert refused(as_member, size=1, **{field: "x" * 256}) == (
        400,
        "badRequest",
        f"Invalid input received: {field} has 256 characters, more than 255.",
    )
    assert create(as_member, size=1, **{field: f" {'x' * 255} "}).status_code == 202


@pytest.mark.parametrize(
    "metadata", [{"k": 1}, {"k": None}, {"k": True}, {"": "v"}, {"a!": "v"}, {"k": "x" * 256}, "x", []]
)
@pytest.mark.parametrize("version", ["3.0", "3.71"])
def test_metadata_of_another_shape_is_refused(as_member, metadata, version):
    assert refused(as_member, size=1, metadata=metadata, version=version)[0] == 400


@pytest.mark.parametrize("field", ["user_id", "project_id", "status", "attach_status", "source_replica"])
def test_members_that_are_not_the_clients_are_ignored_below_3_53_and_then_refused(as_member, field):
    made = create(as_member, size=1, **{field: "x"}, version="3.52")
    assert made.status_code == 202
    row = Volume.objects.get(pk=made.json()["volume"]["id"])
    assert (row.user_id, row.project_id, row.status) == (
        as_member.caller.user_id,
        as_member.caller.project_id,
        "creating",
    )
    assert refused(as_member, size=1, **{field: "x"}, version="3.53")[0] == 400


def test_hints_inside_of_the_volume_count_below_3_53_only(as_member):
    made = create(as_member, size=1, scheduler_hints={"a": "b"}, version="3.52").json()["volume"]
    assert Operation.objects.get(resource_id=made["id"]).arguments == {"hints": {"a": "b"}}
    assert refused(as_member, size=1, scheduler_hints={"a": "b"}, version="3.53")[0] == 400


def test_quotas_answer_413_with_the_words_that_clients_look_for(as_member):
    project = as_member.caller.project_id
    Quota.objects.create(project_id=project, resource="volumes", limit=1)
    create(as_member, size=1)
    answer = create(as_member, size=1)
    assert answer.status_code == 413
    assert answer["Retry-After"] == "0"
    message = "VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'."
    assert answer.json() == {"overLimit": {"code": 413, "message": message, "retryAfter": "0"}}
    Quota.objects.filter(project_id=project).update(resource="gigabytes")
    assert refused(as_member, size=1)[2] == (
        "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
        "Requested 1G, quota is 1G and 1G has been consumed."
    )
    Quota.objects.filter(project_id=project).update(resource="per_volume_gigabytes")
    assert refused(as_member, size=2)[:2] == (413, "overLimit")


def test_a_refused_request_leaves_nothing_behind(as_member):
    refused(as_member, size=1, availability_zone="nowhere")
    assert not Volume.objects.exists()
    assert not Operation.objects.exists()


def test_a_default_type_that_does_not_exist_is_the_operators_fault(as_member, settings):
    settings.DEFAULT_VOLUME_TYPE = "missing"
    assert refused(as_member, size=1)[:2] == (500, "computeFault")
