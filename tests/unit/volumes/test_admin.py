"""The console's pages about volumes: what they show, and what they hide."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from storage_site.operations.models import Operation, Transition
from tests.console import Operator, accept, exported, list_of
from tests.factories import AttachmentFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import Attachment, Quota, Volume, VolumeType

pytestmark = pytest.mark.django_db

CANARY = "canary-8d1f"


@pytest.fixture
def operator():
    return Operator()


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
    assert re.search(r"mem1 is away\. Due for \d+ s", page)
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
    attachment = exported(member, secret=CANARY)
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
