"""Programs of others for tests, each with Python packages of its own: what they need is nobody else's business.

`python -m tests.apart NAME` installs one; tests that need it do so themselves.
"""

import fcntl
import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from tests.fleets import PROJECT
from tests.servers import Missing


def install(name: str) -> Path:
    """Return the folder of the programs that `requirements-NAME.txt` brings, up to date.

    :raises Missing: if they cannot be installed.
    """
    home = Path(sys.prefix) / name
    requirements = PROJECT / f"requirements-{name}.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = home / ".celinder-requirements"
    with home.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            venv.create(home, with_pip=True, clear=True)
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", "-r", requirements]
            done = subprocess.run(pip, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Missing(f"{name} could not be installed: {done.stderr.strip()[-500:]}")
            stamp.write_text(wanted)
    return home / "bin"


if __name__ == "__main__":
    print(install(sys.argv[1]))  # noqa: T201
