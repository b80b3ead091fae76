"""Whatever is done to the objects of a repository is found at verify and at restore; wrong data never come out."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from backups.engine.errors import Damaged, KeyMissing, ManifestReplaced, NotARepository
from backups.engine.gc import collect
from backups.engine.manifest import delete_manifest
from backups.engine.progress import Hooks
from backups.engine.repository import Repository
from backups.engine.verify import Options, verify
from drivers.backup.memory import shelf
from drivers.errors import DriverError
from drivers.memory_pool import PAGE_BYTES
from tests.backup_images import MASTERS, PROJECT, SMALL, CountedTarget, backup, fresh_target, image, project, restored

KINDS = ["repository", "/keys/", "/packs/", "/index/", "/manifests/"]


class Killed(BaseException):
    """The worker is no more."""


class Scene:
    """Two backups of different volumes, and what one may do to their objects."""

    def __init__(self) -> None:
        self.store = project(fresh_target())
        self.volumes = {"one": image(9, seed=1), "two": image(9, seed=2)}
        self.digests = {name: backup(self.store, volume, name).digest for name, volume in self.volumes.items()}
        self.contents = {name: volume.whole() for name, volume in self.volumes.items()}

    @property
    def objects(self):
        return shelf("images").objects

    def names(self, kind: str) -> list[str]:
        return sorted(name for name in self.objects if kind in name)

    def change(self, name: str, content: bytes) -> None:
        self.objects[name] = (content, self.objects[name][1])

    @contextmanager
    def unharmed_after(self):
        """Put everything back afterwards, for verify repairs what it can."""
        kept = dict(self.objects)
        yield
        self.objects.clear()
        self.objects.update(kept)

    def look(self, *, may_be_harmless: bool = False) -> None:
        """Restore all and verify all, and compare what the two say."""
        try:
            store = Repository.open(CountedTarget("images")).project(PROJECT, MASTERS)
        except (NotARepository, KeyMissing):
            return
        failed = set()
        for name, content in self.contents.items():
            try:
                found = restored(store, name, digest=self.digests[name])
            except DriverError:
                failed.add(name)
            else:
                assert found == content
        report = verify(store, digests=self.digests)
        assert may_be_harmless or not report.is_sound
        assert set(report.concerned) == failed

    def heal(self) -> None:
        """Back both volumes up once more, which makes all backups whole whose manifests are."""
        for name, volume in self.volumes.items():
            self.digests[f"{name}-again"] = backup(self.store, volume, f"{name}-again").digest
            self.contents[f"{name}-again"] = volume.whole()
        for name, content in self.contents.items():
            assert restored(self.store, name, digest=self.digests[name]) == content


@pytest.fixture
def scene():
    return Scene()


def flipped(content: bytes, at: int, bit: int = 0) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_anywhere_is_found(scene, kind):
    for name in scene.names(kind):
        content = scene.objects[name][0]
        places = {0, 7, 8, 9, 12, 20, 40, len(content) // 2, len(content) - 30, len(content) - 1} & set(
            range(len(content))
        )
        for at in sorted(places):
            with scene.unharmed_after():
                scene.change(name, flipped(content, at, at % 8))
                scene.look()


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_object_is_found(scene, kind):
    for name in scene.names(kind):
        content = scene.objects[name][0]
        for length in (0, 10, 33, len(content) // 2, len(content) - 1):
            with scene.unharmed_after():
                scene.change(name, content[:length])
                scene.look()


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_object_is_found(scene, kind):
    for name in scene.names(kind):
        with scene.unharmed_after():
            del scene.objects[name]
            scene.look()


@pytest.mark.parametrize("kind", ["/packs/", "/index/", "/manifests/"])
def test_swapped_objects_are_found(scene, kind):
    first, *_, last = scene.names(kind)
    scene.objects[first], scene.objects[last] = scene.objects[last], scene.objects[first]
    scene.look()


def test_a_bad_chunk_names_only_the_backups_that_need_it(scene):
    place = next(table for _, table in _packs(scene) if _chunk_of(scene, "one", 0) in _ids(table))
    (name,) = (name for name in scene.names("/packs/") if place.pack_id.hex() in name)
    entry = next(entry for entry in place.entries if entry.chunk_id == _chunk_of(scene, "one", 0))
    scene.change(name, flipped(scene.objects[name][0], entry.offset + 100))
    assert set(verify(scene.store, digests=scene.digests).concerned) == {"one"}


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_bad_packs_are_set_aside_and_healed_by_the_next_backup(scene, damage):
    for name in scene.names("/packs/"):
        content = scene.objects[name][0]
        if damage == "remove":
            del scene.objects[name]
        else:
            scene.change(name, content[:-1] if damage == "truncate" else flipped(content, 60))
    report = verify(scene.store, digests=scene.digests)
    assert set(report.concerned) == (set() if damage == "truncate" else {"one", "two"})
    scene.heal()
    assert not verify(scene.store, digests=scene.digests).concerned
    for _ in range(3):
        collect(scene.store)
    assert verify(scene.store, digests=scene.digests).is_sound
    for name, content in scene.contents.items():
        assert restored(scene.store, name) == content


def test_an_incremental_with_known_changes_heals_chunks_it_would_not_have_read(scene):
    for name in scene.names("/packs/"):
        scene.change(name, flipped(scene.objects[name][0], 60))
    verify(scene.store)
    for name, volume in scene.volumes.items():
        backup(scene.store, volume, f"{name}-next", parent_id=name, changed=lambda _offset, _length: [])
        assert restored(scene.store, f"{name}-next") == volume.whole()
        assert restored(scene.store, name) == volume.whole()


def test_a_lost_index_is_made_anew_from_the_packs(scene):
    for name in scene.names("/index/"):
        del scene.objects[name]
    assert not verify(scene.store).is_sound
    assert verify(scene.store).is_sound
    for name in scene.names("/index/"):
        scene.change(name, b"nonsense")
    collect(scene.store)
    assert verify(scene.store).is_sound
    scene.look(may_be_harmless=True)


def test_an_older_manifest_that_was_put_back_is_found_with_the_digest_and_only_with_it(scene):
    name = f"{scene.store.prefix}manifests/one"
    old = scene.objects[name]
    volume = scene.volumes["one"]
    volume.pwrite(b"later", 0)
    newer = backup(scene.store, volume, "one", source="later")
    scene.objects[name] = old
    digests = scene.digests | {"one": newer.digest}
    assert set(verify(scene.store, digests=digests).concerned) == {"one"}
    with pytest.raises(ManifestReplaced):
        restored(scene.store, "one", digest=newer.digest)
    assert restored(scene.store, "one") == scene.contents["one"]


def test_a_manifest_that_is_gone_is_found_with_the_digests(scene):
    delete_manifest(scene.store, "one")
    assert verify(scene.store).is_sound
    assert set(verify(scene.store, digests=scene.digests).concerned) == {"one"}


def test_the_collector_deletes_nothing_while_it_cannot_know_what_a_backup_needs(scene):
    name = f"{scene.store.prefix}manifests/one"
    scene.change(name, flipped(scene.objects[name][0], 50))
    with pytest.raises(Damaged):
        collect(scene.store)
    assert not scene.names("/gc/")


@pytest.mark.parametrize("kind", ["/writers/", "/checkpoints/", "/gc/condemned/", "/gc/epoch", "/quarantine/"])
@pytest.mark.parametrize("damage", [lambda content: flipped(content, 40), lambda content: content[:20]])
def test_damaged_marks_are_found_and_hold_nobody_up(scene, kind, damage):
    backup(scene.store, image(9, seed=3), "gone")
    delete_manifest(scene.store, "gone")
    collect(scene.store)
    (pack, *_) = scene.names("/packs/")
    scene.change(pack, flipped(scene.objects[pack][0], 60))
    verify(scene.store)
    scene.change(pack, flipped(scene.objects[pack][0], 60))
    volume = image(20, seed=4)

    def die(_checkpoint):
        raise Killed

    often = replace(SMALL, checkpoint_bytes=4 * PAGE_BYTES)
    with pytest.raises(Killed):
        backup(scene.store, volume, "three", options=often, hooks=Hooks(on_checkpoint=die))
    for name in scene.names(kind):
        scene.change(name, damage(scene.objects[name][0]))
    assert not verify(scene.store, digests=scene.digests, options=Options(part=0)).is_sound
    result = backup(scene.store, volume, "three", options=often)
    assert restored(scene.store, "three", digest=result.digest) == volume.whole()
    for _ in range(3):
        collect(scene.store)
    assert restored(scene.store, "three") == volume.whole()
    for name, content in scene.contents.items():
        assert restored(scene.store, name) == content


def test_a_sample_reads_a_part_only(scene):
    assert verify(scene.store, options=Options(part=0)).read_bytes == 0
    whole = verify(scene.store).read_bytes
    assert 0 < verify(scene.store, options=Options(part=0.5, seed=1)).read_bytes < whole


def _packs(scene):
    from backups.engine.index import ChunkIndex

    index = ChunkIndex(scene.store)
    index.refresh()
    found = list(index.mirror.packs())
    index.close()
    return found


def _ids(table) -> set[bytes]:
    return {entry.chunk_id for entry in table.entries}


def _chunk_of(scene, name: str, page: int) -> bytes:
    return scene.store.keys.id_of(scene.volumes[name].pread(PAGE_BYTES, page * PAGE_BYTES))
