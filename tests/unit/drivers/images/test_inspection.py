"""What is in an image is found out without believing anything in it."""

import io
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import PermanentDriverError
from drivers.images.errors import ImageTooLarge, ImageUnfit
from drivers.images.inspection import Found, inspect
from tests.qcow2 import CLUSTER, HARMFUL, IN_DISGUISE, qcow2

GIB = 1024**3


def look(image: bytes, claimed: str, room: int = GIB) -> Found:
    return inspect(io.BytesIO(image), len(image), claimed=claimed, room=room)


def test_a_good_image_is_told_its_format_and_size():
    assert look(qcow2(b"x" * 100_000), "qcow2") == Found("qcow2", 1024**2)
    assert look(bytes(5000), "raw") == Found("raw", 5000)


@pytest.mark.needs("qemu-img")
@pytest.mark.parametrize("options", ["compat=1.1", "compat=0.10", "cluster_size=512", "cluster_size=2M"])
@pytest.mark.parametrize("how", [[], ["-c"]])
def test_what_others_make_is_taken(tmp_path, options, how):
    (tmp_path / "raw").write_bytes(b"ab" * CLUSTER + bytes(CLUSTER))
    argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", options, *how, "raw", "made"]
    subprocess.run(argv, cwd=tmp_path, check=True)
    assert look((tmp_path / "made").read_bytes(), "qcow2") == Found("qcow2", 3 * CLUSTER)


@pytest.mark.parametrize("name", HARMFUL)
def test_an_image_that_means_harm_is_refused_with_its_reason(name):
    image, reason = HARMFUL[name]
    with pytest.raises(ImageUnfit, match=reason):
        look(image, "qcow2")


@pytest.mark.parametrize("name", IN_DISGUISE)
def test_what_is_said_to_be_raw_carries_no_other_formats_mark(name):
    with pytest.raises(ImageUnfit, match=f"said to be raw, but what it holds is {name}"):
        look(IN_DISGUISE[name], "raw")


def test_raw_is_no_qcow2_and_other_formats_are_not_taken_at_all():
    with pytest.raises(ImageUnfit, match="said to be qcow2, but what it holds is raw"):
        look(bytes(CLUSTER), "qcow2")
    with pytest.raises(ImageUnfit, match="raw and qcow2"):
        look(IN_DISGUISE["vmdk"], "vmdk")
    with pytest.raises(ImageUnfit, match="empty"):
        look(b"", "raw")


def test_what_a_machine_would_see_has_to_fit():
    with pytest.raises(ImageTooLarge):
        look(qcow2(virtual=GIB + 512), "qcow2")
    with pytest.raises(ImageTooLarge):
        look(qcow2(virtual=2**63, l1_entries=1), "qcow2")
    with pytest.raises(ImageTooLarge):
        look(bytes(CLUSTER), "raw", room=CLUSTER - 1)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200) | st.integers(3 * CLUSTER, 5 * CLUSTER), st.integers(0, 255)), max_size=12),
    st.integers(0, 8 * CLUSTER),
)
def test_whatever_the_bytes_are_the_answer_is_a_size_or_a_reason(changes, length):
    image = bytearray(qcow2(b"content" * 10_000))
    for place, value in changes:
        image[place] = value
    for claimed in ("qcow2", "raw"):
        try:
            assert 0 < look(bytes(image[:length]), claimed).virtual_bytes <= GIB
        except PermanentDriverError:
            continue
