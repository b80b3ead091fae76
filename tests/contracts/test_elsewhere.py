"""A volume of the local back-end is used by another user who has none of its files, by TLS alone."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from drivers.volume.local import LocalDriver
from tests.contracts.machine import REPOSITORY, daemons_of, needs_libnbd, needs_local
from tests.contracts.volume_driver import FIRST, LATER, new_ref, new_request, text_at, write_at
from tests.contracts.volume_snapshots import keep
from tests.elsewhere import NOBODY, elsewhere, needs_root

pytestmark = [needs_root, needs_local, needs_libnbd]

# Uses a volume and a snapshot of it as it is told to, tries to get at the files it is told, and says what it saw.
GUEST = """
import json, os, sys
from pathlib import Path
from drivers.connect import open_connection
told = json.load(sys.stdin)
with open_connection(told["volume"]) as volume, open_connection(told["snapshot"]) as snapshot:
    read = [volume.pread(6, 0).decode(), snapshot.pread(6, 0).decode()]
    volume.pwrite(b"from elsewhere", 1000)
    volume.flush()
def said(act):
    try:
        return act()
    except OSError as error:
        return type(error).__name__
print(json.dumps({
    "user": [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()],
    "capabilities": [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "Cap" in line],
    "read": read,
    "listed": os.listdir(told["root"]),
    "files": [said(lambda: len(Path(path).read_bytes())) for path in told["files"]],
    "daemons": [said(lambda: os.listdir(f"/proc/{pid}/root/")) for pid in told["daemons"]],
}))
"""


@pytest.fixture
def root():
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        yield Path(name)
        LocalDriver.from_settings("local", {"path": name}).stop_exports()


@pytest.mark.parametrize("in_chroot", [None, True])
def test_another_user_who_has_none_of_the_files_reads_and_writes_by_tls(root, in_chroot):
    driver, ref = LocalDriver.from_settings("local", {"path": str(root), "listen": "127.0.0.1"}), new_ref()
    driver.check()
    driver.create_volume(ref, FIRST)
    here = driver.export(ref, new_request(), FIRST)
    write_at(here, 0, b"before")
    snapshot = keep(driver, ref)
    write_at(here, 0, b"after!")
    requests = [new_request(), new_request("ro")]
    infos = [driver.export(ref, requests[0], FIRST), driver.export_snapshot(snapshot, requests[1], FIRST)]
    files = [str(path) for path in root.rglob("*") if path.is_file()]
    told = {
        "volume": asdict(infos[0]),
        "snapshot": asdict(infos[1]),
        "root": str(root),
        "files": files,
        "daemons": [daemon.pid for daemon in daemons_of(root)],
    }
    with elsewhere(root, in_chroot=in_chroot) as there:
        done = subprocess.run(
            there([sys.executable, "-c", GUEST]),
            cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
            input=json.dumps(told),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw["user"] == [NOBODY, NOBODY, NOBODY, []]
    assert not any(int(mask, 16) for mask in saw["capabilities"])
    assert saw["read"] == ["after!", "before"]
    assert saw["listed"] == []
    assert len(files) > 5
    assert set(saw["files"]) == {"FileNotFoundError"}
    assert set(saw["daemons"]) == {"PermissionError"}
    assert text_at(here, 1000, 14) == b"from elsewhere"
    driver.unexport_snapshot(snapshot, requests[1].attachment_id, LATER)
    driver.delete_volume(ref, LATER)
    assert not os.path.ismount(root)
