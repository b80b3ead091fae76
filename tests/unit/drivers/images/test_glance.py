"""Images as the image service gives and takes them."""

import pytest

from drivers.images.errors import ImageRefused, ImageServiceDown
from drivers.images.glance import Service
from tests.glance import glance


@pytest.fixture
def server():
    with glance() as running:
        yield running


@pytest.fixture
def service(server):
    return Service(endpoint=server.url, token=lambda: "a-token", timeout_s=5)


def test_an_image_is_shown_and_read(server, service):
    image_id = server.add(b"x" * 3_000_000, min_disk=2, os_distro="debian")
    shown = service.show(image_id)
    assert (shown.status, shown.size, shown.min_disk_gib) == ("active", 3_000_000, 2)
    assert shown.properties == {"os_distro": "debian"}
    assert b"".join(service.content(image_id)) == b"x" * 3_000_000
    assert [one.id for one in service.named("an image")] == [image_id]
    assert service.show("0" * 8) is None


def test_an_image_is_made_filled_and_removed(server, service):
    made = service.create({"name": "new", "disk_format": "raw", "container_format": "bare"})
    service.upload(made.id, iter([b"ab", b"cd"]), 4)
    assert (server.contents[made.id], service.show(made.id).status) == (b"abcd", "active")
    service.delete(made.id)
    service.delete(made.id)
    assert server.images == {}


def test_what_the_service_refuses_is_told_from_what_it_cannot_do_now(server, service):
    image_id = server.add(b"x" * 300_000)
    server.cut_after = 100_000
    with pytest.raises(ImageServiceDown):
        list(service.content(image_id))
    server.failure = 503
    with pytest.raises(ImageServiceDown, match="out of order"):
        service.show(image_id)
    server.failure = 403
    with pytest.raises(ImageRefused):
        service.create({"name": "new"})
    server.failure, server.tokens = 0, {"another"}
    with pytest.raises(ImageServiceDown):
        service.show(image_id)


def test_nobody_at_the_address_is_a_service_that_is_down():
    with pytest.raises(ImageServiceDown) as caught:
        Service(endpoint="http://127.0.0.1:1", token=lambda: "secret").show("x")
    assert "secret" not in str(caught.value)
