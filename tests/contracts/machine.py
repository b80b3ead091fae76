"""What the suites of real back-ends need of the machine, and how they look at it from outside."""

import importlib.util
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from drivers.connect import nbd
from drivers.volume.local.programs import missing

needs_local = pytest.mark.skipif(missing() is not None, reason=str(missing()))
needs_libnbd = pytest.mark.skipif(importlib.util.find_spec("nbd") is None, reason=nbd.INSTALL)
needs_nbdkit = pytest.mark.skipif(
    shutil.which("nbdkit") is None, reason="apt-get install -y --no-install-recommends nbdkit"
)
REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROMPTLY_S = 20


def eventually(is_so: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PROMPTLY_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not happen within {PROMPTLY_S} s"
        select.select([], [], [], 0.005)


def processes_naming(text: str) -> list[psutil.Process]:
    """Return the live processes with `text` somewhere on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError, psutil.NoSuchProcess):  # it ended meanwhile; a zombie has no command line
            if text.encode() in path.read_bytes():
                found.append(psutil.Process(int(path.parent.name)))
    return found


def daemons_of(root: Path) -> list[psutil.Process]:
    """Return the live export daemons of a back-end in `root`."""
    return [it for it in processes_naming(f"{root}/") if it.name().startswith("qemu-storage")]


def hold_program(folder: Path, program: str) -> Path:
    """Put a stand-in for `program` into `folder` that waits for the returned file before it becomes the real one.

    While one waits, there is a file of that name with the ending `.reached`.
    """
    folder.mkdir(exist_ok=True)
    go = folder / f"{program}.go"
    stand_in = folder / program
    stand_in.write_text(
        f'#!/bin/sh\n: > "{go.with_suffix(".reached")}"\n'
        f'while [ ! -e "{go}" ]; do sleep 0.01; done\nexec "{shutil.which(program)}" "$@"\n'
    )
    stand_in.chmod(0o755)
    return go


def start_python(source: str, *arguments: str, path: str) -> subprocess.Popen:
    """Run a program text in a process of its own, which stands for a volume worker."""
    return subprocess.Popen(
        [sys.executable, "-c", source, *arguments],
        cwd=REPOSITORY,
        env={"PATH": path, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
