"""The story of the canary."""

from django.db import transaction

from storage_site import queues
from storage_site.caller import SYSTEM
from storage_site.operations.admission import begin
from storage_site.watching.lifecycle import READY
from storage_site.watching.models import Canary
from tests.matrix.stage import Stage
from tests.matrix.stories import story


@story("watching.canary.sing", alone=True)
def sung(stage: Stage) -> None:
    canary, _ = Canary.objects.get_or_create(queue=queues.of_backend(stage.backend_keys[0]), defaults={"status": READY})
    with stage.asking("watching.canary.sing", canary.pk), transaction.atomic():
        begin(canary, "sing", caller=SYSTEM)
    canary.refresh_from_db()
    assert canary.status == READY
    assert not stage.is_well or canary.ended_at
