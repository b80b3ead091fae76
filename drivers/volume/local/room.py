"""How much room a local back-end has, and whether a volume may be promised some."""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from drivers.errors import BackendFull
from drivers.types import GIB, BackendStats
from drivers.volume.local.configuration import LocalConfiguration
from drivers.volume.local.images import DamagedImage, image_bytes
from drivers.volume.local.layers import highest_file
from drivers.volume.local.layout import Layout

log = logging.getLogger(__name__)


def measure(configuration: LocalConfiguration, layout: Layout) -> BackendStats:
    """Return how full the file system and our directory are. :raises OSError: if that cannot be read."""
    system = os.statvfs(layout.volumes)
    provisioned, count = 0, 0
    for volume_id in layout.volume_ids():
        try:
            provisioned += image_bytes(highest_file(layout, volume_id))
        except FileNotFoundError:
            continue  # deleted since the directory was read
        except DamagedImage:
            log.warning("volume %s is damaged and not counted as promised", volume_id)
        count += 1
    return BackendStats(
        total_gib=system.f_blocks * system.f_frsize / GIB,
        free_gib=system.f_bavail * system.f_frsize / GIB,
        allocated_gib=_allocated_bytes(layout) / GIB,
        provisioned_gib=provisioned / GIB,
        volumes=count,
        driver_version="1.0",
        vendor_name="Celinder",
        storage_protocol="nbd",
        reserved_percentage=configuration.reserved_percentage,
        max_over_subscription_ratio=configuration.max_over_subscription_ratio,
        is_thin=True,
    )


def _allocated_bytes(layout: Layout) -> int:
    """Return the room that all files take, each counted once however many names it has. :raises OSError: as above."""
    taken: dict[int, int] = {}
    for path in _files(layout):
        with suppress(FileNotFoundError):
            found = path.stat()
            taken[found.st_ino] = found.st_blocks * 512
    return sum(taken.values())


def _files(layout: Layout) -> Iterator[Path]:
    """Yield all volumes and layers; directories that go away meanwhile, as drafts do, are passed over."""
    yield from layout.volumes.iterdir()
    for directory in layout.layers.iterdir():
        with suppress(FileNotFoundError):
            yield from directory.iterdir()


def need_room(configuration: LocalConfiguration, layout: Layout, more_gib: int) -> None:
    """Compare with the limits, holding the capacity lock until the room is taken.

    The sum of promises stays below the size of the file system times the ratio, and each single promise below what
    is free times the ratio; the reserved part does not count.

    :raises BackendFull: if `more_gib` cannot be promised, saying which limit is in the way.
    :raises OSError: if the room cannot be measured.
    """
    stats = measure(configuration, layout)
    total, free = stats.total_gib or 0.0, stats.free_gib or 0.0
    ratio, reserved = stats.max_over_subscription_ratio, total * stats.reserved_percentage / 100
    promisable = (total - reserved) * ratio - stats.provisioned_gib
    backed = max(0.0, free - reserved) * ratio
    if more_gib > min(promisable, backed):
        raise BackendFull(
            f"No room for {more_gib} GiB more in {layout.root}: {free:.1f} of {total:.1f} GiB are free "
            f"({reserved:.1f} reserved), {stats.provisioned_gib:.0f} GiB are promised, the limit is {ratio:g} times"
        )
