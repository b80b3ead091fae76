"""Volumes that real workers of the local back-end make from images, killed in the middle of it."""

import random
import signal
import threading
import uuid
from contextlib import contextmanager

import pytest
from django.db import transaction

from drivers.connect import open_connection
from drivers.types import Connector, ExportRequest, Fence
from storage_site.identity.models import User
from storage_site.operations.admission import begin
from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from tests.factories import VolumeFactory
from tests.glance import glance
from tests.qcow2 import qcow2
from tests.waiting import until
from tests.workers.accepting import CALLER, QUEUE, open_all
from volumes import backends
from volumes.models import Attachment, Volume

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200), pytest.mark.needs("qemu-img")]
CONTENT = random.Random(1).randbytes(700_000)  # noqa: S311 - content only


@pytest.fixture
def broker(request):
    """One broker is enough here: what the messages promise is tested elsewhere."""
    return request.getfixturevalue("valkey_lane")


@pytest.fixture
def server(workers, gates, folder):
    open_all(gates)
    User.objects.create(pk=CALLER.user_id, name="demo")
    with glance() as running:
        workers.environment["CELINDER_IMAGE_ENDPOINT"] = running.url
        workers.environment["CELINDER_IMAGE_SCRATCH_DIR"] = str(folder / "scratch")
        backends.driver("gated").check()
        yield running
        backends.driver("gated").stop_exports()


def begun(image_id: str) -> tuple[Volume, Operation]:
    volume = VolumeFactory(backend="gated", pool="gated", status="available")
    backends.driver("gated").create_volume(volume.ref(), Fence(0, 1))
    arguments = {"image_id": image_id, "as_project": CALLER.project_id, "is_fresh": True}
    with transaction.atomic():
        return volume, begin(volume, "download", caller=CALLER, arguments=arguments)


def has_ended(operation: Operation) -> bool:
    sweep()
    operation.refresh_from_db()
    return operation.is_finished


@contextmanager
def opened(volume: Volume):
    driver, attachment = backends.driver("gated"), str(uuid.uuid4())
    info = driver.export(volume.ref(), ExportRequest(attachment, Connector("h")), Fence(10**6, 1))
    with open_connection(info) as connection:
        yield connection
    driver.unexport(volume.ref(), attachment, Fence(10**6, 1))


@pytest.mark.parametrize("kind", ["raw", "qcow2"])
def test_what_a_killed_worker_has_begun_another_one_completes(server, workers, folder, kind):
    image = CONTENT if kind == "raw" else qcow2(CONTENT)
    server.pause = threading.Event()
    first = workers.start(QUEUE, "first")
    until(lambda: first.is_ready, "the worker is ready", 60)
    volume, operation = begun(server.add(image, kind))
    until(server.downloading.is_set, "the image is being fetched", 30)
    first.signal(signal.SIGKILL)
    first.process.wait(10)
    assert list((folder / "scratch").iterdir()) == []
    server.pause.set()
    workers.start(QUEUE, "second")
    until(lambda: has_ended(operation), "the image is there", 90)
    volume.refresh_from_db()
    assert (operation.outcome, operation.fault_detail, volume.status) == ("succeeded", "", "available")
    with opened(volume) as connection:
        assert connection.pread(1024**2, 0) == CONTENT.ljust(1024**2, b"\0")
    assert not Attachment.objects.exists()
    assert backends.driver("gated").exports(volume.ref()) == frozenset()
    assert list((folder / "scratch").iterdir()) == []
