"""What a volume is to hold, and carrying it there and back over connections that break."""

import random
import time
from dataclasses import dataclass, field
from typing import Any

from drivers.connect import Connection, open_connection
from drivers.errors import DriverError
from storage_site.fleet.chaos.client import PATIENCE_S, Ledger, Stuck

BLOCK = 256 * 1024
RUN = 16  # blocks at a stretch, at most
AGAIN_S = 0.2


class WrongBytes(Exception):
    """A volume does not hold what it should."""


@dataclass
class Content:
    """The bytes of a volume of `size_gib` GiB: random blocks, and zeros everywhere else."""

    size_gib: int = 1
    blocks: dict[int, bytes] = field(default_factory=dict)

    def copy(self) -> "Content":
        """Return what it is at this moment."""
        return Content(self.size_gib, dict(self.blocks))

    def scribble(self, chance: random.Random, count: int) -> dict[int, bytes]:
        """Change about `count` blocks, some of them anew; return those that changed."""
        changed: dict[int, bytes] = {}
        while len(changed) < count:
            start = chance.randrange(self.size_gib * 1024**3 // BLOCK - RUN)
            for block in range(start, start + min(chance.randint(1, RUN), count - len(changed))):
                changed[block] = chance.randbytes(BLOCK)
        for block in chance.sample(sorted(self.blocks), min(len(self.blocks), count // 4)):
            changed[block] = chance.randbytes(BLOCK)
        self.blocks |= changed
        return changed


def write(info: dict[str, Any], changed: dict[int, bytes], ledger: Ledger) -> None:
    """Write blocks and have them made safe; what a broken connection leaves in doubt is written once more."""

    def act(connection: Connection) -> None:
        for block, content in changed.items():
            connection.pwrite(content, block * BLOCK)
        connection.flush()

    _persist(info, act, ledger, "writing")


def compare(info: dict[str, Any], wanted: Content, ledger: Ledger) -> None:
    """Read the whole volume. :raises WrongBytes: saying where it is not as it should be."""

    def act(connection: Connection) -> None:
        unseen = set(wanted.blocks)
        zeros = bytes(BLOCK)
        for extent in connection.extents():
            if not extent.is_data:  # it reads as zeros, and the server says so without reading
                continue
            first, last = extent.offset // BLOCK, (extent.offset + extent.length - 1) // BLOCK
            for block in range(first, last + 1):
                unseen.discard(block)
                length = min(BLOCK, connection.size - block * BLOCK)
                if connection.pread(length, block * BLOCK) != wanted.blocks.get(block, zeros[:length]):
                    raise WrongBytes(f"{info.get('volume_id')}: {length} bytes at {block * BLOCK} are wrong")
        if unseen:
            raise WrongBytes(f"{info.get('volume_id')}: {len(unseen)} blocks are missing, one at {min(unseen) * BLOCK}")

    _persist(info, act, ledger, "reading")


def _persist(info: dict[str, Any], act: Any, ledger: Ledger, what: str) -> None:
    """Open a connection and act on it, again and again while it breaks: whoever serves it is started again."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with open_connection(info) as connection, ledger.transferring(str(info["path"]), what):
                act(connection)
        except DriverError as error:
            if time.monotonic() > deadline:
                raise Stuck(f"{what} over {info['path']}: {error}") from error
            time.sleep(AGAIN_S)
        else:
            return
