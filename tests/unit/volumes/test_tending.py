"""Looking after exports: what was promised is there, what was taken back stays away."""

import pytest

from storage_site.errors import BackendSilent
from tests.factories import AttachmentFactory
from tests.unit.volumes.conftest import taken, work
from volumes import backends
from volumes.models import Attachment, Volume
from volumes.services import attachments, connections
from volumes.services.volumes import delete_volume
from volumes.tending import tend

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def nobody_waits(settings):
    """Let requests that wait for a worker give up at once."""
    settings.CONNECT_WAIT_S = 0


@pytest.fixture
def connected(on_storage, member):
    """Connect new attachments of one multi-attach volume."""

    def connect(count: int = 1) -> list[Attachment]:
        volume = on_storage(status="reserved", is_multiattach=True)
        made = [AttachmentFactory(volume=volume) for _attachment in range(count)]
        for attachment in made:
            with pytest.raises(BackendSilent):
                attachments.connect_attachment(attachment=attachment, connector={"host": "h"}, caller=member)
        work()
        return list(Attachment.objects.filter(volume=volume).order_by("created_at"))

    return connect


def exports_of(volume) -> set[str]:
    return set(backends.driver("mem1").exports(volume.ref()))


def tended() -> int:
    driver = backends.driver("mem1")
    driver.stop_exports()
    return tend("mem1", driver)


def test_exports_are_made_again(connected):
    made = connected(2)
    assert tended() == 2
    assert exports_of(made[0].volume) == {str(attachment.pk) for attachment in made}


def test_an_attachment_on_its_way_out_does_not_keep_the_others_from_being_tended(connected, member):
    first, second = connected(2)
    with pytest.raises(BackendSilent):
        attachments.delete_attachment(attachment=first, caller=member)
    held = taken("disconnect")
    held.step("unexported", backends.driver("mem1").unexport, first.volume.ref(), str(first.pk))
    assert tended() == 1
    assert exports_of(first.volume) == {str(second.pk)}


def test_what_was_terminated_or_deleted_is_not_made_again(connected, member, admin):
    [attachment] = connected()
    volume = attachment.volume
    with pytest.raises(BackendSilent):
        connections.terminate_connection(volume=volume, connector=None, caller=member)
    work()
    assert tended() == 0
    assert Attachment.objects.exists()
    with pytest.raises(BackendSilent):
        connections.initialize_connection(volume=volume, connector={"host": "other"}, caller=member)
    work()
    Attachment.objects.filter(is_listed=True).delete()
    delete_volume(volume=Volume.objects.get(pk=volume.pk), caller=admin, force=True)
    work()
    assert tended() == 0
    assert exports_of(volume) == set()


def test_where_an_export_is_after_it_was_made_again_is_what_the_next_one_who_asks_is_told(connected):
    (attachment,) = connected()
    told = attachment.connection_info
    Attachment.objects.filter(pk=attachment.pk).update(connection_info={**told, "port": "of before"})
    tended()
    attachment.refresh_from_db()
    assert attachment.connection_info == told
