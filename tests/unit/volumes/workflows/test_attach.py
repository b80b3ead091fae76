"""Letting hosts in and shutting them out, with a back-end that fails at the worst moments."""

import pytest
from carrying import carry_on
from django.db import transaction

from drivers.errors import BackendDown, PermanentDriverError
from drivers.types import Fence
from storage_site.operations.models import Operation
from tests.factories import AttachmentFactory
from volumes.models import Attachment, Volume
from volumes.services.attachments import begin_connecting, begin_disconnecting, complete_attachment
from volumes.services.volumes import delete_volume, reset_status
from volumes.tending import tend
from volumes.workflows import connect, delete, disconnect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
CONNECTOR = {"host": "client1", "mode": "rw"}


@pytest.fixture
def attachment(first):
    made = AttachmentFactory()
    first.inner.create_volume(made.volume.ref(), Fence(0, 1))
    return made


def accept_connection(attachment, member):
    with transaction.atomic():
        return begin_connecting(attachment, CONNECTOR, member)


def connected(attachment, member):
    carry_on(accept_connection(attachment, member), connect.run)
    return Attachment.objects.get(pk=attachment.pk)


def test_connecting_keeps_what_the_host_needs(attachment, member, first):
    found = connected(attachment, member)
    assert (found.status, found.volume.status, found.attach_mode) == ("attaching", "attaching", "rw")
    assert found.connection_info["attachment_id"] == str(attachment.pk)
    assert first.inner.exports(attachment.volume.ref()) == {str(attachment.pk)}


def test_a_connection_that_cannot_be_made_leaves_no_export_and_an_attachment_in_error(attachment, member, first):
    first.refuse("export", PermanentDriverError("no such initiator"), after_acting=True)
    operation = carry_on(accept_connection(attachment, member), connect.run)
    assert (operation.outcome, operation.fault_detail) == ("failed", "no such initiator")
    found = Attachment.objects.get(pk=attachment.pk)
    assert (found.status, found.volume.status) == ("error_attaching", "reserved")
    assert first.inner.exports(attachment.volume.ref()) == frozenset()


def test_a_lost_answer_to_an_export_is_asked_for_again(attachment, member, first):
    first.refuse("export", BackendDown("the answer was lost"), times=1, after_acting=True)
    operation = carry_on(accept_connection(attachment, member), connect.run)
    assert operation.outcome == ""
    assert carry_on(operation, connect.run).outcome == "succeeded"
    assert first.inner.exports(attachment.volume.ref()) == {str(attachment.pk)}


def test_disconnecting_ends_the_export_and_the_row(attachment, member, first):
    found = connected(attachment, member)
    complete_attachment(attachment=found, caller=member)
    operation = begin_disconnecting(attachment=found, caller=member)
    found.volume.refresh_from_db()
    assert found.volume.status == "detaching"
    assert carry_on(operation, disconnect.run).outcome == "succeeded"
    found.volume.refresh_from_db()
    assert found.volume.status == "available"
    assert not Attachment.objects.exists()
    assert first.inner.exports(found.volume.ref()) == frozenset()


def test_a_connection_that_is_cut_short_by_its_removal_leaves_nothing(attachment, member, first):
    connecting = accept_connection(attachment, member)
    attachment.refresh_from_db()
    removal = begin_disconnecting(attachment=attachment, caller=member)
    carry_on(removal, disconnect.run)
    carry_on(connecting, connect.run)
    assert connecting.outcome == "cancelled"
    assert not Attachment.objects.exists()
    assert first.inner.exports(attachment.volume.ref()) == frozenset()


def test_a_killed_export_is_made_again_with_its_own_fence(attachment, member, first):
    found = connected(attachment, member)
    first.inner.stop_exports()
    assert tend("mem1", first) == 1
    assert first.inner.exports(found.volume.ref()) == {str(found.pk)}
    assert tend("mem1", first) == 0


def test_an_export_that_is_being_removed_is_not_made_again(attachment, member, first):
    found = connected(attachment, member)
    operation = begin_disconnecting(attachment=found, caller=member)
    first.inner.unexport(found.volume.ref(), str(found.pk), Fence(operation.serial, 1))
    assert tend("mem1", first) == 0
    assert first.inner.exports(found.volume.ref()) == frozenset()


def test_a_volume_that_is_deleted_twice_is_gone_once(attachment, member, first):
    volume = attachment.volume
    attachment.delete()
    type(volume).objects.filter(pk=volume.pk).update(status="available")
    volume.refresh_from_db()
    delete_volume(volume=volume, caller=member)
    operation = Operation.objects.get(verb="delete")
    first.refuse("delete_volume", BackendDown("the answer was lost"), times=1, after_acting=True)
    assert carry_on(operation, delete.run).outcome == ""
    assert carry_on(operation, delete.run).outcome == "succeeded"
    assert not type(volume).objects.filter(pk=volume.pk).exists()
    assert list(first.inner.list_volumes()) == []


def test_attachments_reset_to_detached_are_out_of_sight_at_once_and_their_exports_end(attachment, member, first):
    found = connected(attachment, member)
    reset_status(volume=found.volume, caller=member, status="available", attach_status="detached")
    assert not Attachment.objects.filter(is_listed=True).exists()
    assert Volume.objects.get().status == "available"
    carry_on(Operation.objects.get(verb="disconnect"), disconnect.run)
    assert not Attachment.objects.exists()
    assert first.inner.exports(attachment.volume.ref()) == frozenset()
    assert Volume.objects.get().status == "available"
