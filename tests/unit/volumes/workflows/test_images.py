"""Volumes from images and images from volumes, carried out by the worker's own tasks in this process."""

import itertools
import random
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone

import volumes.tasks  # noqa: F401 - makes the tasks known
from drivers.connect import open_connection
from drivers.types import Connector, ExportRequest, Fence
from storage_site.operations.models import Operation
from tests.calls import Calls
from tests.factories import VolumeFactory
from tests.glance import glance
from tests.qcow2 import CLUSTER, HARMFUL, IN_DISGUISE, qcow2
from volumes import backends, images
from volumes.models import Attachment, Volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("qemu-img")]
CONTENT = random.Random(1).randbytes(200_000) + bytes(3 * CLUSTER) + b"the end"  # noqa: S311 - content only
GIB = 1024**3


@pytest.fixture
def server(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_own_token", lambda *_whose: "the-workers")
    with glance() as running:
        settings.IMAGE_ENDPOINT, settings.IMAGE_SCRATCH_DIR = running.url, tmp_path / "scratch"
        settings.IMAGE_TIMEOUT_S = 60
        yield running


@pytest.fixture
def calls(member):
    return Calls(replace(member, token="the-members"), "3.71")


def made(calls, image_id: str, size: int = 1, **members) -> Volume:
    """Return the volume that a member has asked for, which a worker has made blank."""
    answer = calls("POST", "/volumes", {"volume": {"size": size, "imageRef": image_id, **members}})
    assert answer.status_code == 202, answer.content
    operation = Operation.objects.get(resource_id=answer.json()["volume"]["id"])
    Operation.objects.filter(pk=operation.pk).update(task="volumes.tasks.create_volume", queue="volume-mem1")
    volume = Volume.objects.get(pk=operation.resource_id)
    Volume.objects.filter(pk=volume.pk).update(backend="mem1", pool="mem1")
    step(operation)
    volume.refresh_from_db()
    assert (volume.status, volume.is_bootable) == ("downloading", False)
    return volume


def step(operation: Operation) -> Operation:
    Operation.objects.filter(pk=operation.pk, outcome="").update(not_before=timezone.now())
    operation.refresh_from_db()
    current_app.tasks[operation.task].apply(kwargs={"operation_id": str(operation.id)})
    operation.refresh_from_db()
    return operation


def worked(volume: Volume) -> Operation:
    """Have workers do all there is; return the last operation of the volume."""
    last = Operation.objects.filter(resource_id=volume.pk).latest("serial")
    for _turn in range(20):
        for operation in Operation.objects.filter(outcome=""):
            step(operation)
    volume.refresh_from_db()
    last.refresh_from_db()
    return last


@contextmanager
def opened(volume: Volume):
    driver, attachment = backends.driver(volume.backend).inner, "0" * 8 + "-0000-4000-8000-" + "0" * 12
    info = driver.export(volume.ref(), ExportRequest(attachment, Connector("h")), Fence(10**6, 1))
    with open_connection(info) as connection:
        yield connection
    driver.unexport(volume.ref(), attachment, Fence(10**6, 1))


def content(volume: Volume, length: int = 1024**2) -> bytes:
    with opened(volume) as connection:
        return connection.pread(length, 0)


def nothing_is_left(volume: Volume, settings) -> bool:
    assert not backends.driver("mem1").inner.exports(volume.ref())
    assert not Attachment.objects.exclude(lent_to=None).exists()
    scratch = Path(settings.IMAGE_SCRATCH_DIR)
    assert not scratch.exists() or not list(scratch.iterdir())
    held = [str(path.resolve()) for path in Path("/proc/self/fd").iterdir()]
    assert not [path for path in held if str(scratch) in path]
    return True


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_a_volume_holds_what_the_image_does(server, calls, settings, kind):
    image = CONTENT if kind == "raw" else qcow2(CONTENT)
    image_id = server.add(image, kind, name="debian", os_distro="debian", min_disk=1)
    volume = made(calls, image_id)
    operation = worked(volume)
    assert (operation.outcome, operation.fault_detail) == ("succeeded", "")
    assert (volume.status, volume.is_bootable) == ("available", True)
    assert content(volume) == CONTENT.ljust(1024**2, b"\0")
    shown = calls.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert shown["bootable"] == "true"
    expected = {"image_id": image_id, "image_name": "debian", "os_distro": "debian", "disk_format": kind}
    assert expected.items() <= shown["volume_image_metadata"].items()
    assert nothing_is_left(volume, settings)
    with opened(volume) as connection:
        held = sum(extent.length for extent in connection.extents() if extent.is_data)
    assert held < 2 * len(CONTENT)


@pytest.mark.parametrize(
    ("claimed", "name"), [*zip(itertools.repeat("qcow2"), HARMFUL), *zip(itertools.repeat("raw"), IN_DISGUISE)]
)
def test_an_image_that_means_harm_ends_in_error_with_its_reason(server, calls, settings, claimed, name):
    image, reason = HARMFUL[name] if claimed == "qcow2" else (IN_DISGUISE[name], f"what it holds is {name}")
    volume = made(calls, server.add(image, claimed))
    operation = worked(volume)
    assert (operation.outcome, operation.fault_code, volume.status) == ("failed", "image-unfit", "error")
    assert reason in operation.fault_detail
    assert not volume.is_bootable
    assert nothing_is_left(volume, settings)


def test_bombs_and_lies_end_in_error(server, calls, settings):
    for image, claimed, changes, code in [
        (qcow2(virtual=2 * GIB), "qcow2", {}, "image-too-large"),
        (qcow2(virtual=2**60, l1_entries=1), "qcow2", {}, "image-too-large"),
        (CONTENT, "raw", {"os_hash_value": "0" * 128}, "image-damaged"),
        (CONTENT, "raw", {"size": len(CONTENT) + 5}, "image-damaged"),
        (CONTENT, "raw", {"os_hash_value": None, "os_hash_algo": None, "checksum": "0" * 32}, "image-damaged"),
    ]:
        image_id = server.add(image, claimed, **changes)
        volume = made(calls, image_id)
        assert worked(volume).fault_code == code
        assert volume.status == "error"
        assert nothing_is_left(volume, settings)


def test_an_image_service_that_stumbles_delays_the_volume(server, calls, settings):
    volume = made(calls, server.add(CONTENT))
    operation = Operation.objects.get(resource_id=volume.pk, verb="download")
    server.failures = [503]
    step(operation)
    assert (operation.outcome, operation.fault_code) == ("", "image-service-down")
    server.cut_after = 1000
    step(operation)
    assert nothing_is_left(volume, settings)
    server.cut_after = None
    assert worked(volume).outcome == "succeeded"
    assert content(volume) == CONTENT.ljust(1024**2, b"\0")


def test_the_worker_does_not_ask_with_the_users_token(server, calls):
    volume = made(calls, server.add(CONTENT))
    worked(volume)
    assert {token for _method, path, token in server.asked if path.endswith("/file")} == {"the-workers"}
    assert "the-members" not in str(list(Operation.objects.values()))


def test_what_is_refused_at_once(server, calls):
    def refused(image_id: str, **members) -> str:
        body = {"volume": {"size": 1, "imageRef": image_id, **members}}
        code, _, message = calls.refused("POST", "/volumes", body)
        assert code in {400, 409}
        return message

    assert "is not active" in refused(server.add(b"x", status="queued"))
    assert "minDisk" in refused(server.add(b"x", min_disk=2))
    assert "larger than volume size" in refused(server.add(b"x", size=GIB + 1))
    assert "raw and qcow2" in refused(server.add(b"x", "vmdk"))
    assert "Invalid image identifier" in refused("no such name")
    assert refused(server.add(b"x"), size=None)
    server.add(b"x")
    assert "Multiple" in refused("an image")
    server.failure = 503
    assert "Invalid image identifier" in refused(server.add(b"x"))
    assert not Volume.objects.exists()


@pytest.fixture
def volume(server):
    found = VolumeFactory(name="mine", status="available", backend="mem1", pool="mem1")
    backends.driver("mem1").inner.create_volume(found.ref(), Fence(0, 1))
    with opened(found) as connection:
        connection.pwrite(CONTENT.ljust(1024**2, b"\0"), 0)
        connection.flush()
    return found


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_a_volume_is_kept_as_an_image_and_another_one_made_from_it(server, calls, volume, settings, kind):
    body = {"os-volume_upload_image": {"image_name": "mine", "disk_format": kind}}
    answer = calls.ok("POST", f"/volumes/{volume.pk}/action", body, status=202)["os-volume_upload_image"]
    assert (answer["status"], answer["image_name"], answer["visibility"]) == ("uploading", "mine", "private")
    operation = worked(volume)
    assert (operation.outcome, operation.fault_detail, volume.status) == ("succeeded", "", "available")
    assert nothing_is_left(volume, settings)
    again = made(calls, answer["image_id"])
    assert worked(again).fault_detail == ""
    assert content(again) == content(volume)


def test_an_image_is_protected_when_it_is_complete(server, calls, volume):
    body = {"os-volume_upload_image": {"image_name": "mine", "disk_format": "qcow2", "protected": True}}
    answer = calls.ok("POST", f"/volumes/{volume.pk}/action", body, status=202)["os-volume_upload_image"]
    assert (answer["protected"], server.images[answer["image_id"]]["protected"]) == (True, False)
    assert worked(volume).outcome == "succeeded"
    assert server.images[answer["image_id"]]["protected"] is True


def test_an_upload_that_is_refused_leaves_no_image(server, calls, volume, settings):
    body = {"os-volume_upload_image": {"image_name": "mine", "protected": True}}
    calls.ok("POST", f"/volumes/{volume.pk}/action", body, status=202)
    server.refuses_upload = 413
    operation = worked(volume)
    assert (operation.outcome, volume.status, server.images) == ("failed", "available", {})
    assert nothing_is_left(volume, settings)
    assert calls("GET", "/messages").json()["messages"][0]["event_id"] == "VOLUME_VOLUME_003_004"


def test_what_cannot_be_kept_is_refused_at_once(server, calls, volume):
    def refused(**members) -> int:
        return calls.refused("POST", f"/volumes/{volume.pk}/action", {"os-volume_upload_image": members})[0]

    assert refused(image_name="x", disk_format="vmdk") == 400
    assert refused(image_name="x", visibility="public") == 403
    assert refused() == 400
    Volume.objects.filter(pk=volume.pk).update(status="in-use")
    assert refused(image_name="x", force=True) == 400
    assert server.images == {}


def test_a_volume_is_given_another_image_and_nothing_of_the_former_is_left(server, calls, volume):
    with opened(volume) as connection:
        connection.pwrite(b"secret".ljust(4096, b"\0"), 500 * 1024**2)
        connection.flush()
    image_id = server.add(qcow2(b"new" * 1000), "qcow2")
    calls.ok("POST", f"/volumes/{volume.pk}/action", {"os-reimage": {"image_id": image_id}}, status=202)
    assert worked(volume).fault_detail == ""
    assert (volume.status, volume.image_metadata["image_id"]) == ("available", image_id)
    assert content(volume) == (b"new" * 1000).ljust(1024**2, b"\0")
    with opened(volume) as connection:
        assert not any(connection.pread(4096, 500 * 1024**2))
