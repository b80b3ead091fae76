"""Running programs as another user who does not have the back-end's files: what another host would be for them.

The user is `nobody` without any privilege, in a mount namespace of its own where empty file systems lie over what is
to be hidden. The interpreter and this repository are brought to where that user can reach them.
"""

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
REPOSITORY = Path(__file__).resolve().parent.parent
_TREES = (REPOSITORY, Path(sys.prefix), Path(sys.base_prefix))

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may become another user in another mount namespace"
)


@contextmanager
def elsewhere(*hidden: Path, in_chroot: bool | None = None) -> Iterator[Callable[[Sequence[str]], list[str]]]:
    """Give a function that turns a command into one that runs it elsewhere, where `hidden` directories are empty.

    A root directory that is no mount point, as in a chroot, cannot be cut off from what its parent sees. There (or if
    `in_chroot` says so) each directory that is mounted over is made a mount of its own first, for the block.
    """
    if in_chroot is None:
        in_chroot = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0
    with tempfile.TemporaryDirectory(prefix="celinder-stage-") as stage, ExitStack() as mounts:
        told = {"hidden": [str(it) for it in hidden], "stage": stage}
        if in_chroot:
            for directory in {*hidden, *_unreachable(), Path(stage)}:
                _mount("--bind", str(directory), str(directory))
                mounts.callback(subprocess.run, ["umount", "--lazy", str(directory)], check=True)
                _mount("--make-private", str(directory))
        way = ["--propagation", "unchanged"] if in_chroot else []
        program = ["unshare", "--mount", *way, sys.executable, str(Path(__file__)), json.dumps(told)]
        yield lambda argv: [*program, *argv]


def _enter(hidden: Sequence[str], stage: str) -> None:
    """Mount what this namespace is to see, as root in it."""
    kept = Path(stage)
    kept.chmod(0o755)
    covered = _unreachable()
    # Kept aside first: what is covered cannot be found any more.
    trees = [tree for tree in _TREES if any(tree.is_relative_to(directory) for directory in covered)]
    for number, tree in enumerate(trees):
        (kept / str(number)).mkdir(exist_ok=True)
        _mount("--bind", str(tree), str(kept / str(number)))
    for directory in covered:
        _mount("-t", "tmpfs", "-o", "mode=755", "celinder-test", str(directory))
    for number, tree in enumerate(trees):
        tree.mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(kept / str(number)), str(tree))
    for directory in hidden:
        _mount("-t", "tmpfs", "-o", "mode=755", "celinder-test", directory)


def _unreachable() -> list[Path]:
    """Return the directories on the way to our trees that others may not enter, none of them inside another one."""
    found: list[Path] = []
    for directory in sorted({above for tree in _TREES for above in tree.parents}):
        if not directory.stat().st_mode & stat.S_IXOTH and not any(directory.is_relative_to(it) for it in found):
            found.append(directory)
    return found


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    _enter(**json.loads(sys.argv[1]))
    other = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--bounding-set=-all", "--no-new-privs"]
    os.execvp("setpriv", ["setpriv", *other, "--inh-caps=-all", "--", *sys.argv[2:]])  # noqa: S606 argv list, no shell
