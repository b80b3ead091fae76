"""What was backed up comes back: into new volumes and old ones, whatever happened to the size meanwhile."""

import pytest
from backing import accept_backup, another_volume, backed_up, content, fill, nothing_is_lent, opened, restored, step

from backups.models import Backup
from storage_site.operations.models import Operation
from volumes.models import Snapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_a_new_volume_gets_what_the_backup_holds(volume):
    with opened(volume) as connection:
        fill(connection, 0, 5, 1023)
    made = backed_up(volume)
    assert (volume.status, made.object_count > 0, len(bytes(made.digest))) == ("available", True, 32)
    new = restored(made, another_volume(volume), is_fresh=True)
    assert content(new) == content(volume) != {}
    assert nothing_is_lent(volume)
    assert nothing_is_lent(new)


def test_the_volume_shows_that_it_is_backed_up_until_its_snapshot_is_taken(volume):
    made = accept_backup(volume)
    volume.refresh_from_db()
    assert volume.status == "backing-up"
    operation = step(Operation.objects.get())
    volume.refresh_from_db()
    assert volume.status == "available"
    assert (operation.task, operation.queue) == ("backups.tasks.back_up", "backup")
    assert Snapshot.objects.get().status == "backing-up"
    assert Backup.objects.get().pk == made.pk
