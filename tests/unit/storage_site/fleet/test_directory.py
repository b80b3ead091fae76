import os
import stat
import subprocess
import sys

import pytest

from storage_site.fleet.directory import Directory
from storage_site.fleet.errors import FleetError


def test_only_its_owner_may_enter_a_data_directory(tmp_path):
    directory = Directory(tmp_path / "data")
    directory.make()
    for folder in (directory.root, directory.run, directory.root / "log"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path):
    root = tmp_path / ("x" * 100)
    with pytest.raises(FleetError, match="choose a shorter CELINDER_DATA_DIR"):
        Directory(root).make()
    assert not root.exists()


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FleetError, match=r"cannot be made: .*file"):
        Directory(tmp_path / "file" / "data").make()


def test_nobody_holds_a_directory_that_is_not_there(tmp_path):
    assert Directory(tmp_path).holder() is None


def test_the_kernel_says_who_holds_it_and_forgets_who_is_gone(tmp_path):
    directory = Directory(tmp_path)
    directory.make()
    program = (
        "import sys; from pathlib import Path; from storage_site.fleet.directory import Directory\n"
        "with Directory(Path(sys.argv[1])).held(): print('held', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with child:
        child.stdout.readline()
        assert directory.holder() == child.pid
        with pytest.raises(FleetError, match=f"process {child.pid}"), directory.held():
            pass
        child.kill()
    assert directory.holder() is None
    with directory.held():
        pass


def test_what_a_supervisor_says_is_there_whole_or_not_at_all(tmp_path):
    directory = Directory(tmp_path)
    directory.make()
    assert directory.state() == {}
    directory.write_state(state="ready", supervisor=7)
    assert directory.state() == {"state": "ready", "supervisor": 7}
    directory.forget_state()
    assert directory.state() == {}
