"""Deleting a volume that is being placed, made, connected or deleted: nothing stays on any back-end."""

import threading
from functools import partial

import pytest
from django.db import connection, transaction

from drivers.errors import StaleFence
from storage_site.errors import NotFound, StorageError
from storage_site.operations.errors import LeaseLost
from storage_site.operations.models import Operation
from tests.factories import AttachmentFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from tests.unit.volumes.conftest import taken, waiting, work
from volumes import backends
from volumes.models import Attachment, Volume
from volumes.services import attachments, connections
from volumes.services.volumes import create_volume, delete_volume, reset_status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def place(volume, backend="mem1") -> None:
    """Do what the scheduler does."""
    taken("create").hand_over(
        task="volumes.tasks.create_volume", queue=f"volume-{backend}", fields={"backend": backend, "pool": backend}
    )
    volume.refresh_from_db()


def stored() -> list[str]:
    return [ref.id for key in ("mem1", "mem2") for ref in backends.driver(key).list_volumes()]


def test_a_deletion_goes_to_the_back_end_where_the_volume_is_now(member):
    volume = create_volume(caller=member, size_gib=1)
    place(volume)
    read_before = Volume.objects.get(pk=volume.pk)
    held = taken("create")
    held.exclude("mem1", "no room")
    held.hand_over(task="volumes.tasks.create_volume", queue="volume-mem2", fields={"backend": "mem2", "pool": "mem2"})
    delete_volume(volume=read_before, caller=member, force=True)
    assert waiting("force_delete").queue == "volume-mem2"


def test_a_volume_that_was_placed_since_it_was_read_is_deleted_on_its_back_end(member):
    volume = create_volume(caller=member, size_gib=1)
    read_before = Volume.objects.get(pk=volume.pk)
    place(volume)
    delete_volume(volume=read_before, caller=member, force=True)
    assert waiting("force_delete").queue == "volume-mem1"


def test_nothing_is_made_by_a_worker_whose_volume_was_deleted_by_force_meanwhile(member):
    volume = create_volume(caller=member, size_gib=1)
    place(volume)
    held = taken("create")
    held.note(percent=1)
    delete_volume(volume=volume, caller=member, force=True)
    work()
    assert not Volume.objects.exists()
    with pytest.raises(StaleFence):  # it was already past its check of the claim
        backends.driver("mem1").create_volume(volume.ref(), held.fence)
    with pytest.raises(LeaseLost):
        held.finish()
    assert stored() == []


def test_deleting_and_attaching_at_once_never_delete_an_attached_volume(on_storage, member):
    for _round in range(10):
        volume = on_storage(status="error")
        copies = [Volume.objects.get(pk=volume.pk) for _call in range(2)]
        attach = partial(connections.attach_volume, mountpoint="/dev/vdb", host_name="h1")
        results = at_once(
            partial(delete_volume, volume=copies[0], caller=member, force=True),
            partial(attach, volume=copies[1], caller=member),
        )
        assert sum(isinstance(result, StorageError) for result in results) == 1
        attached = Attachment.objects.filter(volume=volume).exists()
        assert Volume.objects.get(pk=volume.pk).status == ("in-use" if attached else "deleting")


def test_a_forced_deletion_sees_the_attachment_that_was_added_while_it_waited(on_storage, member):
    """Without a lock PostgreSQL judges the attachments as they were when the deletion began to wait."""
    volume = on_storage(status="in-use", is_multiattach=True)
    begun = threading.Event()
    results = []

    def delete() -> None:
        begun.set()
        try:
            delete_volume(volume=Volume.objects.get(pk=volume.pk), caller=member, force=True)
        except StorageError as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=delete)
    with transaction.atomic():
        attachments.create_attachment(caller=member, volume=volume)
        thread.start()
        begun.wait(10)
        thread.join(0.3)  # long enough to be waiting; if it is not yet, the test only proves less
    thread.join(30)
    assert len(results) == 1
    assert Volume.objects.get().status == "in-use"


def test_of_two_who_forget_a_volume_at_once_the_second_finds_it_gone(member):
    volume = VolumeFactory(status="error", backend="", pool="")
    copies = [Volume.objects.get(pk=volume.pk) for _call in range(2)]
    delete_volume(volume=copies[0], caller=member)
    with pytest.raises(NotFound):
        delete_volume(volume=copies[1], caller=member)


def test_an_attachment_of_a_volume_that_has_gone_is_not_found(member):
    attachment = AttachmentFactory()
    read_before = Attachment.objects.get(pk=attachment.pk)
    attachment.volume.delete()
    for call in (
        partial(attachments.delete_attachment, attachment=read_before),
        partial(attachments.complete_attachment, attachment=read_before),
        partial(attachments.create_attachment, volume=attachment.volume),
    ):
        with pytest.raises(NotFound):
            call(caller=member)


def test_a_forced_deletion_may_be_repeated(on_storage, member):
    volume = on_storage()
    delete_volume(volume=volume, caller=member)
    held = taken("delete")
    delete_volume(volume=volume, caller=member, force=True)
    with pytest.raises(LeaseLost):
        held.finish()
    work()
    assert not Volume.objects.exists()
    assert stored() == []


def test_detaching_does_not_make_a_volume_available_that_is_being_made_or_deleted(on_storage, member):
    creating = create_volume(caller=member, size_gib=1)
    deleting = on_storage()
    delete_volume(volume=deleting, caller=member)
    for volume, status in ((creating, "creating"), (deleting, "deleting")):
        connections.detach_volume(volume=volume, caller=member)
        assert Volume.objects.get(pk=volume.pk).status == status
    stuck = VolumeFactory(status="creating")
    connections.detach_volume(volume=stuck, caller=member)
    assert Volume.objects.get(pk=stuck.pk).status == "available"


def test_a_volume_attached_while_it_is_made_is_in_use_when_it_is(member):
    volume = create_volume(caller=member, size_gib=1)
    place(volume)
    held = taken("create")
    connections.attach_volume(volume=volume, caller=member, mountpoint="/dev/vdb", host_name="h1")
    held.finish()
    assert Volume.objects.get().status == "in-use"


def test_a_reset_and_an_ending_at_once_do_not_wait_in_a_circle(on_storage, admin):
    for _round in range(10):
        volume = on_storage()
        delete_volume(volume=volume, caller=admin)
        reset = partial(reset_status, volume=Volume.objects.get(pk=volume.pk), caller=admin, status="error")
        results = at_once(work, reset)
        assert all(result is None or isinstance(result, NotFound) for result in results), results
        assert not Operation.objects.filter(outcome="").exists()
