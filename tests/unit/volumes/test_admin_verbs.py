"""The console's verbs: the services act, refuse, and say why."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from storage_site.operations import heartbeat
from storage_site.operations.models import Operation, Service, Transition
from storage_site.pages.buttons import MOST_ROWS
from tests.console import Operator, accept, exported, list_of, make_user
from tests.factories import AttachmentFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import Attachment, Volume

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return Operator()


def test_a_button_asks_before_it_acts(operator):
    volume = VolumeFactory()
    url = reverse("admin:volumes_volume_button", args=[volume.pk, "delete"])
    assert "Its back-end deletes the volume" in operator.opens(url)
    assert operator.client.post(url).status_code == 200
    volume.refresh_from_db()
    assert volume.status == "available"


def test_an_operator_deletes_a_volume(operator):
    volume = VolumeFactory(name="old")
    assert operator.presses(volume, "delete") == ["Delete old: its deletion is accepted."]
    operation = Operation.objects.get(resource_id=volume.pk)
    assert (operation.verb, operation.actor_id) == ("delete", operator.user.pk)
    assert LogEntry.objects.get().object_id == str(volume.pk)


def test_what_a_service_refuses_is_told_and_changes_nothing(operator):
    volume = VolumeFactory(status="in-use")
    AttachmentFactory(volume=volume)
    for button in ("delete", "force-delete"):
        (said,) = operator.presses(volume, button)
        assert "Invalid volume" in said
    volume.refresh_from_db()
    assert volume.status == "in-use"
    assert not Operation.objects.exists()
    assert not LogEntry.objects.exists()


def test_force_deletes_what_is_busy(operator, member):
    volume = VolumeFactory()
    first = accept(volume, "delete", member)
    operator.presses(volume, "force-delete")
    first.refresh_from_db()
    assert first.outcome == "cancelled"
    assert Operation.objects.get(outcome="").verb == "force_delete"


def test_after_a_volume_has_gone_its_list_comes(operator):
    volume = VolumeFactory(backend="", status="error")
    url = reverse("admin:volumes_volume_button", args=[volume.pk, "delete"])
    assert operator.client.post(url, {"confirmed": "1"})["Location"] == list_of(Volume)
    assert not Volume.objects.exists()


def test_an_operator_changes_the_type_of_a_volume(operator):
    volume, wanted = VolumeFactory(name="slow"), VolumeTypeFactory(name="fast")
    said = operator.presses(volume, "retype", volume_type=wanted.pk, may_move="on")
    assert said == ["Change type slow: its change to type fast is accepted."]
    operation = Operation.objects.get(verb="retype")
    assert (operation.actor_id, operation.arguments["may_move"]) == (operator.user.pk, True)


def test_an_operator_migrates_a_volume_and_is_told_why_not(operator):
    volume = VolumeFactory(name="here")
    (said,) = operator.presses(volume, "migrate", backend="mem2")
    assert "No available service" in said
    heartbeat.beat("volume-mem2")
    assert operator.presses(volume, "migrate", backend="mem2", is_locked="on") == [
        "Migrate here: its migration to mem2 is accepted."
    ]
    assert Operation.objects.get().verb == "migrate_locked"


def test_an_operator_gives_a_volume_up_and_is_told_how_it_is_called_on_its_storage(operator):
    volume = VolumeFactory(name="given")
    said = operator.presses(volume, "unmanage")
    assert said == [f"Unmanage given: it is given up; it stays on mem1 as volume-{volume.pk}."]
    assert Operation.objects.get().verb == "unmanage"


def test_an_operator_resets_a_status(operator, member):
    volume = VolumeFactory()
    operation = accept(volume, "delete", member)
    assert operator.presses(volume, "reset", status="error") == [f"Reset status {volume.name}: set to error."]
    volume.refresh_from_db()
    operation.refresh_from_db()
    assert (volume.status, operation.outcome) == ("error", "cancelled")
    assert Transition.objects.filter(verb="reset", actor_id=operator.user.pk).exists()


def test_a_reset_can_forget_attachments(operator):
    attachment = AttachmentFactory()
    operator.presses(attachment.volume, "reset", status="available", is_detached="on")
    assert not Attachment.objects.exists()


def test_a_reset_to_in_use_needs_an_attachment(operator):
    volume = VolumeFactory()
    (said,) = operator.presses(volume, "reset", status="in-use")
    assert "the volume has no attachments" in said
    volume.refresh_from_db()
    assert volume.status == "available"


@pytest.mark.parametrize("answers", [{}, {"status": "sideways"}])
def test_a_reset_to_nothing_asks_again(operator, answers):
    volume = VolumeFactory()
    url = reverse("admin:volumes_volume_button", args=[volume.pk, "reset"])
    response = operator.client.post(url, {"confirmed": "1", **answers})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    volume.refresh_from_db()
    assert volume.status == "available"


def test_an_action_takes_many_rows_and_tells_of_each(operator):
    rows = [VolumeFactory(name="a"), VolumeFactory(name="b", status="creating"), VolumeFactory(name="c")]
    said = operator.chooses(Volume, "delete", rows)
    assert sum("accepted" in message for message in said) == 2
    assert [message for message in said if message.startswith("Delete b: Invalid volume")]


def test_an_action_asks_first_and_names_the_rows(operator):
    rows = [VolumeFactory(name="a"), VolumeFactory(name="b")]
    chosen = {"action": "reset", "_selected_action": [row.pk for row in rows], "index": "0"}
    page = operator.client.post(list_of(Volume), chosen).content.decode()
    assert all(f'name="_selected_action" value="{row.pk}"' in page for row in rows)
    operator.chooses(Volume, "reset", rows, status="error")
    assert set(Volume.objects.values_list("status", flat=True)) == {"error"}


def test_an_action_takes_no_more_rows_than_one_request_can_carry(operator):
    Volume.objects.bulk_create(VolumeFactory.build_batch(MOST_ROWS + 1, volume_type=None))
    first = Volume.objects.first()
    chosen = {"action": "delete", "_selected_action": [first.pk], "select_across": "1", "confirmed": "1"}
    (said,) = operator.said(operator.client.post(list_of(Volume), chosen))
    assert "at most" in said
    assert not Operation.objects.exists()


def test_only_operators_press_buttons():
    volume = VolumeFactory()
    member = Client()
    member.force_login(make_user("demo", "member"))
    response = member.post(reverse("admin:volumes_volume_button", args=[volume.pk, "delete"]), {"confirmed": "1"})
    assert response["Location"].startswith("/admin/login/")
    assert not Operation.objects.exists()


def test_a_button_is_pressed_from_the_consoles_own_pages_only(operator):
    volume = VolumeFactory()
    elsewhere = Client(enforce_csrf_checks=True)
    elsewhere.force_login(operator.user)
    response = elsewhere.post(reverse("admin:volumes_volume_button", args=[volume.pk, "delete"]), {"confirmed": "1"})
    assert response.status_code == 403


@pytest.mark.parametrize(("row", "button", "status"), [("there", "explode", 404), ("not there", "delete", 302)])
def test_a_button_or_row_that_is_not_there_is_no_failure(operator, row, button, status):
    pk = VolumeFactory().pk if row == "there" else uuid.uuid4()
    assert operator.client.get(reverse("admin:volumes_volume_button", args=[pk, button])).status_code == status


# --- verbs on attachments -------------------------------------------------------------------------------------


def test_an_operator_shuts_a_host_out(operator, member):
    attachment = exported(member)
    (said,) = operator.presses(attachment, "detach")
    assert "the back-end shuts the host out" in said
    attachment.refresh_from_db()
    assert attachment.status == "detaching"
    assert Operation.objects.get(outcome="").verb == "disconnect"


def test_a_reservation_is_removed_at_once(operator):
    attachment = AttachmentFactory()
    (said,) = operator.presses(attachment, "detach")
    assert "removed" in said
    assert not Attachment.objects.exists()
    assert Volume.objects.get().status == "available"


# --- operations and services ----------------------------------------------------------------------------------


def test_an_operator_has_an_operation_tried_at_once(operator, member):
    operation = accept(VolumeFactory(), "delete", member)
    Operation.objects.update(not_before=timezone.now() + timedelta(minutes=5))
    (said,) = operator.presses(operation, "retry")
    assert "the next free worker of queue volume-mem1 takes it up" in said
    operation.refresh_from_db()
    assert operation.not_before <= timezone.now()


def test_what_has_ended_is_not_retried(operator, member):
    operation = accept(VolumeFactory(), "delete", member)
    Operation.objects.update(outcome="failed", finished_at=timezone.now())
    (said,) = operator.presses(operation, "retry")
    assert "ask for the verb 'delete' once more" in said
    (said,) = operator.presses(operation, "cancel", reason="why not")
    assert "It has ended already: failed." in said
    assert "Retry now" not in operator.opens(operation)


def test_an_operator_cancels_and_is_told_what_stays(operator, member):
    volume = VolumeFactory()
    operation = accept(volume, "delete", member)
    (said,) = operator.presses(operation, "cancel", reason="wrong volume")
    assert "The volume stays deleting." in said
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_detail) == ("cancelled", "Cancelled by olga: wrong volume")


def test_a_cancellation_needs_a_reason(operator, member):
    operation = accept(VolumeFactory(), "delete", member)
    url = reverse("admin:operations_operation_button", args=[operation.pk, "cancel"])
    assert operator.client.post(url, {"confirmed": "1"}).status_code == 200
    operation.refresh_from_db()
    assert not operation.is_finished


def test_an_operator_lets_a_service_rest_and_work_again(operator):
    heartbeat.beat("volume-mem1")
    service = Service.objects.get()
    assert operator.presses(service, "disable", reason="a new shelf") == [
        "Disable cinder-volume on celinder@mem1: gets no new volumes from now on."
    ]
    service.refresh_from_db()
    assert (service.is_disabled, service.disabled_reason) == (True, "a new shelf")
    assert "a new shelf" in operator.opens(list_of(Service))
    operator.presses(service, "enable")
    service.refresh_from_db()
    assert (service.is_disabled, service.disabled_reason) == (False, None)
