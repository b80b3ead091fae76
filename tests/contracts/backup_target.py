"""What every backup target must do: a suite to be run on each of them."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from drivers.backup import BackupTarget, TargetCapabilities
from drivers.errors import InvalidConfiguration, InvalidName, ObjectMissing

MIB = 1024**2
HOSTILE = [
    "",
    "/",
    "/etc/passwd",
    "a//b",
    "a/",
    "../up",
    "a/../../b",
    "a/./b",
    "..",
    "~partial/x",
    "a b",
    "é",
    "a\n",
    "a\0b",
    "a\\b",
    "%2e%2e/x",
    "x" * 201,
    "/".join(["long"] * 200),
]
CALLS = {
    "put": lambda target, name: target.put(name, b"x"),
    "put if absent": lambda target, name: target.put(name, b"x", only_if_absent=True),
    "get": lambda target, name: target.get(name),
    "get into": lambda target, name: target.get_into(name, bytearray(1)),
    "size": lambda target, name: target.size(name),
    "delete": lambda target, name: target.delete(name),
}
READS = ["get", "get into", "size"]


def names(target: BackupTarget, prefix: str = "") -> list[str]:
    return [it.name for it in target.list(prefix)]


class BackupTargetContract:
    """Subclasses provide `target` (empty, checked) and `another`, a second object on the same place."""

    # --- what it says about itself

    def test_it_says_what_it_can_do(self, target):
        assert isinstance(target.capabilities, TargetCapabilities)
        assert target.key

    def test_checking_again_changes_nothing(self, target, another):
        target.put("kept", b"1")
        before = target.capabilities
        target.check()
        another.check()
        assert target.capabilities == another.capabilities == before
        assert names(target) == ["kept"]
        assert target.get("kept") == b"1"

    def test_an_unknown_entry_of_the_settings_is_named(self, target, settings):
        with pytest.raises(InvalidConfiguration, match=r"'some'.*'colour'"):
            type(target).from_settings("some", settings | {"colour": "blue"})

    @pytest.mark.parametrize("unfit", ["", "a/b", "..", "a b", "é", "x" * 65])
    def test_a_key_that_cannot_be_part_of_names_is_refused(self, target, settings, unfit):
        with pytest.raises(InvalidConfiguration):
            type(target).from_settings(unfit, settings)

    # --- put and get

    def test_what_was_put_is_what_everybody_gets(self, target, another):
        assert target.put("packs/ab/1", b"content") is True
        assert target.get("packs/ab/1") == another.get("packs/ab/1") == b"content"
        assert target.size("packs/ab/1") == another.size("packs/ab/1") == 7

    def test_several_buffers_become_one_object(self, target):
        assert target.put("one", [b"a", bytearray(b"bc"), b"", memoryview(b"xdefx")[1:4]])
        assert target.get("one") == b"abcdef"

    def test_thousands_of_buffers_become_one_object(self, target):
        assert target.put("one", [bytes([number % 251]) * (number % 7) for number in range(3000)])
        assert target.get("one") == b"".join(bytes([number % 251]) * (number % 7) for number in range(3000))

    def test_buffers_of_other_items_than_bytes_are_taken_as_bytes(self, target):
        target.put("wide", memoryview(bytes(range(16))).cast("I"))
        assert target.get("wide") == bytes(range(16))

    @pytest.mark.parametrize("content", [b"", [], [b"", b""]])
    def test_an_empty_object_is_an_object(self, target, content):
        assert target.put("empty", content) is True
        assert target.get("empty") == target.get("empty", length=5) == target.get("empty", offset=3) == b""
        assert target.get_into("empty", bytearray(4)) == target.size("empty") == 0
        assert names(target) == ["empty"]

    def test_an_object_of_some_mib_comes_back_whole(self, target):
        content = os.urandom(5 * MIB + 1)
        target.put("large", [memoryview(content)[: 2 * MIB], memoryview(content)[2 * MIB :]])
        assert target.get("large") == content
        found = bytearray(len(content) + 10)
        assert target.get_into("large", found) == len(content)
        assert found == content + bytes(10)

    def test_putting_again_replaces_the_whole(self, target):
        assert target.put("it", b"the first, longer one")
        assert target.put("it", b"second") is True
        assert target.get("it") == b"second"
        assert target.put("it", b"second") is True

    def test_a_reader_meets_the_old_object_or_the_new_one(self, target, another):
        versions = [bytes([number]) * 100_000 for number in range(6)]
        target.put("it", versions[0])
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(lambda: [target.put("it", version) for version in versions])
            seen = {another.get("it")}
            while not writing.done():
                seen.add(another.get("it"))
        assert writing.result() == [True] * 6
        assert seen <= set(versions)

    # --- only if absent

    def test_an_object_that_is_there_is_left_alone_if_so_asked(self, target, another):
        assert target.put("it", b"first", only_if_absent=True) is True
        assert target.put("it", b"second", only_if_absent=True) is False
        assert another.put("it", b"third, longer", only_if_absent=True) is False
        assert target.get("it") == b"first"

    def test_after_its_deletion_it_is_absent(self, target):
        target.put("it", b"first")
        target.delete("it")
        assert target.put("it", b"second", only_if_absent=True) is True
        assert target.get("it") == b"second"

    def test_of_writers_at_once_exactly_one_is_told_it_was_the_first(self, target, another):
        if not target.capabilities.conditional_put:
            pytest.skip("this place cannot put conditionally")
        places = [target, another] * 4
        for number in range(3):
            name = f"races/{number}"
            contents = [str(writer).encode() * 3000 for writer in range(len(places))]
            with ThreadPoolExecutor(len(places)) as pool:
                asked = [
                    pool.submit(place.put, name, content, only_if_absent=True)
                    for place, content in zip(places, contents, strict=True)
                ]
            told = [it.result() for it in asked]
            assert told.count(True) == 1
            assert target.get(name) == contents[told.index(True)]

    # --- parts

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, None, b"0123456789"),
            (0, 0, b""),
            (0, 1, b"0"),
            (9, 1, b"9"),
            (9, 2, b"9"),
            (10, 1, b""),
            (10, None, b""),
            (11, None, b""),
            (1000, 10, b""),
            (3, None, b"3456789"),
            (3, 4, b"3456"),
            (0, 10, b"0123456789"),
            (0, 11, b"0123456789"),
        ],
    )
    def test_a_part_ends_where_the_object_ends(self, target, offset, length, expected):
        target.put("ten", b"0123456789")
        assert target.get("ten", offset=offset, length=length) == expected
        if length is not None:
            found = bytearray(length)
            assert target.get_into("ten", memoryview(found), offset=offset) == len(expected)
            assert found[: len(expected)] == expected

    @pytest.mark.parametrize("part", [{"offset": -1}, {"length": -1}])
    def test_there_is_nothing_before_the_beginning(self, target, part):
        target.put("ten", b"0123456789")
        with pytest.raises(ValueError, match="not a part"):
            target.get("ten", **part)

    # --- what is missing

    @pytest.mark.parametrize("call", READS)
    @pytest.mark.parametrize("name", ["missing", "deep/down/missing", "folder"])
    def test_what_is_not_there_cannot_be_read(self, target, call, name):
        target.put("folder/it", b"1")
        with pytest.raises(ObjectMissing, match=name):
            CALLS[call](target, name)
        with pytest.raises(ObjectMissing):
            target.get(name, length=0)

    def test_deleting_again_succeeds(self, target, another):
        target.put("a/it", b"1")
        target.put("a/other", b"2")
        target.delete("a/it")
        another.delete("a/it")
        target.delete("a/it")
        target.delete("never/was/there")
        target.delete("a")
        assert names(target) == ["a/other"]
        with pytest.raises(ObjectMissing):
            another.get("a/it")

    # --- names

    @pytest.mark.parametrize("call", CALLS)
    def test_what_is_no_name_is_refused_before_anything_is_touched(self, target, call):
        for name in HOSTILE:
            with pytest.raises(InvalidName):
                CALLS[call](target, name)
        assert names(target) == []

    def test_what_no_name_begins_with_is_not_listed(self, target):
        for prefix in ("/", "a//", "../", "a/../b", "./x", "~", "é", "a b", "x" * 600):
            with pytest.raises(InvalidName):
                target.list(prefix)

    @pytest.mark.parametrize("name", ["...", ".hidden", "-rf", "a/.b/-c/..d", "A.b_C-9", "x" * 200])
    def test_unusual_names_are_names(self, target, name):
        assert target.put(name, b"1")
        assert target.get(name) == b"1"
        assert names(target) == [name]
        target.delete(name)
        assert names(target) == []

    # --- listing

    def test_an_empty_place_lists_nothing(self, target):
        assert names(target) == names(target, "packs/") == []

    def test_a_listing_shows_names_sizes_and_times(self, target, another):
        earliest = datetime.now(UTC) - timedelta(seconds=2)  # some servers know whole seconds only
        target.put("b", b"12")
        target.put("a/b/c", b"123")
        (first, second) = another.list("")
        assert (first.name, first.size, second.name, second.size) == ("a/b/c", 3, "b", 2)
        for it in (first, second):
            assert earliest <= it.modified_at <= datetime.now(UTC) + timedelta(seconds=2)

    def test_a_listing_is_in_the_order_of_names(self, target):
        folders = ("00", "0Z", "0a", "A", "Z0", "a0", "aZ", "zz")
        wanted = {f"{first}/{second}" for first in folders for second in ("9", "B", "b")} | {"00/c/1", "b", "0/0/0"}
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: target.put(name, b""), wanted))
        found = names(target)
        assert set(found) == wanted
        assert all(earlier < later for earlier, later in pairwise(found))

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("", ["a", "bc/d", "bc/de", "bcd/e", "c/d/e"]),
            ("b", ["bc/d", "bc/de", "bcd/e"]),
            ("bc/", ["bc/d", "bc/de"]),
            ("bc/d", ["bc/d", "bc/de"]),
            ("bc/de", ["bc/de"]),
            ("a", ["a"]),
            ("a/", []),
            ("c/d", ["c/d/e"]),
            ("x", []),
            ("x/y/z", []),
            (".", []),
            ("..", []),
        ],
    )
    def test_a_prefix_selects_by_letters_not_by_folders(self, target, prefix, expected):
        for name in ("a", "bc/d", "bc/de", "bcd/e", "c/d/e"):
            target.put(name, b"")
        assert names(target, prefix) == expected

    def test_a_listing_may_be_left_early_or_change_under_the_reader(self, target):
        for number in range(5):
            target.put(f"n/{number}", b"")
        listing = target.list("n/")
        assert next(listing).name == "n/0"
        target.delete("n/0")
        target.delete("n/4")
        assert {"n/1", "n/2", "n/3"} <= {it.name for it in listing} <= {"n/1", "n/2", "n/3", "n/4"}
        next(target.list(""))
        assert names(target) == ["n/1", "n/2", "n/3"]
