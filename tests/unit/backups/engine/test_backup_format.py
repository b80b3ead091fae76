"""The format is what its document says, and whoever has the key can read it."""

import re
from pathlib import Path

import pytest

from backups.engine import format as fmt
from backups.engine.errors import Damaged, KeyMissing, NotARepository
from backups.engine.keys import MasterKeys
from backups.engine.repository import Repository
from drivers.backup.memory import shelf
from drivers.errors import InvalidConfiguration
from drivers.memory_pool import PAGE_BYTES
from tests.backup_images import MASTERS, OTHER_PROJECT, PROJECT, backup, fresh_target, image, project, restored
from tests.backup_reader import StrangersReader

MASTER = bytes(range(32))


def test_a_stranger_with_the_document_and_the_key_restores_a_backup():
    store = project(fresh_target())
    volume = image(30, filled=21, tail=700)
    volume.pwrite(b"text " * 20000, 25 * PAGE_BYTES)
    backup(store, volume, "full")
    first = volume.whole()
    volume.discard(4)
    volume.pwrite(b"changed", 9 * PAGE_BYTES)
    backup(store, volume, "next", parent_id="full")
    objects = {name: content for name, (content, _) in shelf("images").objects.items()}
    reader = StrangersReader(objects, PROJECT, MASTER)
    assert reader.restore("full") == first
    assert reader.restore("next") == volume.whole()


def test_the_strangers_reader_imports_nothing_of_ours():
    text = Path(StrangersReader.restore.__code__.co_filename).read_text()
    assert not re.search(r"^\s*(from|import) (backups|drivers|storage_site|volumes|tests)", text, re.MULTILINE)


def test_nothing_of_the_content_is_legible_on_the_target():
    store = project(fresh_target())
    volume = image(4, filled=0)
    volume.pwrite(b"a secret that nobody shall read " * 64, 0)
    backup(store, volume, "one", metadata={"name": "a-telling-name"})
    assert all(
        b"secret" not in content and b"telling" not in content for content, _ in shelf("images").objects.values()
    )


def test_master_keys_are_rotated_without_touching_anything_else(tmp_path):
    target = fresh_target()
    store = project(target)
    volume = image(5)
    backup(store, volume, "one")
    before = {name: found for name, found in shelf("images").objects.items() if "/keys/" not in name}
    path = tmp_path / "keys"
    path.write_text(f"{'ab' * 32}  # the new one\n{MASTER.hex()}\n")
    path.chmod(0o600)
    both = MasterKeys.from_file(path)
    assert Repository.open(target).rotate(both) == 1
    assert {name: found for name, found in shelf("images").objects.items() if "/keys/" not in name} == before
    only_new = MasterKeys([bytes.fromhex("ab" * 32)])
    assert restored(Repository.open(target).project(PROJECT, only_new), "one") == volume.whole()
    with pytest.raises(KeyMissing):
        Repository.open(target).project(PROJECT, MASTERS)


def test_a_shredded_project_is_gone_and_no_other(tmp_path):
    target = fresh_target()
    store, other = project(target), project(target, OTHER_PROJECT)
    volume = image(5)
    for each in (store, other):
        backup(each, volume, "one")
    store.repository.shred(PROJECT)
    assert list(store.repository.projects()) == [OTHER_PROJECT]
    assert not list(target.list(f"projects/{PROJECT}/"))
    assert restored(other, "one") == volume.whole()


def test_a_project_key_serves_no_other_project():
    target = fresh_target()
    project(target)
    objects = shelf("images").objects
    (name,) = (name for name in objects if "/keys/" in name)
    objects[name.replace(PROJECT, "c" * 32)] = objects[name]
    with pytest.raises(KeyMissing, match="another project"):
        Repository.open(target).project("c" * 32, MASTERS)


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 31])
def test_a_file_of_master_keys_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(InvalidConfiguration):
        MasterKeys.from_file(path)


def test_a_file_of_master_keys_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "keys"
    path.write_text("ab" * 32)
    path.chmod(0o644)
    with pytest.raises(InvalidConfiguration, match="chmod 600"):
        MasterKeys.from_file(path)


def test_another_repository_on_the_target_is_noticed():
    first = Repository.create(fresh_target("first"))
    second = Repository.create(fresh_target("second"))
    assert Repository.create(first.target).id == first.id
    with pytest.raises(NotARepository):
        Repository.open(second.target, expected_id=first.id)
    with pytest.raises(NotARepository):
        Repository.open(fresh_target("third"))


@pytest.mark.parametrize("head", [b"", b"\n", b"[]\n", b'{"id": 5}\n'])
def test_a_head_that_is_none_is_refused(head):
    target = fresh_target()
    target.put(fmt.REPOSITORY_NAME, head)
    with pytest.raises(NotARepository):
        Repository.open(target)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"CLDRSEG1",
        fmt.SEGMENT_MAGIC + b"\0\0",
        fmt.SEGMENT_MAGIC + b"\0\0\0\0",
        fmt.SEGMENT_MAGIC + b"\x7f\xff\xff\xff",
        fmt.SEGMENT_MAGIC + b"\x80\0\0\2" + bytes(63),
        fmt.SEGMENT_MAGIC + b"\0\0\0\3" + b"\0\0\0\1",
    ],
)
def test_a_segment_that_makes_no_sense_is_refused(body):
    with pytest.raises(Damaged):
        fmt.parse_slots(body, 3)


@pytest.mark.parametrize(
    "body", [b"x", fmt.INDEX_PACK.pack(bytes(16), 100, 2**32 - 1), fmt.INDEX_PACK.pack(bytes(16), 48, 1) + bytes(45)]
)
def test_an_index_that_makes_no_sense_is_refused(body):
    with pytest.raises(Damaged):
        list(fmt.parse_index(body))


def test_the_same_slots_make_the_same_segment():
    slots = [None, b"a" * 32, b"b" * 32, None, None, b"c" * 32]
    assert fmt.parse_slots(fmt.dump_slots(slots), 6) == slots
    assert len(fmt.dump_slots(slots)) == 8 + 4 * 4 + 3 * 32
