"""`cinder` and images: volumes made of them, given another one, and kept as images (contract 02 sections 2 and 7)."""

import random

import pytest

from tests.qcow2 import qcow2

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

GIB = 1024**3
FIRST, SECOND = (random.Random(seed).randbytes(300_000) for seed in (1, 2))  # noqa: S311 - content only


def kept(images, demo, volume: str, name: str) -> bytes:
    """Keep a volume as a raw image; return all of it."""
    said = demo.cinder("upload-to-image", "--disk-format", "raw", volume, name).shown
    assert (said["status"], said["image_name"], said["disk_format"]) == ("uploading", name, "raw")
    demo.until("show", volume, status="available")
    assert images.images[said["image_id"]]["status"] == "active"
    return images.contents.pop(said["image_id"])


def test_a_volume_is_made_of_an_image_given_another_one_and_kept_as_an_image(images, demo):
    first = images.add(FIRST, "raw", name="first")
    made = demo.create("of an image", "--image-id", first)
    shown = demo.cinder("show", made).shown
    assert shown["bootable"] == "true"
    assert first in demo.cinder("show", made).out
    content = kept(images, demo, made, "copy")
    assert len(content) == GIB
    assert content[: len(FIRST)] == FIRST
    second = images.add(qcow2(SECOND), "qcow2", name="second")
    demo.cinder("reimage", made, second)
    demo.until("show", made, status="available")
    content = kept(images, demo, made, "copy of another")
    assert content[: len(SECOND)] == SECOND
    demo.delete(made)


def test_an_image_that_is_not_what_it_says_ends_in_an_error_that_says_so(images, demo):
    wrong = images.add(qcow2(FIRST), "raw", name="wrong")
    made = demo.cinder("create", "--name", "spoiled", "--image-id", wrong, "1").shown["id"]
    demo.until("show", made, status="error")
    (told,) = (row for row in demo.cinder("message-list").rows if row["Resource UUID"] == made)
    assert "of a format that is not acceptable" in told["User Message"]
    demo.delete(made)


def test_an_image_that_is_not_there_or_does_not_fit_is_refused_and_nothing_is_made(images, demo):
    before = {row["ID"] for row in demo.cinder("list").rows}
    assert "image" in demo.refused("create", "--image-id", "6e1b5bb4-28b2-4a0c-8d4a-4b4a0f5d2b11", "1")
    large = images.add(FIRST, "raw", min_disk=2)
    assert "(HTTP 400)" in demo.refused("create", "--image-id", large, "1")
    assert {row["ID"] for row in demo.cinder("list").rows} == before
