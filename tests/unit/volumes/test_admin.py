"""The console's pages about volumes: what they show, what they hide, and the verbs on them."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from drivers.types import Fence
from storage_site.operations import heartbeat
from storage_site.operations.admission import begin
from storage_site.operations.models import Operation, Service, Transition
from storage_site.operations.perform import carry_out
from storage_site.pages.buttons import MOST_ROWS
from tests.console import Operator, list_of, make_user
from tests.factories import AttachmentFactory, VolumeFactory, VolumeTypeFactory
from volumes import backends
from volumes.models import Attachment, Quota, Volume, VolumeType, VolumeTypeAccess
from volumes.services import attachments, volumes
from volumes.workflows import connect

pytestmark = pytest.mark.django_db

CANARY = "canary-8d1f"


@pytest.fixture
def operator():
    return Operator()


def accept(volume: Volume, verb: str, caller) -> Operation:
    with transaction.atomic():
        return begin(volume, verb, caller=caller)


def exported(caller) -> Attachment:
    """Return an attachment whose host has been let in by the back-end."""
    volume = volumes.create_volume(caller=caller, size_gib=1)
    Volume.objects.filter(pk=volume.pk).update(status="available", backend="mem1", pool="mem1")
    Operation.objects.all().delete()
    volume.refresh_from_db()
    attachment = attachments.create_attachment(caller=caller, volume=volume)
    with transaction.atomic():
        operation = attachments.begin_connecting(attachment, {"host": "node1", "secret": CANARY}, caller)
    backends.driver("mem1").create_volume(volume.ref(), Fence(operation=0, claim=0))
    carry_out(str(operation.id), connect.run, task=operation.task)
    attachment.refresh_from_db()
    return attachment


# --- lists and pages ------------------------------------------------------------------------------------------


def test_the_list_shows_what_is_done_about_a_volume_and_why_it_is_not_done(operator, member):
    waiting, broken = VolumeFactory(), VolumeFactory()
    accept(waiting, "delete", member)
    accept(broken, "delete", member)
    Operation.objects.filter(resource_id=waiting.pk).update(fault_code="backend-down", fault_detail="mem1 is away.")
    Operation.objects.filter(resource_id=broken.pk).update(
        outcome="failed", finished_at=timezone.now(), fault_detail="The export is still open."
    )
    Volume.objects.filter(pk=broken.pk).update(status="error_deleting")
    page = operator.opens(list_of(Volume))
    assert "mem1 is away. Due for 0 s" in page
    assert "The export is still open." in page


def test_a_volume_that_recovered_is_not_explained_by_its_past(operator, member):
    volume = VolumeFactory()
    accept(volume, "delete", member)
    Operation.objects.update(outcome="failed", finished_at=timezone.now(), fault_detail="An old story.")
    Volume.objects.update(status="available")
    assert "An old story." not in operator.opens(list_of(Volume))
    assert "An old story." in operator.opens(volume)


def test_a_page_shows_the_history_of_its_row(operator, member):
    volume = VolumeFactory()
    operation = accept(volume, "delete", member)
    other = VolumeFactory()
    accept(other, "force_delete", member)
    page = operator.opens(volume)
    assert f'/operation/{operation.pk}/change/">{operation.pk} delete' in page
    assert "available → " in page
    assert "force_delete" not in page


@pytest.mark.parametrize("model", [Volume, Attachment, Operation, Transition, VolumeType, Quota])
def test_a_list_takes_as_many_queries_for_a_hundred_rows_as_for_one(operator, member, model):
    def add(number: int) -> None:
        for _ in range(number):
            volume = VolumeFactory(status="available", project_id=uuid.uuid4().hex, volume_type=VolumeTypeFactory())
            accept(volume, "delete", member)
            AttachmentFactory(volume=VolumeFactory(status="error"))
            Quota.objects.create(project_id=volume.project_id, resource="volumes", limit=1)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            operator.opens(list_of(model))
        return len(captured)

    add(1)
    few = queries()
    add(20)
    assert queries() == few <= 13


@pytest.mark.parametrize("query", ["id", "project", "name", "part of the name", "undashed id"])
def test_a_volume_is_found_by(operator, query):
    volume = VolumeFactory(name="needle-in-hay", project_id="f" * 32)
    VolumeFactory(name="straw")
    terms = {"id": volume.pk, "undashed id": volume.pk.hex, "project": "f" * 32, "name": volume.name}
    page = operator.opens(list_of(Volume), q=str(terms.get(query, "needle")))
    assert "needle-in-hay" in page
    assert "straw" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "error"}, {"broken"}),
        ({"backend": "mem2"}, {"elsewhere"}),
        ({"backend": "-"}, {"homeless"}),
        ({"zone": "nova"}, {"broken", "elsewhere", "homeless"}),
        ({"fault": "no-back-end"}, {"broken"}),
    ],
)
def test_volumes_are_filtered(operator, query, found):
    broken = VolumeFactory(name="broken", status="error")
    VolumeFactory(name="elsewhere", backend="mem2")
    VolumeFactory(name="homeless", backend="")
    Operation.objects.create(
        resource_type="volumes.volume", resource_id=broken.pk, verb="create", deadline_at=timezone.now(),
        outcome="failed", finished_at=timezone.now(), fault_code="no-back-end",
    )  # fmt: skip
    page = operator.opens(list_of(Volume), **query)
    assert {name for name in ("broken", "elsewhere", "homeless") if f">{name}<br>" in page} == found


@pytest.mark.parametrize(
    "state",
    ["unfinished", "troubled", "failed-today", "waiting", "postponed", "running", "lost", "overdue", "failed"],
)
def test_operations_are_filtered_by_how_they_stand(operator, member, state):
    moment, later, earlier = timezone.now(), *(timezone.now() + timedelta(minutes=n) for n in (5, -5))
    changes = {
        "waiting": {},
        "postponed": {"not_before": later},
        "running": {"owner": "w", "lease_until": later},
        "lost": {"owner": "w", "lease_until": earlier},
        "overdue": {"deadline_at": earlier},
        "failed": {"outcome": "failed", "finished_at": moment},
    }
    for name, fields in changes.items():
        operation = accept(VolumeFactory(name=f"x-{name}"), "delete", member)
        Operation.objects.filter(pk=operation.pk).update(**fields)
    expected = {
        "unfinished": set(changes) - {"failed"},
        "troubled": {"lost", "overdue"},
        "failed-today": {"failed"},
    }.get(state, {state})
    page = operator.opens(list_of(Operation), state=state)
    assert {name for name in changes if f">x-{name}</a>" in page} == expected


def test_no_page_shows_what_lets_a_host_in(operator, member):
    attachment = exported(member)
    secrets = {"auth_password": CANARY, "deep": {"path": CANARY}, "uri": f"nbd://u:{CANARY}@h", "path": "/run/x.sock"}
    Attachment.objects.update(connection_info=secrets, connector={"host": "node1", "chap": CANARY, "ip": [CANARY * 0]})
    Operation.objects.update(arguments={"password": CANARY, "of": [{"token": CANARY}], "plain": "seen"})
    operation = Operation.objects.get(resource_id=attachment.pk)
    pages = [attachment, attachment.volume, operation, list_of(Attachment), list_of(Volume), list_of(Operation)]
    pages.append(reverse("admin:volumes_attachment_button", args=[attachment.pk, "detach"]))
    for page in pages:
        assert CANARY not in operator.opens(page)
    assert "/run/x.sock" in operator.opens(attachment)
    assert "node1" in operator.opens(attachment)
    assert "seen" in operator.opens(operation)


# --- verbs on volumes -----------------------------------------------------------------------------------------


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


# --- types and quotas -----------------------------------------------------------------------------------------

NO_ACCESS = {"access-TOTAL_FORMS": "0", "access-INITIAL_FORMS": "0"}
ADD_TYPE = "/admin/volumes/volumetype/add/"


def test_an_operator_adds_a_type_with_the_projects_that_may_use_it(operator):
    form = {"name": "fast", "extra_specs": '{"multiattach": "<is> True"}', **NO_ACCESS}
    form |= {"access-TOTAL_FORMS": "1", "access-0-project_id": "a" * 32}
    operator.said(operator.client.post(ADD_TYPE, form))
    made = VolumeType.objects.get(name="fast")
    assert made.is_multiattach
    assert not made.is_public
    assert VolumeTypeAccess.objects.get().project_id == "a" * 32


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"extra_specs": "[1]"}, "Write an object of strings"),
        ({"extra_specs": '{"a": 1}'}, "Write an object of strings"),
        ({"is_public": "on", "access-TOTAL_FORMS": "1", "access-0-project_id": "a" * 32}, "Everybody may use"),
        ({"name": "__DEFAULT__"}, "already exists"),
    ],
)
def test_a_type_that_contradicts_itself_is_refused_in_the_form(operator, fields, refusal):
    form = {"name": "fast", "extra_specs": "{}", **NO_ACCESS, **fields}
    page = operator.client.post(ADD_TYPE, form).content.decode()
    assert refusal in page
    assert not VolumeType.objects.filter(name="fast").exists()


def test_what_the_service_refuses_about_a_type_is_a_message(operator):
    specs = '{"multiattach": "<is> True", "cacheable": "<is> True"}'
    (said,) = operator.said(operator.client.post(ADD_TYPE, {"name": "fast", "extra_specs": specs, **NO_ACCESS}))
    assert "cannot be both multiattach and cacheable" in said
    assert not VolumeType.objects.filter(name="fast").exists()


def test_an_operator_changes_a_type(operator):
    row = VolumeTypeFactory(extra_specs={"old": "1", "kept": "2"}, is_public=False)
    access = VolumeTypeAccess.objects.create(volume_type=row, project_id="a" * 32)
    form = {"name": "renamed", "extra_specs": '{"kept": "2", "new": "3"}', **NO_ACCESS}
    form |= {"access-TOTAL_FORMS": "1", "access-INITIAL_FORMS": "1", "access-0-id": access.pk}
    form |= {"access-0-volume_type": row.pk, "access-0-DELETE": "on"}
    operator.said(operator.client.post(f"/admin/volumes/volumetype/{row.pk}/change/", form))
    row.refresh_from_db()
    assert (row.name, row.extra_specs) == ("renamed", {"kept": "2", "new": "3"})
    assert row.updated_at is not None
    assert not VolumeTypeAccess.objects.exists()


def test_the_extra_specs_of_a_type_in_use_stay(operator):
    row = VolumeTypeFactory(extra_specs={"old": "1"})
    VolumeFactory(volume_type=row)
    form = {"name": "renamed", "extra_specs": "{}", **NO_ACCESS}
    operator.said(operator.client.post(f"/admin/volumes/volumetype/{row.pk}/change/", form))
    row.refresh_from_db()
    assert (row.name, row.extra_specs) == ("renamed", {"old": "1"})


def test_a_type_in_use_is_not_deleted(operator):
    used, unused = VolumeTypeFactory(), VolumeTypeFactory()
    VolumeFactory(volume_type=used)
    assert "still in use" in operator.presses(used, "delete")[0]
    assert "deleted." in operator.presses(unused, "delete")[0]
    assert VolumeType.objects.filter(pk=used.pk).exists()
    assert not VolumeType.objects.filter(pk=unused.pk).exists()


def test_an_operator_sets_and_resets_limits(operator):
    project = "a" * 32
    VolumeFactory(project_id=project, size_gib=5)
    form = {"project_id": project, "resource": "gigabytes", "limit": "50"}
    operator.said(operator.client.post("/admin/volumes/quota/add/", form))
    quota = Quota.objects.get()
    assert ">5<" in operator.opens(list_of(Quota))
    operator.said(operator.client.post(f"/admin/volumes/quota/{quota.pk}/change/", {"limit": "60"}))
    quota.refresh_from_db()
    assert quota.limit == 60
    operator.presses(quota, "reset")
    assert not Quota.objects.exists()


@pytest.mark.parametrize(("resource", "limit"), [("bananas", "1"), ("volumes", "-2"), ("volumes", "many")])
def test_a_limit_that_nobody_could_keep_is_refused_in_the_form(operator, resource, limit):
    form = {"project_id": "", "resource": resource, "limit": limit}
    assert operator.client.post("/admin/volumes/quota/add/", form).status_code == 200
    assert not Quota.objects.exists()


def test_a_limit_below_what_is_used_is_refused_by_the_service(operator):
    volume = VolumeFactory(size_gib=5)
    form = {"project_id": volume.project_id, "resource": "gigabytes", "limit": "4"}
    (said,) = operator.said(operator.client.post("/admin/volumes/quota/add/", form))
    assert "must be equal or greater than existing resources" in said
    assert not Quota.objects.exists()
