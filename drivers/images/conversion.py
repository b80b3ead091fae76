"""Having qemu-img make one format of another: between files without names, within limits, and watched."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import BinaryIO

from drivers.errors import InvalidConfiguration
from drivers.images.errors import ImageUnfit, ScratchFull

MEMORY_BYTES = 2 * 1024**3
GIB = 1024**3
POLL_S = 0.05


def convert(
    source: BinaryIO, target: BinaryIO, *, said: tuple[str, str], virtual_bytes: int, check: Callable[[], None]
) -> None:
    """Fill `target`, which is empty, from `source`; `said` are the names of both formats, nothing is guessed.

    The program dies with this worker, knows no path, and has limits of memory, processor time, wall time and file size.

    :raises ImageUnfit: if it finds fault with the image, or needs more than its limits. :raises InvalidConfiguration:
        if it is not installed. Raises what `check` raises, which is called again and again.
    """
    most_s = 120 + 60 * (virtual_bytes // GIB + 1)
    to_raw = said[1] == "raw"
    if to_raw:
        target.truncate(virtual_bytes)
    # What is compressed can grow no further than this, and a table of clusters is a small part of it.
    file_bytes = virtual_bytes + virtual_bytes // 64 + 16 * 1024**2
    limits = ["prlimit", f"--as={MEMORY_BYTES}", f"--cpu={most_s}", f"--fsize={file_bytes}", "--core=0", "--"]
    into = ["-n", "--target-is-zero"] if to_raw else []
    paths = [f"/proc/self/fd/{file.fileno()}" for file in (source, target)]
    program = ["qemu-img", "convert", "-f", said[0], "-O", said[1], *into, "-S", "64k", *paths]
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *limits, *program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                cwd="/",
                pass_fds=(source.fileno(), target.fileno()),
            )
        except FileNotFoundError as error:
            raise InvalidConfiguration("qemu-img, setpriv or prlimit is not installed on this worker.") from error
        ended_by = _watch(process, time.monotonic() + 4 * most_s, check)
        complaints.seek(0)
        words = complaints.read(2000).decode(errors="replace").strip()
    if "No space left on device" in words:
        raise ScratchFull
    if ended_by != 0:
        raise ImageUnfit(f"qemu-img cannot convert the image: {_brief(words) or f'it ended with {ended_by}'}.")


def _watch(process: subprocess.Popen[bytes], until: float, check: Callable[[], None]) -> int:
    """Return the exit status of the process, which is ended where its time is over or `check` raises."""
    try:
        while process.poll() is None and time.monotonic() < until:
            check()
            time.sleep(POLL_S)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    return process.returncode


def _brief(words: str) -> str:
    """Return the last line of what was said, without what the worker alone knows."""
    lines = [line for line in words.splitlines() if line.strip()]
    return lines[-1].replace("qemu-img: ", "")[:200].rstrip(".") if lines else ""
