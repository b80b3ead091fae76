"""Unmodified clients use the API of a server that runs."""

import cinderclient.client
import cinderclient.exceptions
import openstack
import pytest
from keystoneauth1 import session
from keystoneauth1.identity import v3

from storage_site.identity import services as identity
from storage_site.identity.tokens import recent
from storage_site.operations.models import Service
from tests.factories import AttachmentFactory, VolumeFactory

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@pytest.fixture
def project(transactional_db):
    recent.forget()
    user = identity.create_user(name="op", password="a long password")
    project = identity.create_project(name="p")
    identity.grant(user=user, project=project, role="admin")
    identity.grant(user=user, project=project, role="member")
    return project


@pytest.fixture
def auth(project, live_server, default_type):
    return {
        "auth_url": f"{live_server.url}/identity/v3",
        "username": "op",
        "password": "a long password",
        "user_domain_name": "Default",
        "project_name": "p",
        "project_domain_name": "Default",
    }


@pytest.fixture(params=["3.0", "3.15", "3.71"])
def cinder(request, auth):
    return cinderclient.client.Client(request.param, session=session.Session(auth=v3.Password(**auth)))


@pytest.fixture
def sdk(auth):
    with openstack.connect(**auth, region_name="RegionOne", app_name="test", identity_api_version="3") as connection:
        yield connection


def test_cinderclient_manages_volumes(cinder, project):
    made = cinder.volumes.create(1, name="data", metadata={"k": "v"})
    assert (made.status, made.size, made.metadata) == ("creating", 1, {"k": "v"})
    assert cinder.volumes.get(made.id).name == "data"
    assert cinder.volumes.find(name="data").id == made.id
    cinder.volumes.update(made.id, name="more", description="d")
    cinder.volumes.set_metadata(made, {"l": "w"})
    cinder.volumes.delete_metadata(made, ["k"])
    assert cinder.volumes.get(made.id).metadata == {"l": "w"}
    cinder.volumes.update_all_metadata(made, {"m": "x"})
    cinder.volumes.set_bootable(made, flag=True)
    cinder.volumes.reset_state(made, "error")
    assert (cinder.volumes.get(made.id).status, cinder.volumes.get(made.id).bootable) == ("error", "true")
    cinder.volumes.delete(made)
    with pytest.raises(cinderclient.exceptions.NotFound):
        cinder.volumes.get(made.id)


def test_cinderclient_follows_pages(cinder, project):
    for number in range(5):
        VolumeFactory(project_id=project.id, name=f"v{number}")
    names = [each.name for each in cinder.volumes.list(limit=5, sort="name:asc")]
    assert names == ["v0", "v1", "v2", "v3", "v4"]
    assert len(cinder.volumes.list(search_opts={"all_tenants": 1, "status": "available"})) == 5


def test_cinderclient_manages_types_quotas_and_services(cinder, project):
    Service.objects.create(binary="cinder-volume", host="celinder@mem1", backend="mem1", zone="nova")
    kind = cinder.volume_types.create("silver", is_public=False)
    kind.set_keys({"a": "b"})
    assert kind.get_keys() == {"a": "b"}
    kind.unset_keys(["a"])
    cinder.volume_type_access.add_project_access(kind, project.id)
    assert [each.project_id for each in cinder.volume_type_access.list(kind)] == [project.id]
    assert {each.name for each in cinder.volume_types.list(is_public=None)} == {"silver", "__DEFAULT__"}
    assert cinder.volume_types.default().name == "__DEFAULT__"
    cinder.volume_types.delete(kind)
    assert cinder.quotas.update(project.id, volumes=7).volumes == 7
    assert cinder.quotas.get(project.id, usage=True).volumes["limit"] == 7
    cinder.quotas.delete(project.id)
    assert {limit.name: limit.value for limit in cinder.limits.get().absolute}["maxTotalVolumes"] == 10
    assert [each.host for each in cinder.services.list()] == ["celinder@mem1"]
    assert cinder.services.disable_log_reason("celinder@mem1", "cinder-volume", "why").status == "disabled"
    assert cinder.services.enable("celinder@mem1", "cinder-volume").status == "enabled"
    assert [zone.zoneName for zone in cinder.availability_zones.list(detailed=False)] == ["nova"]


def test_the_sdk_manages_volumes_and_attachments(sdk, project):
    made = sdk.block_storage.create_volume(size=1, name="data")
    assert made.status == "creating"
    assert sdk.block_storage.find_volume("data").id == made.id
    assert [each.name for each in sdk.block_storage.volumes()] == ["data"]
    sdk.block_storage.set_volume_metadata(made, k="v")
    assert sdk.block_storage.get_volume(made).metadata == {"k": "v"}
    sdk.block_storage.reset_volume_status(made, "error", None, None)
    sdk.block_storage.delete_volume(made)
    attachment = AttachmentFactory(project_id=project.id, volume=VolumeFactory(project_id=project.id))
    assert [each.id for each in sdk.block_storage.attachments()] == [str(attachment.pk)]
    sdk.block_storage.complete_attachment(str(attachment.pk))
    sdk.block_storage.delete_attachment(str(attachment.pk))
    assert sdk.block_storage.get_limits().absolute.max_total_volumes == 10
    assert sdk.block_storage.summary(all_projects=False).total_count == 1


def test_a_pool_of_names_is_searched_by_name(sdk, project):
    VolumeFactory(project_id=project.id, name="one")
    VolumeFactory(project_id=project.id, name="two")
    assert sdk.block_storage.find_volume("two").name == "two"
    assert sdk.block_storage.find_volume("three") is None
