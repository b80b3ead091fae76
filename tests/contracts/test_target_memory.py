"""The reference target, also behind a limit, keeps the contract; kinds of targets are found by their names."""

import uuid

import pytest

from drivers import backup
from drivers.backup import BackupTarget
from drivers.backup.limited import LimitedTarget, TokenBucket
from drivers.backup.memory import MemoryTarget, forget
from drivers.errors import InvalidConfiguration, InvalidName, NotSupported, TargetFull
from tests.contracts.backup_target import MIB, BackupTargetContract, names


@pytest.fixture
def settings():
    return {"driver": "memory", "size_mib": 12}


@pytest.fixture
def key():
    key = f"memory-{uuid.uuid4().hex[:8]}"
    yield key
    forget(key)


@pytest.fixture
def target(key, settings):
    return MemoryTarget.from_settings(key, settings)


@pytest.fixture
def another(key, settings):
    return MemoryTarget.from_settings(key, settings)


class TestMemoryTarget(BackupTargetContract):
    def test_a_full_place_keeps_what_it_has(self, target):
        target.put("it", bytes(10 * MIB))
        with pytest.raises(TargetFull):
            target.put("other", bytes(3 * MIB))
        with pytest.raises(TargetFull):
            target.put("it", bytes(13 * MIB))
        assert target.size("it") == 10 * MIB
        target.put("it", b"")
        target.put("other", bytes(12 * MIB))
        target.delete("other")
        target.put("it", bytes(12 * MIB))

    def test_a_name_is_not_a_folder_of_another_one(self, target):
        target.put("a/b", b"")
        for name in ("a", "a/b/c"):
            with pytest.raises(InvalidName):
                target.put(name, b"")
        assert names(target) == ["a/b"]


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


class TestLimitedTarget(BackupTargetContract):
    """A target behind a limit behaves as the one inside."""

    @pytest.fixture
    def target(self, target, clock):
        return LimitedTarget(target, TokenBucket(MIB, clock=clock, sleep=clock.sleep))

    test_an_unknown_entry_of_the_settings_is_named = None  # it is not made from settings
    test_a_key_that_cannot_be_part_of_names_is_refused = None

    def test_it_cannot_be_made_from_settings(self, settings):
        with pytest.raises(NotSupported):
            LimitedTarget.from_settings("some", settings)

    def test_what_goes_in_and_out_takes_its_time(self, target, clock):
        began = clock.now
        target.put("it", bytes(3 * MIB))  # one second's worth was saved up
        assert clock.now == began
        assert target.get("it", length=2 * MIB) == bytes(2 * MIB)
        assert clock.now == pytest.approx(began + 2)
        assert target.get_into("it", bytearray(MIB)) == MIB
        assert clock.now == pytest.approx(began + 4)
        target.size("it")
        assert clock.now == pytest.approx(began + 4)
        target.put("empty", b"")
        assert clock.now == pytest.approx(began + 5)

    def test_what_was_saved_up_is_bounded(self, target, clock):
        clock.now += 1000
        began = clock.now
        for _ in range(10):
            target.put("it", bytes(MIB))
        assert clock.now == pytest.approx(began + 8)

    def test_two_limits_hold_both(self, target, clock):
        both = LimitedTarget(target, TokenBucket(MIB / 2, clock=clock, sleep=clock.sleep))
        began = clock.now
        for _ in range(4):
            both.put("it", bytes(MIB))
        assert clock.now == pytest.approx(began + 5, abs=0.01)

    def test_a_wait_can_be_broken_off(self, target, clock):
        def refuse(seconds: float) -> None:
            raise InterruptedError

        bucket = TokenBucket(MIB, clock=clock, sleep=refuse)
        bucket.take(2 * MIB)
        with pytest.raises(InterruptedError):
            bucket.take(1)


# --- kinds of targets


@pytest.mark.parametrize("name", sorted(backup.BUILT_IN))
def test_every_built_in_kind_can_be_loaded(name):
    assert issubclass(backup.load(name), BackupTarget)
    assert name in backup.known()


@pytest.mark.parametrize("kind", ["floppy", None, 7])
def test_an_unknown_kind_is_told_with_those_that_are_known(kind):
    with pytest.raises(InvalidConfiguration, match="memory, posix"):
        backup.make("some", {"driver": kind})


def test_an_installed_package_can_add_a_kind_but_not_replace_one_of_ours(tmp_path, monkeypatch):
    folder = tmp_path / "others-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        f"[{backup.ENTRY_POINTS}]\n"
        "mine = drivers.backup.memory:MemoryTarget\nbroken = no_such_module:Target\nmemory = no_such_module:Target\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert backup.load("mine") is backup.load("memory") is MemoryTarget
    with pytest.raises(InvalidConfiguration, match="no_such_module"):
        backup.load("broken")


def test_a_target_has_the_limit_of_its_settings(key):
    limited = backup.make(key, {"driver": "memory", "max_mib_per_s": 5})
    assert isinstance(limited, LimitedTarget)
    assert limited.put("it", b"1")
    assert isinstance(backup.make(key, {"driver": "memory", "max_mib_per_s": 0}), MemoryTarget)
    with pytest.raises(InvalidConfiguration, match=r"Backup target 'm'.*'max_mib_per_s'"):
        backup.make("m", {"driver": "memory", "max_mib_per_s": "fast"})
