"""Making a volume larger."""

from functools import partial

from drivers.errors import BackendFull, NotSupported
from storage_site.operations.claims import Claimed
from volumes import backends
from volumes.models import Volume
from volumes.settling import settle


def run(op: Claimed, volume: Volume) -> None:
    """Have the back-end enlarge the volume; one that has no room, or cannot do it now, leaves it as it was."""
    driver = backends.driver(volume.backend)
    size_gib = int(op.operation.arguments["size_gib"])
    attachments_may_have_changed = partial(settle, volume.pk)
    try:
        op.step("extended", driver.extend_volume, volume.ref(), size_gib)
    except (BackendFull, NotSupported) as error:
        op.decline(error.code, str(error), also=attachments_may_have_changed, growing_to_gib=None)
    else:
        op.finish(also=attachments_may_have_changed, size_gib=size_gib, growing_to_gib=None)
