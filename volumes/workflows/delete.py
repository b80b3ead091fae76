"""Removing a volume, its exports and its row."""

from storage_site.operations.claims import Claimed
from volumes import backends
from volumes.models import Volume


def run(op: Claimed, volume: Volume) -> None:
    """Have the back-end remove the volume; one that is not there any more is removed as well."""
    driver = backends.driver(volume.backend)
    op.step("removed", driver.delete_volume, volume.ref())
    op.finish()
