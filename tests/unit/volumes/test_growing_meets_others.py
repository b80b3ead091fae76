"""Growing a volume whose attachments change meanwhile: afterwards it shows what they have come to."""

import pytest

from drivers.errors import NotSupported
from tests.factories import AttachmentFactory
from tests.unit.volumes.conftest import taken
from volumes.models import Volume
from volumes.services.attachments import delete_attachment
from volumes.services.contents import extend_volume
from volumes.workflows import extend

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def refuse(*_args: object, **_rest: object) -> None:
    raise NotSupported("not while it is attached")


@pytest.mark.parametrize("is_possible", [True, False])
def test_a_volume_that_was_detached_while_it_grew_is_available_afterwards(on_storage, member, monkeypatch, is_possible):
    volume = on_storage(status="in-use")
    attachment = AttachmentFactory(volume=volume, status="attached", connector={"reconnects": True})
    extend_volume(volume=volume, size_gib=2, caller=member, is_online=True)
    held = taken("extend")
    delete_attachment(attachment=attachment, caller=member)
    if not is_possible:
        monkeypatch.setattr(held, "step", refuse)
    extend.run(held, Volume.objects.get())
    shown = Volume.objects.get()
    assert (shown.status, shown.size_gib) == ("available", 2 if is_possible else 1)
