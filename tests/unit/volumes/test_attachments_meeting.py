"""Calls about one attachment that meet: none is lost, and no export outlives its attachment."""

from functools import partial

import pytest
from django.db import transaction

from storage_site.errors import BackendSilent, NotFound
from storage_site.operations.errors import LeaseLost
from storage_site.operations.models import Operation
from tests.factories import AttachmentFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from tests.unit.volumes.conftest import taken, work
from volumes import backends
from volumes.errors import InvalidInput, InvalidVolume
from volumes.models import Attachment, Volume
from volumes.services import attachments, connections
from volumes.services import volumes as volume_services
from volumes.workflows.connect import request_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
CONNECTOR = {"host": "client1"}


@pytest.fixture(autouse=True)
def nobody_waits(settings):
    """Let requests that wait for a worker give up at once."""
    settings.CONNECT_WAIT_S = 0


def exports_of(volume) -> frozenset[str]:
    return backends.driver("mem1").exports(volume.ref())


def connect(attachment, member) -> None:
    with pytest.raises(BackendSilent):
        attachments.connect_attachment(attachment=attachment, connector=CONNECTOR, caller=member)


def connected(attachment, member) -> Attachment:
    connect(attachment, member)
    work()
    attachment.refresh_from_db()
    return attachment


def test_an_attachment_read_before_it_was_connected_is_shut_out_when_it_is_deleted(on_storage, member):
    attachment = AttachmentFactory(volume=on_storage(status="reserved"))
    read_before = Attachment.objects.get(pk=attachment.pk)
    connect(attachment, member)
    held = taken("connect")
    held.step("exported", backends.driver("mem1").export, attachment.volume.ref(), request_of(attachment, "rw"))
    with pytest.raises(BackendSilent):
        attachments.delete_attachment(attachment=read_before, caller=member)
    with pytest.raises(LeaseLost):
        held.finish()
    work()
    assert not exports_of(attachment.volume)
    assert not Attachment.objects.exists()
    assert Volume.objects.get().status == "available"


def test_deleting_an_attachment_that_is_being_deleted_waits_for_the_same_work(on_storage, member):
    attachment = connected(AttachmentFactory(volume=on_storage(status="reserved")), member)
    for _call in range(2):
        with pytest.raises(BackendSilent):
            attachments.delete_attachment(attachment=attachment, caller=member)
    assert Operation.objects.filter(verb="disconnect").count() == 1
    work()
    assert not Attachment.objects.exists()


def test_deletions_of_an_attachment_at_once_are_one(on_storage, member):
    attachment = connected(AttachmentFactory(volume=on_storage(status="reserved")), member)
    delete = partial(attachments.delete_attachment, caller=member)
    copies = [Attachment.objects.get(pk=attachment.pk) for _call in range(3)]
    results = at_once(*[partial(delete, attachment=copy) for copy in copies])
    assert [type(result) for result in results] == [BackendSilent] * 3
    assert Operation.objects.get(verb="disconnect").outcome == ""


def test_an_attachment_is_connected_and_deleted_at_once_and_nothing_is_left(on_storage, member):
    for _round in range(5):
        attachment = AttachmentFactory(volume=on_storage(status="reserved"))
        copies = [Attachment.objects.get(pk=attachment.pk) for _call in range(2)]
        at_once(
            partial(attachments.connect_attachment, attachment=copies[0], connector=CONNECTOR, caller=member),
            partial(attachments.delete_attachment, attachment=copies[1], caller=member),
        )
        work()
        work()
        assert not exports_of(attachment.volume)
        assert not Attachment.objects.filter(pk=attachment.pk).exists()
        assert Volume.objects.get(pk=attachment.volume_id).status == "available"


def test_a_client_that_asks_again_for_a_slow_connection_waits_for_the_same_work(on_storage, member):
    attachment = AttachmentFactory(volume=on_storage(status="reserved"))
    connect(attachment, member)
    connect(Attachment.objects.get(pk=attachment.pk), member)
    assert Operation.objects.count() == 1


def test_detaching_and_terminating_at_once_removes_the_attachment(on_storage, member):
    volume = on_storage()
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    connections.attach_volume(volume=volume, caller=member, mountpoint="/dev/vdb", host_name="client1")
    connections.detach_volume(volume=volume, caller=member)
    with pytest.raises(BackendSilent):
        connections.terminate_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    assert not Attachment.objects.exists()
    assert Volume.objects.get().status == "available"


def test_a_host_is_let_in_again_while_it_is_being_shut_out(on_storage, member):
    volume = on_storage()
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    connections.attach_volume(volume=volume, caller=member, mountpoint="/dev/vdb", host_name="client1")
    connections.detach_volume(volume=volume, caller=member)
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    assert len(exports_of(volume)) == 1


def test_connections_of_one_host_at_once_are_one(on_storage, member):
    volume = on_storage()
    initialize = partial(connections.initialize_connection, connector=CONNECTOR, caller=member)
    at_once(*[partial(initialize, volume=Volume.objects.get(pk=volume.pk)) for _call in range(3)])
    assert Attachment.objects.count() == 1


def test_a_reserved_volume_stays_reserved_while_the_older_connection_is_made(on_storage, member):
    volume = on_storage()
    volume_services.begin_attaching(volume=volume, caller=member)
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    assert Volume.objects.get().status == "attaching"


def test_a_volume_stays_detaching_while_the_older_connection_ends(on_storage, member):
    volume = on_storage()
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    connections.attach_volume(volume=volume, caller=member, mountpoint="/dev/vdb", host_name="client1")
    volume_services.begin_detaching(volume=Volume.objects.get(), caller=member)
    with pytest.raises(BackendSilent):
        connections.terminate_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    assert Volume.objects.get().status == "detaching"


def test_attaching_by_action_does_not_wait_for_work_that_ends_at_the_same_moment(on_storage, member):
    """Both lock the volume and the attachment: in the same order, or one of them is refused as a deadlock."""
    for _round in range(10):
        volume = on_storage(status="attaching")
        with pytest.raises(BackendSilent):
            connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
        attach = partial(connections.attach_volume, mountpoint="/dev/vdb", host_name="client1")
        results = at_once(work, partial(attach, volume=volume, caller=member))
        assert results == [None, None]
        assert Operation.objects.filter(resource_id=Attachment.objects.get(volume=volume).pk).get().outcome
        assert Attachment.objects.get(volume=volume).status == "attached"
        assert Volume.objects.get(pk=volume.pk).status == "in-use"


def test_a_live_host_that_connects_again_stays_attached_even_if_that_fails(on_storage, member):
    volume = on_storage()
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
    work()
    connections.attach_volume(volume=volume, caller=member, mountpoint="/dev/vdb", host_name="client1")
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector=CONNECTOR, caller=member)
    taken("reconnect").fail("backend-down", "no answer")
    assert Attachment.objects.get().status == "attached"
    assert Volume.objects.get().status == "in-use"
    assert len(exports_of(volume)) == 1


@pytest.mark.parametrize("status", ["deleting", "maintenance"])
def test_a_volume_that_is_being_deleted_is_neither_connected_nor_attached(on_storage, member, status):
    volume = on_storage(status=status)
    for call in (
        partial(connections.initialize_connection, connector=CONNECTOR),
        partial(connections.attach_volume, mountpoint="/dev/vdb", host_name="client1"),
    ):
        with pytest.raises(Exception, match="Invalid volume"):
            call(volume=volume, caller=member)
    assert Volume.objects.get().status == status
    assert not Attachment.objects.exists()


def test_a_removal_that_fails_leaves_the_volume_in_use(on_storage, member):
    attachment = connected(AttachmentFactory(volume=on_storage(status="reserved")), member)
    attachments.complete_attachment(attachment=attachment, caller=member)
    with pytest.raises(BackendSilent):
        attachments.delete_attachment(attachment=attachment, caller=member)
    taken("disconnect").fail("backend-down", "no answer")
    assert Attachment.objects.get().status == "error_detaching"
    assert Volume.objects.get().status == "in-use"


def test_a_status_set_by_hand_meanwhile_outlasts_the_connection(on_storage, member):
    attachment = AttachmentFactory(volume=on_storage(status="reserved"))
    connect(attachment, member)
    held = taken("connect")
    attachments.complete_attachment(attachment=attachment, caller=member)
    held.finish()
    assert Attachment.objects.get().status == "attached"
    assert Volume.objects.get().status == "in-use"


def test_begun_work_and_work_that_ends_lock_in_one_order(on_storage, member):
    for _round in range(10):
        attachment = AttachmentFactory(volume=on_storage(status="reserved"))
        connect(attachment, member)

        def again(pk=attachment.pk) -> None:
            with transaction.atomic():
                attachments.begin_connecting(Attachment.objects.get(pk=pk), {"host": "other"}, member)

        results = at_once(work, again)
        assert "deadlock" not in str(results)
        work()


@pytest.mark.parametrize("name", ["host", "mountpoint"])
def test_a_connector_that_the_database_cannot_hold_is_refused_and_leaves_nothing(on_storage, member, name):
    volume = on_storage()
    for call in (connections.initialize_connection, attachments.create_attachment):
        with pytest.raises(InvalidInput):
            call(volume=volume, connector={"host": "client1", name: "x" * 256}, caller=member)
    assert not Attachment.objects.exists()
    assert Volume.objects.get().status == "available"


def test_a_volume_that_has_come_into_use_since_it_was_read_is_not_reserved(on_storage, member):
    volume = on_storage()
    read_before = Volume.objects.get(pk=volume.pk)
    connections.attach_volume(volume=volume, caller=member, mountpoint="/dev/vdb", host_name="client1")
    with pytest.raises(InvalidVolume):
        volume_services.begin_attaching(volume=read_before, caller=member)
    assert Volume.objects.get().status == "in-use"


@pytest.mark.parametrize("call", ["begin_attaching", "unreserve", "begin_detaching", "roll_detaching"])
def test_a_volume_that_has_gone_since_it_was_read_is_not_found(member, call):
    volume = VolumeFactory()
    read_before = Volume.objects.get(pk=volume.pk)
    volume.delete()
    with pytest.raises(NotFound):
        getattr(volume_services, call)(volume=read_before, caller=member)


@pytest.mark.parametrize("verb", ["connect", "disconnect"])
def test_a_request_that_joins_work_which_was_put_off_has_it_taken_up_at_once(on_storage, member, verb):
    attachment = AttachmentFactory(volume=on_storage(status="reserved"))
    if verb == "disconnect":
        attachment = connected(attachment, member)

    def ask() -> None:
        if verb == "connect":
            connect(attachment, member)
        else:
            attachments.begin_disconnecting(attachment=attachment, caller=member)

    ask()
    taken(verb).postpone(600, "backend-down", "it sleeps")
    ask()
    assert taken(verb).operation.fence == 2
