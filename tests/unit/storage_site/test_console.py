"""The console: who may enter, what the first page tells, and that every row has a page."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from storage_site.console import overview
from storage_site.operations import heartbeat
from storage_site.operations.models import Operation, Service, Transition
from tests.console import Operator, list_of, make_user, url_of
from tests.factories import (
    AttachmentFactory,
    GroupSnapshotFactory,
    QosSpecsFactory,
    SnapshotFactory,
    TransferFactory,
    VolumeFactory,
)
from volumes.models import (
    DefaultType,
    EncryptionType,
    GroupType,
    ProjectLock,
    QosSpecs,
    Quota,
    QuotaClassLimit,
    Survey,
    Volume,
    VolumeType,
    VolumeTypeAccess,
)

pytestmark = pytest.mark.django_db

OURS = ("operations", "volumes")
WITH_FORMS = {VolumeType, GroupType, Quota, QosSpecs, EncryptionType, DefaultType}
MOST_QUERIES = 12  # session, user, role, five of the overview, two kinds of resources, recent actions


@pytest.fixture
def operator():
    return Operator()


@pytest.fixture
def one_of_each(member):
    """Make a row of every model."""
    volume = VolumeFactory()
    AttachmentFactory(volume=volume)
    SnapshotFactory(volume=volume)
    operation = unfinished(volume)
    Transition.objects.create(
        resource_type="volumes.volume",
        resource_id=volume.pk,
        verb="delete",
        from_status="available",
        to_status="deleting",
        operation=operation,
    )
    heartbeat.beat("volume-mem1")
    Quota.objects.create(project_id=volume.project_id, resource="volumes", limit=7)
    QuotaClassLimit.objects.create(class_name="gold", resource="volumes", limit=7)
    TransferFactory(volume=volume)
    GroupSnapshotFactory()
    EncryptionType.objects.create(volume_type=volume.volume_type, provider="luks", control_location="front-end")
    DefaultType.objects.create(project_id=volume.project_id, volume_type=volume.volume_type)
    QosSpecsFactory()
    Survey.objects.create(project_id=volume.project_id, backend="mem1", kind="volumes", status="taken")
    ProjectLock.objects.get_or_create(project_id=volume.project_id)


def unfinished(volume: Volume, **fields: object) -> Operation:
    moment = timezone.now()
    usual = {
        "resource_type": "volumes.volume",
        "resource_id": volume.pk,
        "project_id": volume.project_id,
        "verb": "delete",
        "task": "volumes.tasks.delete_volume",
        "queue": "volume-mem1",
        "deadline_at": moment + timedelta(hours=1),
        "not_before": moment,
    }
    return Operation.objects.create(**usual | fields)


def failed(volume: Volume, **fields: object) -> Operation:
    ended = {"outcome": "failed", "finished_at": timezone.now(), "fault_code": "no-back-end", "is_exclusive": False}
    return unfinished(volume, **ended | fields)


def models_with_pages() -> list[type]:
    return [model for model in admin.site._registry if model._meta.app_label in OURS]


def test_every_model_has_a_page():
    with_pages = {*models_with_pages(), VolumeTypeAccess}  # which is on the page of its type
    assert {model for label in OURS for model in apps.get_app_config(label).get_models()} == with_pages


@pytest.mark.parametrize("model", models_with_pages(), ids=lambda model: model._meta.label)
def test_an_operator_sees_the_list_and_each_row(operator, one_of_each, model):
    row = model._default_manager.first()
    operator.opens(list_of(model))
    operator.opens(row)
    operator.opens(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_history", args=[row.pk]))


@pytest.mark.parametrize("model", models_with_pages(), ids=lambda model: model._meta.label)
def test_nobody_else_sees_any_row(one_of_each, model):
    row = model._default_manager.first()
    stranger, member = Client(), Client()
    member.force_login(make_user("demo", "member"))
    for client in (stranger, member):
        for url in (reverse("admin:index"), list_of(model), url_of(row)):
            response = client.get(url)
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "model",
    [model for model in models_with_pages() if model not in WITH_FORMS],
    ids=lambda model: model._meta.label,
)
def test_a_form_changes_nothing(operator, one_of_each, model):
    row = model._default_manager.first()
    before = model._default_manager.values()
    fields = {field.name: "1" for field in model._meta.fields}
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert operator.client.post(url_of(row), fields).status_code == 403
    assert operator.client.post(reverse(f"{name}_add"), fields).status_code == 403
    assert operator.client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert list(model._default_manager.values()) == list(before)


@pytest.mark.parametrize("model", models_with_pages(), ids=lambda model: model._meta.label)
def test_a_list_never_deletes(operator, one_of_each, model):
    row = model._default_manager.first()
    operator.client.post(list_of(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert model._default_manager.filter(pk=row.pk).exists()


def test_the_locks_of_projects_are_not_on_the_first_page(operator):
    assert "projectlock" not in operator.opens(reverse("admin:index"))


def test_the_first_page_tells_which_services_live(operator):
    heartbeat.beat("volume-mem1")
    heartbeat.beat("scheduler")
    Service.objects.filter(backend="mem1").update(
        last_seen_at=timezone.now() - timedelta(minutes=7), is_disabled=True, disabled_reason="a new <b>shelf</b>"
    )
    page = operator.opens(reverse("admin:index"))
    assert "<b>2</b> of 3 services down" in page
    assert "7 min ago" in page
    assert "a new &lt;b&gt;shelf&lt;/b&gt;" in page
    assert "start its worker: queue volume-mem2" in page


def test_the_first_page_says_why_it_does_not_know_the_free_space(operator):
    assert "Free space is not known: No scheduler answered" in operator.opens(reverse("admin:index"))


def test_the_first_page_gives_the_reason_of_every_trouble(operator):
    moment = timezone.now()
    ago = timedelta(minutes=3)
    unfinished(VolumeFactory(), not_before=moment - ago)
    unfinished(VolumeFactory(), owner="node1/42/ab/cd", lease_until=moment - ago, started_at=moment - ago)
    unfinished(VolumeFactory(), deadline_at=moment - ago)
    unfinished(VolumeFactory(), attempts=2, owner="node1/43/ab/cd", lease_until=moment + ago, step="made", percent=40)
    unfinished(VolumeFactory(), fault_code="backend-down", fault_detail="mem1 is away.", not_before=moment + ago)
    failed(VolumeFactory(), fault_detail="No back-end has <20 GiB free.")
    page = operator.opens(reverse("admin:index"))
    for sentence in (
        "No worker of queue volume-mem1 has taken it up for 3 min.",
        "The lease of node1, process 42 ran out 3 min ago",
        "Its deadline passed 3 min ago",
        "2 attempts died before",
        "mem1 is away. It is tried again in 2 min.",
        "No back-end has &lt;20 GiB free.",
    ):
        assert sentence in page
    assert "<b>5</b> operations in trouble" in page
    assert "<b>1</b> failed within a day" in page


def test_what_goes_well_or_failed_long_ago_is_no_trouble():
    moment = timezone.now()
    unfinished(VolumeFactory(), owner="node1/42/ab/cd", lease_until=moment + timedelta(seconds=30))
    unfinished(VolumeFactory())
    failed(VolumeFactory(), finished_at=moment - timedelta(days=2))
    seen = overview.now()
    assert not seen.stuck.operations
    assert not seen.failed.operations
    assert seen.unfinished == 2


def test_operations_are_counted_by_queue_and_standing():
    moment = timezone.now()
    later, earlier = moment + timedelta(minutes=1), moment - timedelta(minutes=1)
    unfinished(VolumeFactory())
    unfinished(VolumeFactory(), owner="w", lease_until=later)
    unfinished(VolumeFactory(), owner="w", lease_until=later)
    unfinished(VolumeFactory(), fault_code="backend-down")
    unfinished(VolumeFactory(), owner="w", lease_until=earlier)
    unfinished(VolumeFactory(), queue="volume-removed", deadline_at=earlier)
    rows = {row["queue"]: row for row in overview.now().queues}
    counted = {name: rows["volume-mem1"][name] for name in ("waiting", "running", "postponed", "stuck", "all")}
    assert counted == {"waiting": 1, "running": 2, "postponed": 1, "stuck": 1, "all": 5}
    assert rows["volume-removed"]["stuck"] == 1
    assert rows["scheduler"]["all"] == 0


def test_volumes_are_counted_by_status_and_back_end(operator):
    VolumeFactory.create_batch(3, size_gib=5)
    VolumeFactory(status="error", backend="", pool="")
    VolumeFactory(backend="removed")
    seen = overview.now()
    assert {status.word: status.number for status in seen.statuses} == {"available": 4, "error": 1}
    held = {line.backend: (line.volumes, line.size_gib) for line in seen.services}
    assert held == {"mem1": (3, 15), "mem2": (0, 0), "removed": (1, 1)}
    assert '?status=error"' in operator.opens(reverse("admin:index"))


def test_long_troubles_are_cut_short_with_a_link_to_all(operator):
    for _ in range(overview.SHOWN + 1):
        failed(VolumeFactory())
    page = operator.opens(reverse("admin:index"))
    assert f"<b>{overview.SHOWN}+</b> failed within a day" in page
    assert page.count("no-back-end") == overview.SHOWN


def test_the_first_page_takes_few_queries_however_much_there_is(operator):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            operator.opens(reverse("admin:index"))
        return len(captured)

    failed(VolumeFactory())
    unfinished(AttachmentFactory().volume, not_before=timezone.now() - timedelta(hours=1))
    few = queries()
    for _ in range(10):
        failed(VolumeFactory())
        unfinished(VolumeFactory(), not_before=timezone.now() - timedelta(hours=1))
    assert queries() == few <= MOST_QUERIES


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL scans a table that is as small as this")
def test_the_first_page_finds_trouble_by_indexes():
    moment = timezone.now()
    assert "operation_unfinished" in overview.stuck_at(moment).explain()
    assert "operation_failed" in overview.failed_within_a_day_of(moment).explain()


def test_a_hostile_name_is_only_text(operator):
    volume = VolumeFactory(name="<script>alert(1)</script>", metadata={"<i>": "<s>"}, description="<u>")
    operation = failed(volume, fault_detail="<img src=x>", request_id="<em>", actor_id="<tt>")
    pages = [reverse("admin:index"), list_of(Volume), list_of(Operation), url_of(volume), url_of(operation)]
    pages.append(reverse("admin:volumes_volume_button", args=[volume.pk, "delete"]))
    for page in map(operator.opens, pages):
        for hostile in ("<script>alert(1)", "<img src=x>", "<i>", "<u>", "<em>", "<tt>", "<s>"):
            assert hostile not in page
    assert "&lt;script&gt;alert(1)" in operator.opens(list_of(Volume))
