"""What was backed up comes back, whatever the volume looked like."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups.engine.errors import BackupMissing, VolumeTooSmall
from backups.engine.manifest import backup_ids, delete_manifest
from drivers.memory_pool import PAGE_BYTES
from tests.backup_images import (
    OTHER_PROJECT,
    SMALL_WINDOWS,
    Image,
    backup,
    fresh_target,
    image,
    project,
    restored,
)


@pytest.fixture
def store():
    return project(fresh_target())


def test_a_volume_comes_back_as_it_was(store):
    volume = image(20, filled=9)
    result = backup(store, volume, "one")
    assert restored(store, "one", digest=result.digest) == volume.whole()
    assert result.manifest.chunks_bytes == 9 * PAGE_BYTES


def test_an_empty_volume_comes_back_empty_and_takes_next_to_nothing(store):
    volume = image(64, filled=0)
    result = backup(store, volume, "empty")
    assert restored(store, "empty") == bytes(volume.size)
    assert result.manifest.segments == (None,) * 8
    assert result.manifest.packs == 0


def test_written_zeros_are_not_stored(store):
    volume = image(16, filled=0)
    for page in range(16):
        volume.pwrite(bytes(PAGE_BYTES), page * PAGE_BYTES)
    assert backup(store, volume, "zeros").manifest.packs == 0


def test_a_volume_whose_end_is_zeros_or_no_whole_chunk_has_exactly_its_size_again(store):
    for number, tail in enumerate((0, 1, 512, PAGE_BYTES - 1)):
        volume = image(17, filled=5, tail=tail)
        if tail:
            volume.pwrite(b"\7", volume.size - 1)
        result = backup(store, volume, f"tail{number}")
        assert result.manifest.geometry.volume_bytes == volume.size
        into = image(40, seed=3)
        rest = into.content.read(into.size - volume.size, volume.size)
        assert restored(store, f"tail{number}", into=into) == volume.whole()
        assert into.content.read(into.size - volume.size, volume.size) == rest


def test_an_old_volume_is_zeroed_where_the_backup_has_holes_and_a_fresh_one_keeps_its_holes(store):
    volume = image(30, filled=0)
    volume.pwrite(b"x" * PAGE_BYTES, 7 * PAGE_BYTES)
    backup(store, volume, "one")
    old = image(30, seed=9)
    assert restored(store, "one", into=old, options=SMALL_WINDOWS) == volume.whole()
    assert list(old.content.pages) == [7]
    fresh = Image(volume.size)
    fresh.discard(0)
    from backups.engine.restore import Target, restore

    restore(store, "one", Target([fresh], is_fresh=True))
    assert list(fresh.content.pages) == [7]


def test_a_volume_that_is_too_small_is_refused_untouched(store):
    backup(store, image(8), "one")
    small = image(7, filled=0)
    with pytest.raises(VolumeTooSmall):
        restored(store, "one", into=small)
    assert not small.content.pages


def test_an_incremental_with_known_changes_reads_only_those(store):
    volume = image(40)
    backup(store, volume, "full")
    volume.pwrite(b"new" * 100, 3 * PAGE_BYTES + 5)
    volume.discard(20)
    volume.reads = 0
    changes = [(3 * PAGE_BYTES + 5, 300), (20 * PAGE_BYTES, PAGE_BYTES)]
    result = backup(store, volume, "next", parent_id="full", changed=lambda _offset, _length: changes)
    assert volume.reads == PAGE_BYTES
    assert result.manifest.parent_id == "full"
    assert restored(store, "next") == volume.whole()


def test_an_incremental_without_known_changes_stores_only_what_differs(store):
    volume = image(40)
    full = backup(store, volume, "full")
    volume.pwrite(b"new", 3 * PAGE_BYTES)
    assert backup(store, volume, "next").manifest.stored_bytes < full.manifest.stored_bytes / 10
    assert restored(store, "next") == volume.whole()


def test_a_volume_extended_between_two_incrementals_comes_back_in_both_sizes(store):
    volume = image(10, tail=100)
    before = volume.whole()
    backup(store, volume, "small")
    larger = Image(31 * PAGE_BYTES, volume.content)
    larger.pwrite(b"end", larger.size - 3)
    changed = [(larger.size - 3, 3)]
    backup(store, larger, "large", parent_id="small", changed=lambda _offset, _length: changed)
    assert restored(store, "large") == larger.whole()
    assert restored(store, "small") == before


def test_a_parent_that_is_gone_or_divided_otherwise_only_costs_a_full_read(store):
    volume = image(10)
    backup(store, volume, "gone", parent_id="never-was", changed=lambda _offset, _length: [])
    assert restored(store, "gone") == volume.whole()


def test_compressible_content_takes_less_room(store):
    volume = image(10, filled=0)
    for page in range(10):
        volume.pwrite(bytes([page]) * 100 + b"text, and more text; " * 3000, page * PAGE_BYTES)
    assert backup(store, volume, "text").manifest.stored_bytes < volume.size / 20
    assert restored(store, "text") == volume.whole()


def test_equal_volumes_of_two_projects_share_nothing(store):
    other = project(store.target, OTHER_PROJECT)
    volume = image(10)
    first, second = backup(store, volume, "one").manifest, backup(other, volume, "one").manifest
    assert not set(first.segments) & set(second.segments)
    assert second.stored_bytes == first.stored_bytes
    assert store.keys.id_of(b"same") != other.keys.id_of(b"same")
    with pytest.raises(BackupMissing):
        restored(other, "two")


def test_a_backup_that_is_asked_for_again_after_its_end_is_the_same_one(store):
    volume = image(10)
    first = backup(store, volume, "one")
    assert backup(store, volume, "one") == first
    volume.pwrite(b"later", 0)
    second = backup(store, volume, "one", source="another-snapshot")
    assert second.manifest.generation == 2
    assert restored(store, "one") == volume.whole()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), steps=st.integers(2, 5), tail=st.integers(0, PAGE_BYTES - 1))
def test_any_chain_of_images_comes_back_and_any_backup_may_go_first(seed, steps, tail):
    store = project(fresh_target("chain"))
    random_ = random.Random(seed)  # noqa: S311 - a repeatable story, nothing secret
    volume = image(random_.randrange(1, 40), filled=0, tail=tail)
    wanted: dict[str, bytes] = {}
    for step in range(steps):
        changes = []
        for _ in range(random_.randrange(6)):
            offset = random_.randrange(volume.size)
            length = min(random_.randrange(1, 3 * PAGE_BYTES), volume.size - offset)
            volume.pwrite(random_.randbytes(length), offset)
            changes.append((offset, length))
        if random_.random() < 0.5:
            page = random_.randrange(40)
            volume.discard(page)
            changes.append((page * PAGE_BYTES, PAGE_BYTES))
        known = random_.random() < 0.6
        more = {"parent_id": f"b{step - 1}", "changed": lambda _o, _l, changes=changes: changes} if known else {}
        backup(store, volume, f"b{step}", **more)
        wanted[f"b{step}"] = volume.whole()
    order = list(wanted)
    random_.shuffle(order)
    for gone in order:
        for backup_id, content in wanted.items():
            assert restored(store, backup_id, into=image(42, seed=step), options=SMALL_WINDOWS) == content
        delete_manifest(store, gone)
        del wanted[gone]
    assert not list(backup_ids(store))
