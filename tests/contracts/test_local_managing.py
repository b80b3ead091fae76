"""The local back-end takes over what is on its storage: volumes it knew once, and files put there by operators."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from drivers.errors import NotStored
from drivers.types import GIB
from drivers.volume.local import LocalDriver
from tests.contracts.machine import needs_libnbd, needs_local
from tests.contracts.volume_driver import FIRST, new_ref
from tests.contracts.volume_managing import VolumeManagingContract

pytestmark = [needs_local, needs_libnbd]


@pytest.fixture
def root():
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        yield Path(name)
        LocalDriver.from_settings("local", {"path": name}).stop_exports()


@pytest.fixture
def driver(root):
    driver = LocalDriver.from_settings("local", {"driver": "local", "path": str(root)})
    driver.check()
    return driver


@pytest.fixture
def another(driver, root):
    return LocalDriver.from_settings("local", {"driver": "local", "path": str(root)})


@pytest.fixture
def put(root, tmp_path):
    def put(name, size, content, *options):
        raw = tmp_path / "raw"
        raw.write_bytes(content)
        os.truncate(raw, size)
        (root / "manageable").mkdir(exist_ok=True)
        target = root / "manageable" / name
        argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, str(raw), str(target)]
        subprocess.run(argv, check=True, capture_output=True)
        return target

    return put


class TestLocalManaging(VolumeManagingContract):
    pass


def qemu_img(*words):
    subprocess.run(["qemu-img", *words], check=True, capture_output=True)


def unfit(root, put, kind):
    """Put a file there that must not become a volume."""
    there = put("x", GIB, b"x")
    if kind == "a link":
        secret = root / "secret"
        there.rename(secret)
        there.symlink_to(secret)
    elif kind == "a directory":
        there.unlink()
        there.mkdir()
    elif kind == "raw":
        there.write_bytes(bytes(4096))
    elif kind == "empty":
        there.write_bytes(b"")
    elif kind == "on another image":
        there.unlink()
        qemu_img("create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", str(there), "1G")
    elif kind == "with its data elsewhere":
        there.unlink()
        options = f"data_file={root}/data,data_file_raw=on"
        qemu_img("create", "-q", "-f", "qcow2", "-o", options, str(there), "1G")
    elif kind == "with snapshots inside":
        qemu_img("snapshot", "-c", "s", str(there))
    return there


@pytest.mark.parametrize(
    "kind",
    [
        "a link",
        "a directory",
        "raw",
        "empty",
        "on another image",
        "with its data elsewhere",
        "with snapshots inside",
    ],
)
def test_a_file_that_is_not_a_whole_image_is_shown_with_the_reason_and_left_alone(driver, root, put, kind):
    there = unfit(root, put, kind)
    [found] = driver.stored_volumes()
    assert (found.name, found.size_gib) == ("x", 0)
    assert found.obstacle
    with pytest.raises(NotStored, match="cannot become a volume"):
        driver.manage_volume(new_ref(), "x", FIRST)
    assert there.exists()
    assert list(driver.list_volumes()) == []


@pytest.mark.parametrize("name", ["a b", "-o", "json:{}", "%s", "volume-x", "$(id)"])
def test_a_file_may_have_any_name(driver, root, put, name):
    put("plain", GIB + 1, b"x").rename(root / "manageable" / name)
    wanted = new_ref()
    assert driver.manage_volume(wanted, name, FIRST).size_gib == 2
    assert [it.name for it in driver.stored_volumes()] == [wanted.name]


def test_an_image_of_the_older_version_of_the_format_becomes_a_volume(driver, put):
    put("old", GIB, b"x", "-o", "compat=0.10")
    assert driver.manage_volume(new_ref(), "old", FIRST).size_gib == 1
