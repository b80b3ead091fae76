"""openstacksdk's block storage proxy: every method of it for which there is something here (contract 09 section 4)."""

import openstack
import pytest
from openstack import exceptions

from tests.waiting import until

pytestmark = [
    pytest.mark.fleet,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # the SDK's of its own
]

CONNECTOR = {"host": "compute3", "ip": "127.0.0.1", "initiator": "iqn.1994-05.org.example:compute3"}
BACKEND = "celinder@local"


def proxy_of(person):
    return openstack.connection.Connection(
        session=person.session,
        region_name="RegionOne",
        block_storage_api_version="3",
        block_storage_default_microversion="3.71",
    ).block_storage


@pytest.fixture(scope="module")
def storage(demo):
    return proxy_of(demo)


@pytest.fixture(scope="module")
def operator(admin):
    return proxy_of(admin)


@pytest.fixture(scope="module")
def project(demo):
    return demo.session.get_project_id()


def ready(storage, found, status="available"):
    return storage.wait_for_status(found, status=status, failures=["error"], interval=0.05, wait=60)


def gone(storage, *resources):
    for each in resources:
        storage.wait_for_delete(each, interval=0.05, wait=60)


@pytest.fixture(scope="module")
def volume(storage):
    made = ready(storage, storage.create_volume(name="sdk", size=1, metadata={"a": "1"}, description="of the SDK"))
    yield made
    storage.delete_volume(made)
    gone(storage, made)


def test_volumes_are_found_listed_changed_and_counted(storage, operator, volume):
    assert storage.find_volume("sdk").id == volume.id
    assert storage.find_volume("none-such") is None
    assert volume.id in {one.id for one in storage.volumes(status="available", limit=1)}
    assert volume.id in {one.id for one in operator.volumes(all_projects=True)}
    assert volume.id in {one.id for one in storage.volumes(details=False)}
    assert storage.update_volume(volume, description="changed").description == "changed"
    assert storage.get_volume(volume).description == "changed"
    assert storage.summary(all_projects=False).total_count >= 1
    with pytest.raises(exceptions.NotFoundException):
        storage.get_volume("00000000-0000-4000-8000-000000000000")
    with pytest.raises(exceptions.BadRequestException):
        storage.create_volume(name="none", size=-1)


def test_metadata_of_volumes_and_what_is_known_of_images(storage, volume):
    assert storage.set_volume_metadata(volume, b="2").metadata["b"] == "2"
    storage.delete_volume_metadata(volume, keys=["b"])
    assert storage.get_volume_metadata(volume).metadata == {"a": "1"}
    storage.set_volume_image_metadata(volume.id, os_distro="debian")
    assert storage.get_volume(volume.id).volume_image_metadata == {"os_distro": "debian"}
    storage.delete_volume_image_metadata(volume.id, keys=["os_distro"])
    assert not storage.get_volume(volume.id).volume_image_metadata


def test_flags_sizes_and_states(storage, operator, volume):
    storage.set_volume_bootable_status(volume, bootable=True)
    assert storage.get_volume(volume).is_bootable
    storage.set_volume_readonly(volume, readonly=True)
    storage.set_volume_readonly(volume, readonly=False)
    storage.extend_volume(volume, 2)
    assert ready(storage, storage.get_volume(volume)).size == 2
    operator.reset_volume_status(volume.id, status="error", attach_status="detached")
    assert storage.get_volume(volume).status == "error"
    operator.reset_volume_status(volume.id, status="available")
    with pytest.raises(exceptions.BadRequestException):
        operator.complete_volume_extend(volume.id)


def test_snapshots(storage, operator, volume):
    made = ready(storage, storage.create_snapshot(volume_id=volume.id, name="sdk", metadata={"a": "1"}))
    assert storage.find_snapshot("sdk").id == made.id
    assert [one.id for one in storage.snapshots(volume_id=volume.id)] == [made.id]
    assert storage.update_snapshot(made, description="told").description == "told"
    storage.set_snapshot_metadata(made.id, b="2")
    storage.delete_snapshot_metadata(made.id, keys=["a"])
    assert storage.get_snapshot_metadata(made.id).metadata == {"b": "2"}
    storage.revert_volume_to_snapshot(volume, made)
    ready(storage, storage.get_volume(volume))
    operator.reset_snapshot_status(made.id, "creating")
    storage.set_snapshot_status(made.id, status="creating", progress="50%")
    assert storage.get_snapshot(made).progress == "50%"
    storage.set_snapshot_status(made.id, status="available")
    copy = ready(storage, storage.create_volume(name="sdk-copy", size=2, snapshot_id=made.id))
    storage.delete_volume(copy, cascade=True)
    gone(storage, copy)
    storage.delete_snapshot(made)
    gone(storage, made)
    assert storage.find_snapshot("sdk") is None


def test_attachments_the_new_way_and_the_older_one(storage, volume):
    made = storage.create_attachment(volume.id, connector=None, instance="44444444-2222-4333-8444-555555555555")
    storage.update_attachment(made.id, connector=CONNECTOR)
    storage.complete_attachment(made.id)
    shown = storage.get_attachment(made.id)
    assert (shown.status, shown.connection_info["driver_volume_type"]) == ("attached", "nbd")
    assert [one.id for one in storage.attachments(volume_id=volume.id)] == [made.id]
    storage.begin_volume_detaching(volume.id)
    storage.abort_volume_detaching(volume.id)
    storage.delete_attachment(made.id)
    ready(storage, storage.get_volume(volume))
    storage.reserve_volume(volume.id)
    storage.unreserve_volume(volume.id)
    storage.reserve_volume(volume.id)
    assert storage.init_volume_attachment(volume.id, CONNECTOR)["driver_volume_type"] == "nbd"
    storage.attach_volume(volume.id, mountpoint="/dev/vdb", host_name="compute3")
    attachment = storage.get_volume(volume).attachments[0]["attachment_id"]
    storage.terminate_volume_attachment(volume.id, CONNECTOR)
    storage.detach_volume(volume.id, attachment)
    ready(storage, storage.get_volume(volume))


def test_transfers(storage, volume):
    made = storage.create_transfer(volume_id=volume.id, name="sdk-gift")
    assert storage.find_transfer("sdk-gift").id == made.id
    assert made.id in {one.id for one in storage.transfers()}
    assert storage.get_transfer(made.id).volume_id == volume.id
    storage.accept_transfer(made.id, made.auth_key)
    again = storage.create_transfer(volume_id=volume.id)
    storage.delete_transfer(again.id)
    assert ready(storage, storage.get_volume(volume)).project_id


def test_backups(storage, operator, volume):
    made = ready(storage, storage.create_backup(volume_id=volume.id, name="sdk"))
    assert storage.find_backup("sdk").id == made.id
    assert [one.id for one in storage.backups(volume_id=volume.id)] == [made.id]
    assert storage.update_backup(made, description="told").description == "told"
    record = operator.export_record(made.id)
    assert record
    operator.reset_backup_status(made.id, "error")
    operator.reset_backup_status(made.id, "available")
    storage.restore_backup(made.id, volume=volume.id)
    ready(storage, storage.get_backup(made.id))
    ready(storage, storage.get_volume(volume))
    operator.delete_backup(made.id, force=True)
    gone(storage, made)


def test_types_their_specs_access_and_encryption(storage, operator, project):
    made = operator.create_type(name="sdk-type", is_public=False)
    operator.update_type(made, description="told")
    operator.update_type_extra_specs(made, a="1", b="2")
    operator.delete_type_extra_specs(made, ["a"])
    assert operator.get_type(made).extra_specs == {"b": "2"}
    operator.add_type_access(made, project)
    assert [one["project_id"] for one in operator.get_type_access(made)] == [project]
    assert storage.find_type("sdk-type").id == made.id
    operator.set_default_type(project, made.id)
    assert operator.show_default_type(project).volume_type_id == made.id
    assert project in {one.project_id for one in operator.default_types()}
    operator.unset_default_type(project)
    operator.remove_type_access(made, project)
    assert made.id not in {one.id for one in storage.types()}
    operator.create_type_encryption(made, provider="luks", control_location="front-end", cipher="aes", key_size=256)
    operator.update_type_encryption(volume_type=made, key_size=512)
    assert operator.get_type_encryption(made).key_size == 512
    operator.delete_type_encryption(volume_type=made)
    operator.delete_type(made)


def test_qualities_of_service(operator):
    kind = operator.create_type(name="sdk-of-qos")
    made = operator.create_qos_spec(name="sdk-qos", consumer="back-end", a="1")
    operator.update_qos_spec(made, b="2")
    operator.delete_qos_spec_metadata(made, ["b"])
    assert operator.find_qos_spec("sdk-qos").id == made.id == operator.get_qos_spec(made).id
    operator.associate_qos_spec(made, kind.id)
    assert [one.id for one in operator.qos_spec_associations(made)] == [kind.id]
    operator.disassociate_qos_spec(made, kind.id)
    operator.disassociate_all_qos_spec(made)
    assert made.id in {one.id for one in operator.qos_specs()}
    operator.delete_qos_spec(made)
    operator.delete_type(kind)


def test_limits_and_quotas(storage, operator, stranger):
    theirs = stranger.session.get_project_id()
    operator.update_quota_set(theirs, volumes=6)
    assert operator.get_quota_set(theirs).volumes == 6
    assert operator.get_quota_set(theirs, usage=True).usage["volumes"] == 0
    operator.revert_quota_set(theirs)
    assert operator.get_quota_set_defaults(theirs).volumes == 10
    assert operator.get_quota_class_set("default").volumes == 10
    assert storage.get_limits().absolute.max_total_volumes == 10


def test_what_operators_look_at(storage, operator):
    assert {"cinder-volume", "cinder-backup", "cinder-scheduler"} <= {one.binary for one in operator.services()}
    service = operator.find_service("cinder-volume", host=BACKEND)
    operator.disable_service(service, reason="to clean")
    operator.enable_service(service)
    operator.freeze_service(service)
    operator.thaw_service(service)
    with pytest.raises(exceptions.HttpException):
        operator.failover_service(service, backend_id="other")
    assert {one.name for one in operator.backend_pools()} == {"celinder@local#local", "celinder@other#other"}
    assert operator.get_capabilities(BACKEND)
    assert list(operator.clusters()) == []
    assert operator.find_cluster("none") is None
    operator.set_service_log_levels(level="INFO", binary="cinder-volume", prefix="drivers")
    assert list(operator.get_service_log_levels(binary="cinder-volume", prefix="drivers"))
    assert "nova" in {one.name for one in storage.availability_zones()}
    assert "os-hosts" in {one.alias for one in storage.extensions()}
    assert "volume" in {one.resource for one in storage.resource_filters()}


def test_messages(storage, operator):
    kind = operator.create_type(name="sdk-nowhere", extra_specs={"volume_backend_name": "none"})
    volume = storage.create_volume(name="sdk-homeless", size=1, volume_type=kind.id)
    until(lambda: storage.get_volume(volume).status == "error", "it cannot be placed", 60)
    (message,) = [one for one in storage.messages() if one.resource_uuid == volume.id]
    assert message.message_level == "ERROR"
    assert storage.get_message(message.id).id == message.id
    storage.delete_message(message.id)
    storage.delete_volume(volume)
    gone(storage, volume)
    operator.delete_type(kind)
