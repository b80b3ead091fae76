"""Contract 06 section 4, 03 section 4 and 02 section 8: what is on the storage is listed, taken over and given up."""

import threading
import uuid

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone
from workers import told

from drivers import memory_pool
from drivers.memory_pool import SparseBytes
from drivers.types import GIB, Fence
from drivers.volume.base import VolumeDriver
from scheduling import algorithm
from storage_site import queues
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation, Service
from tests.calls import Calls
from tests.factories import AttachmentFactory, SnapshotFactory, VolumeFactory, VolumeTypeFactory
from tests.waiting import until
from volumes import backends
from volumes.models import EncryptionType, Quota, Snapshot, Survey, Volume, VolumeType
from volumes.reporting import report_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
HERE = "celinder@mem1#mem1"
LISTS = ("/os-volume-manage", "/manageable_volumes", "/os-snapshot-manage", "/manageable_snapshots")


@pytest.fixture(autouse=True)
def fleet(db):
    VolumeType.objects.get_or_create(name="__DEFAULT__")
    algorithm.configured.cache_clear()
    for key in ("mem1", "mem2"):
        beat(queues.of_backend(key))
    told([report_of(key, backends.driver(key)) for key in ("mem1", "mem2")])
    yield
    algorithm.configured.cache_clear()


@pytest.fixture
def as_admin(admin):
    return Calls(admin)


@pytest.fixture
def as_member(member):
    return Calls(member)


@pytest.fixture
def foreign():
    """Put something foreign on the storage of mem1."""

    def put(name, size=GIB):
        made = SparseBytes(size)
        made.write(memoryview(b"foreign"), 0)
        memory_pool.pool("mem1").foreign[name] = made

    return put


@pytest.fixture
def on_storage():
    def make(**fields):
        volume = VolumeFactory(**fields)
        backends.driver("mem1").create_volume(volume.ref(), Fence(0, 1))
        return volume

    return make


@pytest.fixture
def worker(settings):
    """Carry out, in a thread, whatever waits for a worker."""
    settings.CONNECT_WAIT_S = 20
    ended = threading.Event()

    def run():
        while not ended.wait(0.01):
            work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    ended.set()
    thread.join(30)


def work():
    for module in ("volumes.tasks", "scheduling.tasks"):
        current_app.loader.import_task_module(module)
    while waiting := Operation.objects.filter(outcome="", owner="", not_before__lte=timezone.now()).first():
        current_app.tasks[waiting.task].apply(kwargs={"operation_id": str(waiting.id)})


def manage(calls, reference, path="/manageable_volumes", **more):
    body = {"volume": {"host": HERE, "ref": {"source-name": reference}, **more}}
    made = calls.ok("POST", path, body, status=202)["volume"]
    work()
    return Volume.objects.get(pk=made["id"]), made


# --- volumes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/os-volume-manage", "/manageable_volumes"])
def test_something_foreign_becomes_a_volume(as_admin, foreign, path):
    foreign("legacy", 2 * GIB - 1)
    described = {"name": "n", "description": "d", "metadata": {"k": "v"}, "bootable": True, "availability_zone": "nova"}
    volume, answer = manage(as_admin, "legacy", path, **described)
    assert (answer["status"], answer["size"], answer["migration_status"]) == ("creating", 0, None)
    assert not {"group_id", "volume_type_id", "consumes_quota", "provider_id", "cluster_name"} & set(answer)
    shown = as_admin.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert (shown["status"], shown["size"], shown["bootable"]) == ("available", 2, "true")
    assert (shown["name"], shown["description"], shown["metadata"]) == ("n", "d", {"k": "v"})
    assert (shown["volume_type"], shown["os-vol-host-attr:host"]) == ("__DEFAULT__", HERE)
    assert list(memory_pool.pool("mem1").volumes) == [str(volume.pk)]


def test_a_volume_that_was_given_up_is_taken_over_under_another_id(as_admin, on_storage):
    old = on_storage(size_gib=3)
    base = SnapshotFactory(volume=old, is_listed=False)
    backends.driver("mem1").create_snapshot(base.ref(), Fence(0, 1))
    as_admin.ok("POST", f"/volumes/{old.pk}/action", {"os-unmanage": {}}, status=202)
    assert as_admin.ok("GET", f"/volumes/{old.pk}")["volume"]["status"] == "unmanaging"
    work()
    assert as_admin.refused("GET", f"/volumes/{old.pk}")[0] == 404
    assert list(memory_pool.pool("mem1").volumes) == [str(old.pk)]
    assert not memory_pool.pool("mem1").snapshots
    volume, _ = manage(as_admin, f"volume-{old.pk}")
    assert (volume.status, volume.size_gib, volume.stored_as) == ("available", 3, old.pk)
    as_admin.ok("DELETE", f"/volumes/{volume.pk}", status=202)
    work()
    assert not memory_pool.pool("mem1").volumes


def test_what_is_a_volume_already_is_not_taken_over(as_admin, on_storage):
    theirs = on_storage()
    volume, _ = manage(as_admin, f"volume-{theirs.pk}")
    assert volume.status == "error_managing"
    assert as_admin.ok("GET", f"/volumes/{volume.pk}")["volume"]["status"] == "error"
    assert Operation.objects.get(verb="manage").fault_code == "already-managed"
    as_admin.ok("DELETE", f"/volumes/{volume.pk}", status=202)
    work()
    assert list(memory_pool.pool("mem1").volumes) == [str(theirs.pk)]
    assert as_admin.ok("GET", "/messages")["messages"][0]["event_id"] == "VOLUME_VOLUME_008_012"


@pytest.mark.parametrize("reference", ["nothing", "", "../x", {"source-id": "x"}, {"source-name": 1}, {}])
def test_what_is_not_there_ends_in_error_and_can_be_deleted(as_admin, foreign, reference):
    foreign("legacy")
    body = {"volume": {"host": HERE, "ref": reference}}
    made = as_admin.ok("POST", "/manageable_volumes", body, status=202)["volume"]
    work()
    assert Volume.objects.get().status == "error_managing"
    as_admin.ok("DELETE", f"/volumes/{made['id']}", status=202)
    assert not Volume.objects.exists()
    assert list(memory_pool.pool("mem1").foreign) == ["legacy"]


def test_what_is_larger_than_a_quota_allows_ends_in_error_and_keeps_its_data(as_admin, foreign):
    foreign("large", 5 * GIB)
    Quota.objects.create(project_id=as_admin.caller.project_id, resource="gigabytes", limit=4)
    volume, _ = manage(as_admin, "large")
    assert (volume.status, Operation.objects.get(verb="manage").fault_code) == ("error_managing", "over-limit")
    as_admin.ok("DELETE", f"/volumes/{volume.pk}", status=202)
    work()
    assert list(memory_pool.pool("mem1").volumes) == [str(volume.pk)]


def test_a_quota_of_volumes_holds_at_once(as_admin, foreign):
    Quota.objects.create(project_id=as_admin.caller.project_id, resource="volumes", limit=0)
    body = {"volume": {"host": HERE, "ref": "x"}}
    assert as_admin.refused("POST", "/manageable_volumes", body)[0] == 413


def test_a_pool_that_does_not_serve_the_type_ends_in_error(as_admin, foreign):
    foreign("legacy")
    VolumeTypeFactory(name="golden", extra_specs={"is_golden": "yes"})
    volume, _ = manage(as_admin, "legacy", volume_type="golden")
    assert (volume.status, Operation.objects.get().fault_code) == ("error_managing", "no-valid-backend")
    assert list(memory_pool.pool("mem1").foreign) == ["legacy"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"host": HERE},
        {"ref": "x"},
        {"host": HERE, "cluster": HERE, "ref": "x"},
        {"host": HERE, "ref": None},
        {"host": HERE, "ref": 1},
        {"host": HERE, "ref": "x", "size": 1},
        {"host": HERE, "ref": "x", "bootable": "maybe"},
        {"host": HERE, "ref": "x", "volume_type": "nope"},
        {"host": HERE, "ref": "x", "availability_zone": "moon"},
        {"host": "celinder@nope#nope", "ref": "x"},
    ],
)
def test_a_request_that_is_not_well_formed_changes_nothing(as_admin, values):
    assert as_admin.refused("POST", "/manageable_volumes", {"volume": values})[0] == 400
    assert not Volume.objects.exists()


def test_a_cluster_is_named_from_316_on(as_admin):
    body = {"volume": {"cluster": HERE, "ref": "x"}}
    assert as_admin.refused("POST", "/manageable_volumes", body, version="3.15")[0] == 400
    as_admin.ok("POST", "/manageable_volumes", body, version="3.16", status=202)


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"last_seen_at": "2020-01-01T00:00:00Z"}])
def test_a_service_that_is_disabled_or_down_is_refused(as_admin, change):
    Service.objects.filter(backend="mem1").update(**change)
    assert as_admin.refused("POST", "/manageable_volumes", {"volume": {"host": HERE, "ref": "x"}})[0] == 400


def test_an_encrypted_type_is_refused(as_admin):
    wanted = VolumeTypeFactory(name="secret")
    EncryptionType.objects.create(volume_type=wanted, provider="luks", control_location="front-end")
    body = {"volume": {"host": HERE, "ref": "x", "volume_type": "secret"}}
    assert as_admin.refused("POST", "/manageable_volumes", body)[0] == 400


@pytest.mark.parametrize("path", LISTS)
def test_all_of_it_is_for_administrators(as_member, path):
    kind = "volume" if "volume" in path else "snapshot"
    assert as_member.refused("GET", f"{path}?host={HERE}")[0] == 403
    assert as_member.refused("POST", path, {kind: {}})[0] == 403


@pytest.mark.parametrize("path", ["/manageable_volumes", "/manageable_snapshots"])
def test_the_later_names_exist_from_38_on(as_admin, path):
    assert as_admin.refused("GET", f"{path}?host={HERE}", version="3.7")[0] == 404


# --- lists --------------------------------------------------------------------------------------------------------


def test_what_is_there_is_listed_with_whose_it_is(as_admin, on_storage, foreign, worker):
    volume = on_storage()
    foreign("b", 2 * GIB)
    foreign("a", 4 * GIB)
    found = as_admin.ok("GET", f"/manageable_volumes?host={HERE}")["manageable-volumes"]
    assert found == [
        {"reference": {"source-name": f"volume-{volume.pk}"}, "size": 1, "safe_to_manage": False},
        {"reference": {"source-name": "b"}, "size": 2, "safe_to_manage": True},
        {"reference": {"source-name": "a"}, "size": 4, "safe_to_manage": True},
    ]
    found = as_admin.ok("GET", f"/os-volume-manage/detail?host={HERE}&sort=size:asc")["manageable-volumes"]
    assert found[0] == {
        "reference": {"source-name": f"volume-{volume.pk}"},
        "size": 1,
        "safe_to_manage": False,
        "reason_not_safe": "already managed",
        "cinder_id": str(volume.pk),
        "extra_info": None,
    }
    assert found[2]["reason_not_safe"] is None
    assert not Survey.objects.exists()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "edcba"),
        ("&sort=reference:asc", "abcde"),
        ("&sort_key=size&sort_dir=asc", "abcde"),
        ("&sort=size:asc,reference:desc", "abcde"),
        ("&limit=2", "ed"),
        ("&limit=0", ""),
        ("&offset=3", "ba"),
        ("&limit=2&offset=1", "dc"),
        ("&marker=d", "cba"),
        ("&marker={'source-name':'d'}&limit=1", "c"),
        ('&marker={"source-name":"b"}', "a"),
    ],
)
def test_lists_are_sorted_and_cut(as_admin, foreign, worker, query, names):
    for number, name in enumerate("abcde", 1):
        foreign(name, number * GIB)
    found = as_admin.ok("GET", f"/manageable_volumes?host={HERE}{query}")["manageable-volumes"]
    assert "".join(one["reference"]["source-name"] for one in found) == names


@pytest.mark.parametrize(
    "query",
    ["", "?host=", f"?host={HERE}&cluster={HERE}", *(f"?host={HERE}&{more}" for more in ("limit=x", "offset=-1"))]
    + [
        f"?host={HERE}&{more}"
        for more in ("sort=name", "sort=size:up", "sort_key=x", "limit=-1", "sort=size&sort_key=size")
    ],
)
@pytest.mark.parametrize("path", ["/manageable_volumes", "/manageable_snapshots/detail"])
def test_a_list_that_is_not_asked_for_rightly_is_refused_at_once(as_admin, path, query):
    assert as_admin.refused("GET", f"{path}{query}")[0] == 400
    assert not Operation.objects.exists()


def test_an_unknown_sort_key_is_named(as_admin):
    text = as_admin.refused("GET", f"/manageable_volumes?host={HERE}&sort=name:asc")[2]
    assert text == "Invalid sort keys passed: name"


def test_an_unknown_marker_is_refused(as_admin, worker):
    assert as_admin.refused("GET", f"/manageable_volumes?host={HERE}&marker=x")[0] == 400


def test_a_cluster_lists_from_317_on(as_admin, worker):
    assert as_admin.refused("GET", f"/manageable_volumes?cluster={HERE}", version="3.16")[0] == 400
    as_admin.ok("GET", f"/manageable_volumes?cluster={HERE}", version="3.17")


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_host_is_not_found(as_admin, path):
    text = as_admin.refused("GET", f"{path}?host=celinder@nope")[2]
    assert text == "Service cinder-volume could not be found on host celinder@nope."


def test_a_back_end_that_does_not_answer_is_told(as_admin, settings):
    settings.CONNECT_WAIT_S = 0.05
    assert as_admin.refused("GET", f"/manageable_volumes?host={HERE}")[0] == 502


def test_a_driver_that_cannot_tell_is_said_so(as_admin, worker, monkeypatch):
    monkeypatch.setattr(type(backends.driver("mem1")), "stored_volumes", VolumeDriver.stored_volumes)
    code, _, text = as_admin.refused("GET", f"/manageable_volumes?host={HERE}")
    assert (code, "cannot take over" in text) == (400, True)


# --- giving volumes up --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["in-use", "creating", "maintenance", "reserved", "unmanaging", "error_deleting"])
def test_a_volume_in_another_status_is_not_given_up(as_admin, on_storage, status):
    volume = on_storage(status=status)
    assert as_admin.refused("POST", f"/volumes/{volume.pk}/action", {"os-unmanage": {}})[0] == 400


@pytest.mark.parametrize("by", ["snapshot", "attachment", "migration"])
def test_a_volume_that_is_needed_is_not_given_up(as_admin, on_storage, by):
    volume = on_storage(migration_status="migrating" if by == "migration" else None)
    if by == "snapshot":
        SnapshotFactory(volume=volume)
    if by == "attachment":
        AttachmentFactory(volume=volume)
    assert as_admin.refused("POST", f"/volumes/{volume.pk}/action", {"os-unmanage": None})[0] == 400


def test_giving_up_is_for_administrators(as_member, on_storage):
    volume = on_storage()
    assert as_member.refused("POST", f"/volumes/{volume.pk}/action", {"os-unmanage": {}})[0] == 403
    snapshot = SnapshotFactory(volume=volume)
    assert as_member.refused("POST", f"/snapshots/{snapshot.pk}/action", {"os-unmanage": {}})[0] == 403


# --- snapshots ----------------------------------------------------------------------------------------------------


@pytest.fixture
def given_up(as_admin, on_storage):
    """Return a volume, and the reference of a snapshot of it that nobody knows any more."""
    volume = on_storage(size_gib=2)
    snapshot = SnapshotFactory(volume=volume)
    backends.driver("mem1").create_snapshot(snapshot.ref(), Fence(0, 1))
    as_admin.ok("POST", f"/snapshots/{snapshot.pk}/action", {"os-unmanage": {}}, status=202)
    work()
    assert not Snapshot.objects.exists()
    return volume, f"snapshot-{snapshot.pk}"


@pytest.mark.parametrize("path", ["/os-snapshot-manage", "/manageable_snapshots"])
def test_a_snapshot_is_listed_and_taken_over(as_admin, given_up, worker, path):
    volume, reference = given_up
    [found] = as_admin.ok("GET", f"{path}?host={HERE}")["manageable-snapshots"]
    assert found == {
        "reference": {"source-name": reference},
        "size": 2,
        "safe_to_manage": True,
        "source_reference": {"source-name": f"volume-{volume.pk}"},
    }
    body = {"snapshot": {"volume_id": str(volume.pk), "ref": {"source-name": reference}, "name": "n"}}
    made = as_admin.ok("POST", path, body, status=202)["snapshot"]
    assert (made["status"], made["name"], made["size"]) == ("creating", "n", 2)
    wait_until_available(made["id"])
    [found] = as_admin.ok("GET", f"{path}/detail?host={HERE}")["manageable-snapshots"]
    assert (found["safe_to_manage"], found["cinder_id"]) == (False, made["id"])
    assert as_admin.refused("POST", path, body)[0] == 400
    as_admin.ok("DELETE", f"/snapshots/{made['id']}", status=202)
    until(lambda: not memory_pool.pool("mem1").snapshots, "it is gone")


def wait_until_available(snapshot_id):
    until(lambda: Snapshot.objects.get(pk=snapshot_id).status == "available", "it is available")


def test_a_snapshot_of_another_volume_or_none_is_refused(as_admin, given_up, on_storage, worker):
    volume, reference = given_up
    for other, name in ((on_storage(), reference), (volume, "snapshot-x"), (volume, "")):
        body = {"snapshot": {"volume_id": str(other.pk), "ref": name}}
        assert as_admin.refused("POST", "/manageable_snapshots", body)[0] == 400
    body = {"snapshot": {"volume_id": str(uuid.uuid4()), "ref": reference}}
    assert as_admin.refused("POST", "/manageable_snapshots", body)[0] == 404
    for values in ({}, {"volume_id": str(volume.pk)}, {"volume_id": "x", "ref": "y"}):
        assert as_admin.refused("POST", "/manageable_snapshots", {"snapshot": values})[0] == 400
    assert not Snapshot.objects.exists()


def test_a_snapshot_whose_service_is_down_is_refused(as_admin, given_up):
    volume, reference = given_up
    Service.objects.update(is_disabled=True)
    body = {"snapshot": {"volume_id": str(volume.pk), "ref": reference}}
    assert as_admin.refused("POST", "/manageable_snapshots", body)[0] == 400


@pytest.mark.parametrize("status", ["creating", "deleting", "backing-up", "unmanaging"])
def test_a_snapshot_that_is_busy_is_not_given_up(as_admin, on_storage, status):
    snapshot = SnapshotFactory(volume=on_storage(), status=status)
    assert as_admin.refused("POST", f"/snapshots/{snapshot.pk}/action", {"os-unmanage": {}})[0] == 400


# --- and what no back-end needs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, {}, {"error": True}])
@pytest.mark.parametrize("status", ["available", "extending"])
def test_no_extension_waits_for_its_completion(as_admin, as_member, on_storage, status, value):
    path = f"/volumes/{on_storage(status=status).pk}/action"
    assert as_admin.refused("POST", path, {"os-extend_volume_completion": value})[0] == 400
    assert as_member.refused("POST", path, {"os-extend_volume_completion": value})[0] == 403
