"""The layers of one volume or snapshot: a directory of links to qcow2 files, and the order in which they lie.

A layer is a file that many volumes and snapshots may have a link to. Only the highest layer of a volume is written;
all others stay as they are. The file system counts the links, so the bytes of a layer go when nobody needs them.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from drivers.volume.local.images import DamagedImage, make_image
from drivers.volume.local.layout import Layout
from drivers.volume.local.slots import sync_directory, write_durably

_ORDER = "order.json"
_ENDING = ".layer"


@dataclass(frozen=True, slots=True)
class Order:
    """Names of layers from the lowest to the highest, and for a snapshot what it is of."""

    layers: tuple[str, ...]
    volume_id: str = ""
    size_gib: int = 0


class LayerDirectory:
    """The directory; hold the lock of its volume or snapshot. Links that the order does not name are left-overs.

    Every method that changes something waits until it is on the disk, and raises OSError if that fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def order(self) -> Order | None:
        """Return the order, None if there is none. :raises DamagedImage: if it cannot be understood."""
        try:
            given = json.loads((self.path / _ORDER).read_bytes())
            layers = tuple(str(name) for name in given["layers"])
            found = Order(layers, str(given["volume_id"]), int(given["size_gib"]))
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedImage(f"{self.path / _ORDER} is damaged ({error})") from error
        return found

    def file(self, layer: str) -> Path:
        """Return the path of a layer; it is never renamed while it exists, since daemons open it again by name."""
        return self.path / f"{layer}{_ENDING}"

    def files(self, order: Order) -> list[Path]:
        """Return the paths of layers, the lowest first."""
        return [self.file(layer) for layer in order.layers]

    def add(self, size_gib: int, order: Order) -> str:
        """Make an empty layer to be put on top of others, and return its name. Raises as `make_image`; none is left."""
        layer = new_name()
        below = f"{order.layers[-1]}{_ENDING}" if order.layers else ""
        try:
            make_image(self.file(layer), size_gib, below=below)
            sync_directory(self.path)
        except BaseException:
            self.file(layer).unlink(missing_ok=True)
            raise
        return layer

    def link(self, other: "LayerDirectory", order: Order) -> None:
        """Share the layers of another directory, as far as they are not here yet."""
        for layer in order.layers:
            with suppress(FileExistsError):
                self.file(layer).hardlink_to(other.file(layer))
        sync_directory(self.path)

    def write(self, order: Order) -> None:
        """Make `order` the one that counts, at once and for good."""
        draft = self.path / f".{_ORDER}"
        write_durably(draft, json.dumps(asdict(order)).encode())
        draft.replace(self.path / _ORDER)
        sync_directory(self.path)

    def drop_left_overs(self, order: Order) -> None:
        """Remove the links that `order` does not name; no daemon may have such a layer open."""
        needed = {path.name for path in self.files(order)}
        for path in self.path.glob(f"*{_ENDING}"):
            if path.name not in needed:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Take the directory away: after the order is gone the rest counts for nothing."""
        if self.path.is_dir():
            (self.path / _ORDER).unlink(missing_ok=True)
            sync_directory(self.path)
            shutil.rmtree(self.path)
            sync_directory(self.path.parent)

    @property
    def draft(self) -> "LayerDirectory":
        """Return the directory that is filled before it takes this one's place."""
        return LayerDirectory(self.path.with_name(f".{self.path.name}"))

    @contextmanager
    def replaced(self) -> Iterator["LayerDirectory"]:
        """Give an empty directory for the block to fill, which then takes this one's place as a whole.

        If the block fails nothing has changed. A directory that was here before must not have an order any more.
        """
        draft = self.draft
        draft.remove()
        draft.path.mkdir(mode=0o700)
        try:
            yield draft
            self.remove()
            draft.path.rename(self.path)
        except BaseException:
            shutil.rmtree(draft.path, ignore_errors=True)
            raise
        sync_directory(self.path.parent)


def highest_file(layout: Layout, volume_id: str) -> Path:
    """Return the file that a volume's clients write to. :raises DamagedImage, OSError: if that cannot be read."""
    directory = LayerDirectory(layout.volume_layers(volume_id))
    order = directory.order()
    return layout.image(volume_id) if order is None else directory.file(order.layers[-1])


def new_name() -> str:
    """Return a name that no layer ever had."""
    return secrets.token_hex(8)


def point_at(marker: Path, file: Path) -> None:
    """Make `marker` another name of `file`, at once. :raises OSError: if that fails."""
    with suppress(FileNotFoundError):
        if marker.samefile(file):
            return
    draft = marker.with_name(f".{marker.name}.link")
    draft.unlink(missing_ok=True)
    os.link(file, draft)
    draft.replace(marker)
    sync_directory(marker.parent)
