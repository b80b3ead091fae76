"""A directory as a target keeps the contract, also when writers are killed and the file system is full or gone."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.backup.posix import PARTIAL, PosixTarget, _place
from drivers.backup.posix_files import as_target_errors
from drivers.backup.unfinished import created, fresh_name
from drivers.errors import (
    BackendBusy,
    BackendDown,
    InvalidConfiguration,
    InvalidName,
    ObjectMissing,
    PermanentDriverError,
    TargetFull,
)
from tests.contracts.backup_target import CALLS, READS, BackupTargetContract, names
from tests.contracts.machine import REPOSITORY

DAY_S = 24 * 3600
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]
has_own_mounts = subprocess.run([*OWN_MOUNTS, "true"], check=False, capture_output=True).returncode == 0
needs_own_mounts = pytest.mark.skipif(not has_own_mounts, reason="user namespaces are switched off on this host")

# A writer that dies, as by SIGKILL, when it is about to do what its third argument names.
DYING_WRITER = """
import os, signal, sys
from drivers.backup.posix import PosixTarget
path, only_if_absent, fatal = sys.argv[1:]
target = PosixTarget.from_settings("posix", {"path": path})
def die(event, arguments):
    if event == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
target.put("packs/ab/it", b"new" * 100_000, only_if_absent=only_if_absent == "True")
"""

# A worker that dies while it finds out what the directory can do, with two names of a file made.
DYING_LOOK = """
import os, signal, sys
from drivers.backup.posix import PosixTarget
def die(event, arguments):
    if event == "os.remove":
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
PosixTarget.from_settings("posix", {"path": sys.argv[1]}).check()
"""

# A worker on a small file system of its own: fills it, deletes, and goes on; then on a read-only one.
FULL_DISK = """
import subprocess, sys
from drivers.backup.posix import PosixTarget
from drivers.errors import InvalidConfiguration, ObjectMissing, PermanentDriverError, TargetFull
target = PosixTarget.from_settings("posix", {"path": sys.argv[1]})
target.check()
target.put("it", b"1" * 1_500_000)
for content in (b"2" * 1_500_000, [b"2" * 700_000] * 3):
    for only_if_absent in (False, True):
        try:
            target.put("a/other", content, only_if_absent=only_if_absent)
        except TargetFull as error:
            print(error)
try:
    target.put("it", b"2" * 1_500_000)
except TargetFull as error:
    print(error)
assert target.get("it") == b"1" * 1_500_000
assert [it.name for it in target.list("")] == ["it"]
target.delete("it")
target.put("a/other", b"2" * 1_500_000)
assert target.size("a/other") == 1_500_000
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
for act in (lambda: target.put("x", b""), lambda: target.delete("a/other"), target.check):
    try:
        act()
    except PermanentDriverError as error:
        print(type(error).__name__, error)
assert target.size("a/other") == 1_500_000
"""


def run_python(script, *arguments, before=()):
    command = [*before, sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)


def partial_files(root: Path) -> list[Path]:
    return list((root / PARTIAL).iterdir())


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "target"
    root.mkdir()
    return root


@pytest.fixture
def settings(root):
    return {"driver": "posix", "path": str(root)}


@pytest.fixture
def target(settings):
    target = PosixTarget.from_settings("posix", settings)
    target.check()
    yield target
    assert partial_files(Path(settings["path"])) == []


@pytest.fixture
def another(target, settings):
    another = PosixTarget.from_settings("posix", settings)
    another.check()
    return another


class TestPosixTarget(BackupTargetContract):
    def test_it_puts_conditionally(self, target):
        assert target.capabilities.conditional_put


# --- settings and start


@pytest.mark.parametrize("path", ["", "relative/path", 7, "/a\0b"])
def test_a_path_that_is_none_is_told_with_its_target(path):
    with pytest.raises(InvalidConfiguration, match=r"'nas1'.*'path'"):
        PosixTarget.from_settings("nas1", {"path": path})


def test_a_directory_that_is_not_there_is_not_made(root, settings):
    root.rmdir()
    with pytest.raises(InvalidConfiguration, match=r"'nas1'.*'path'.*mount"):
        PosixTarget.from_settings("nas1", settings).check()
    assert not root.exists()
    root.write_text("a file")
    with pytest.raises(InvalidConfiguration, match="not a directory"):
        PosixTarget.from_settings("nas1", settings).check()


def test_it_works_before_it_is_checked(settings, root):
    target = PosixTarget.from_settings("posix", settings)
    assert target.put("it", b"1", only_if_absent=True) is True
    assert target.put("it", b"2", only_if_absent=True) is False
    assert not target.capabilities.conditional_put


# --- writers that die


@pytest.mark.parametrize("only_if_absent", [True, False])
@pytest.mark.parametrize("stood_before", [True, False])
def test_a_writer_killed_before_it_gave_the_name_leaves_nothing_to_be_seen(
    target, settings, root, only_if_absent, stood_before
):
    if stood_before and not only_if_absent:
        target.put("packs/ab/it", b"old")
    fatal = "os.link" if only_if_absent else "os.rename"
    ended = run_python(DYING_WRITER, str(root), str(only_if_absent), fatal)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    (leftover,) = partial_files(root)
    assert leftover.stat().st_size == 300_000
    if stood_before and not only_if_absent:
        assert target.get("packs/ab/it") == b"old"
    else:
        assert names(target) == []
        with pytest.raises(ObjectMissing):
            target.get("packs/ab/it")
    assert target.put("packs/ab/it", b"another", only_if_absent=not stood_before) is True
    leftover.unlink()


@pytest.mark.parametrize("fatal", ["open", "os.mkdir"])
def test_a_writer_killed_earlier_hinders_nobody(target, root, fatal):
    ended = run_python(DYING_WRITER, str(root), "True", fatal)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    for leftover in partial_files(root):
        leftover.unlink()
    assert target.put("packs/ab/it", b"another", only_if_absent=True) is True


def test_what_a_killed_writer_of_this_host_left_is_removed_at_the_next_look(target, root):
    run_python(DYING_WRITER, str(root), "True", "os.link")
    (leftover,) = partial_files(root)
    os.utime(leftover, (time.time() - 3,) * 2)
    target.check()
    assert partial_files(root) == []


def test_what_a_look_left_that_was_killed_is_removed_as_well(target, root):
    run_python(DYING_LOOK, str(root))
    assert len(partial_files(root)) == 2
    for leftover in partial_files(root):
        os.utime(leftover, (time.time() - 3,) * 2)
    target.check()
    assert partial_files(root) == []


def test_what_somebody_still_writes_is_left_alone(target, root):
    target.check()
    partial = os.open(root / PARTIAL, os.O_RDONLY)
    try:
        with created(partial, fresh_name()):
            (written,) = partial_files(root)
            os.utime(written, (time.time() - 3600,) * 2)
            target.check()
            assert partial_files(root) == [written]
    finally:
        os.close(partial)


def test_leftovers_of_other_hosts_are_removed_when_they_are_old_and_only_then(target, root):
    old, young = root / PARTIAL / "old", root / PARTIAL / "young"
    for file, age_s in ((old, 1.1 * DAY_S), (young, 0.9 * DAY_S)):
        file.write_bytes(b"half an obj")
        os.utime(file, (time.time() - age_s,) * 2)
    target.check()
    assert partial_files(root) == [young]
    young.unlink()


# --- the file system


@needs_own_mounts
def test_a_full_and_a_read_only_file_system_are_told_in_words(root):
    mounted = [*OWN_MOUNTS, "sh", "-c", 'mount -t tmpfs -o size=2m none "$0" && shift && exec "$@"', str(root)]
    ended = run_python(FULL_DISK, str(root), before=[*mounted, "-"])
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 8
    assert all("'posix'" in line and "full" in line and str(root) in line for line in lines[:5])
    assert all("read-only" in line and str(root) in line for line in lines[5:])
    assert lines[7].startswith("InvalidConfiguration")


@pytest.mark.parametrize("call", CALLS)
def test_a_target_that_is_gone_is_down_and_stays_empty(target, root, tmp_path, call):
    target.put("it", b"1")
    root.rename(tmp_path / "unmounted")
    with pytest.raises(BackendDown, match="mounted"):
        CALLS[call](target, "it")
    with pytest.raises(BackendDown):
        list(target.list(""))
    root.mkdir()  # the mount point without what was mounted
    with pytest.raises(BackendDown, match="mounted"):
        CALLS[call](target, "it")
    with pytest.raises(BackendDown):
        list(target.list(""))
    assert list(root.iterdir()) == []
    root.rmdir()
    (tmp_path / "unmounted").rename(root)
    assert target.get("it") == b"1"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, TargetFull),
        (errno.EDQUOT, TargetFull),
        (errno.ESTALE, BackendDown),
        (errno.EIO, BackendDown),
        (errno.ETIMEDOUT, BackendDown),
        (errno.EHOSTDOWN, BackendDown),
        (errno.EMFILE, BackendBusy),
        (errno.EACCES, PermanentDriverError),
        (errno.EROFS, PermanentDriverError),
        (errno.EFBIG, PermanentDriverError),
    ],
)
def test_an_error_of_the_system_decides_whether_trying_again_helps(number, kind):
    with pytest.raises(kind, match=os.strerror(number)) as caught, as_target_errors("Backup target 'nas1'"):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind


def test_a_name_the_server_gave_although_its_answer_was_lost_counts_as_given(target, root):
    folder = os.open(root, os.O_RDONLY)
    partial = os.open(root / PARTIAL, os.O_RDONLY)
    try:
        with created(partial, "x") as file:
            os.link(root / PARTIAL / "x", root / "linked")
            assert _place(file, partial, "x", folder, "linked", only_if_absent=True) is True
            (root / PARTIAL / "x").rename(root / "moved")
            assert _place(file, partial, "x", folder, "moved", only_if_absent=False) is True
        with created(partial, "y") as file:
            assert _place(file, partial, "y", folder, "linked", only_if_absent=True) is False
    finally:
        os.close(folder)
        os.close(partial)


# --- what else may stand in the directory


def test_no_symbolic_link_leads_out_of_the_target(target, root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    for call in CALLS.values():
        with pytest.raises(PermanentDriverError, match="symbolic link"):
            call(target, "folder/secret")
    for call in READS:
        with pytest.raises(PermanentDriverError, match="symbolic link"):
            CALLS[call](target, "file")
    assert names(target) == []
    with pytest.raises(PermanentDriverError, match="symbolic link"):
        names(target, "folder/")
    target.put("file", b"mine")
    assert not (root / "file").is_symlink()
    assert [it.name for it in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_what_is_not_an_object_is_passed_over(target, root):
    target.put("it", b"1")
    target.put("folder/it", b"1")
    (root / "lost+found").mkdir()
    (root / ".nfs000000000000000100000001").write_bytes(b"deleted, but open on a client")
    (root / "a name").write_bytes(b"")
    os.mkfifo(root / "pipe")
    assert names(target) == ["folder/it", "it"]
    with pytest.raises(ObjectMissing):
        target.get("pipe")


def test_a_name_is_not_a_folder_of_another_one(target):
    target.put("a/b", b"")
    for name in ("a", "a/b/c"):
        for only_if_absent in (True, False):
            with pytest.raises(InvalidName):
                target.put(name, b"", only_if_absent=only_if_absent)
    assert names(target) == ["a/b"]


def test_files_and_folders_are_for_their_owner_only(target, root):
    target.put("folder/it", b"1")
    assert stat.S_IMODE((root / "folder/it").stat().st_mode) == 0o600
    assert stat.S_IMODE((root / "folder").stat().st_mode) == stat.S_IMODE((root / PARTIAL).stat().st_mode) == 0o700


def test_no_call_leaves_a_file_open(target, root):
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path would open one more

    before = count()
    target.put("a/b/it", b"1")
    for call in CALLS.values():
        for name in ("a/b/it", "a/b", "a/b/it/below", "missing/x"):
            with suppress(PermanentDriverError):
                call(target, name)
    next(target.list(""), None)
    target.check()
    assert count() == before
