"""External programs: how they are found, run within limits, and what their complaints mean."""

import os
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence

from drivers.errors import BackendBusy, BackendDown, BackendFull, DriverError, InvalidConfiguration

INSTALL = "apt-get install -y --no-install-recommends"
PACKAGES = {
    "qemu-img": "qemu-utils",
    "qemu-storage-daemon": "qemu-system-common",
    "setpriv": "util-linux",
    "prlimit": "util-linux",
}
TIMEOUT_S = 60
MEMORY_BYTES = 2 * 1024**3


def missing() -> str | None:
    """Return what an operator has to do about programs that are not installed; None if all are there."""
    absent = [program for program in PACKAGES if shutil.which(program) is None]
    if not absent:
        return None
    packages = sorted({PACKAGES[program] for program in absent})
    return f"{', '.join(absent)} not found in PATH: {INSTALL} {' '.join(packages)}"


def run_limited(argv: Sequence[str]) -> None:
    """Run a short-lived program that dies with this worker, within limits of time and memory.

    :raises BackendFull, BackendBusy, BackendDown: if it fails, with its own words.
    :raises InvalidConfiguration: if it is not installed.
    """
    limits = ["prlimit", f"--as={MEMORY_BYTES}", f"--cpu={TIMEOUT_S}", "--core=0", "--"]
    run_plain(["setpriv", "--pdeathsig", "KILL", "--", *limits, *argv])


def run_plain(
    argv: Sequence[str], more: Mapping[str, str] | None = None, *, handing_over: Collection[int] = ()
) -> None:
    """Run a program to its end without input, in a neutral environment and `more`, with these descriptors of ours.

    Raises as `run_limited`.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **(more or {})}
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            cwd="/",
            pass_fds=handing_over,
            timeout=TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise InvalidConfiguration(missing() or str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise BackendBusy(f"{argv[0]} did not end within {TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = done.stderr.strip()[-500:] or f"exit status {done.returncode}"
        raise meaning_of_words(said)


def meaning_of_words(said: str) -> DriverError:
    """Return the driver error for what a QEMU program complained about."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return BackendFull(said)
    if 'Failed to get "' in said:  # another process has the image open
        return BackendBusy(said)
    return BackendDown(said)
