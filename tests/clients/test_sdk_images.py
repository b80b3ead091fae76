"""openstacksdk and images of volumes."""

import pytest

from tests.clients.test_sdk import gone, proxy_of, ready

pytestmark = [
    pytest.mark.fleet,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # the SDK's of its own
]


def test_a_volume_is_kept_as_an_image_and_made_of_it(images, demo):
    storage = proxy_of(demo)
    image = images.add(b"boot", "raw", name="boot")
    volume = ready(storage, storage.create_volume(name="of an image", size=1, image_id=image))
    assert storage.get_volume(volume).is_bootable
    told = storage.upload_volume_to_image(volume, "kept", disk_format="qcow2", container_format="bare")
    assert told["status"] == "uploading"
    ready(storage, storage.get_volume(volume))
    assert images.images[told["image_id"]]["status"] == "active"
    again = ready(storage, storage.create_volume(name="again", size=1, image_id=told["image_id"]))
    found = storage.create_image("kept once more", again, False, "bare", "qcow2", wait=False, timeout=None)
    ready(storage, storage.get_volume(again))
    assert images.images[found.id]["name"] == "kept once more"
    for each in (volume, again):
        storage.delete_volume(each)
    gone(storage, volume, again)
