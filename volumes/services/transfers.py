"""Giving a volume to another project (contract 06, part 3)."""

import hashlib
import hmac
import secrets

from django.db import transaction
from django.utils import timezone

from storage_site.caller import Caller
from storage_site.operations.admission import lock, move
from volumes import moving, quotas
from volumes.errors import InvalidAuthKey, InvalidSnapshot, InvalidVolume, TransferNotFound
from volumes.models import Snapshot, Transfer, Volume

KEY_BYTES = 8


@transaction.atomic
def create_transfer(
    *, caller: Caller, volume: Volume, name: str | None = None, without_snapshots: bool = False
) -> tuple[Transfer, str]:
    """Offer the volume; return the offer and the key with which anybody may accept it, which nobody is told again.

    :raises InvalidVolume: unless it is available. :raises InvalidSnapshot: if a snapshot that goes with it is not.
    """
    volume = lock(volume)
    moving.require_at_rest(volume)
    if not without_snapshots:
        _require_snapshots_available(volume)
    move(volume, "begin_transfer", caller=caller, refusal=InvalidVolume("status must be available"))
    Transfer.objects.filter(volume=volume).delete()  # void since an operator reset the volume's status
    key = secrets.token_hex(KEY_BYTES)
    transfer = Transfer.objects.create(
        project_id=volume.project_id,
        volume=volume,
        name=name,
        without_snapshots=without_snapshots,
        key_hash=_hash(key, salt=secrets.token_hex(KEY_BYTES)),
    )
    return transfer, key


@transaction.atomic
def delete_transfer(*, transfer: Transfer, caller: Caller) -> None:
    """Take the offer back. :raises TransferNotFound: if it was accepted meanwhile."""
    volume = Volume.locked(transfer.volume_id)
    if volume is None or not Transfer.objects.filter(pk=transfer.pk).delete()[0]:
        raise TransferNotFound(transfer.pk)
    if volume.status == "awaiting-transfer":
        move(volume, "end_transfer", caller=caller)


@transaction.atomic
def accept_transfer(*, caller: Caller, transfer_id: object, auth_key: str) -> Transfer:
    """Make the volume the caller's, with its snapshots unless the offer says otherwise.

    :raises TransferNotFound: if there is no such offer, or no more. :raises InvalidAuthKey: if the key is wrong.
    :raises InvalidVolume: if the volume's status was changed. :raises OverLimit: if a quota of the caller's project
        does not allow it.
    """
    found = Transfer.objects.filter(pk=transfer_id).first()
    volume = Volume.locked(found.volume_id) if found is not None else None
    if found is None or volume is None or not Transfer.objects.filter(pk=found.pk).exists():
        raise TransferNotFound(transfer_id)
    if not hmac.compare_digest(found.key_hash, _hash(auth_key, salt=found.key_hash.partition("$")[0])):
        raise InvalidAuthKey(found.pk)
    if volume.group_id is not None:
        raise InvalidVolume(f"it belongs to group {volume.group_id} of another project")
    owner = {"project_id": caller.project_id, "user_id": caller.user_id}
    refusal = InvalidVolume(f"status must be awaiting-transfer, but it is {volume.status}")
    move(volume, "end_transfer", caller=caller, fields=owner, refusal=refusal)
    if not found.without_snapshots:
        _require_snapshots_available(volume)
        Snapshot.objects.filter(volume=volume).update(updated_at=timezone.now(), **owner)
    # What the service itself made of the volume goes with it, whatever the offer says.
    Snapshot.objects.filter(volume=volume, is_listed=False).update(**owner)
    quotas.admit_received(project_id=caller.project_id, volume=volume)
    Transfer.objects.filter(pk=found.pk).delete()
    return found


def _require_snapshots_available(volume: Volume) -> None:
    unready = Snapshot.objects.filter(volume=volume, is_listed=True).exclude(status="available").first()
    if unready is not None:
        raise InvalidSnapshot(f"status of snapshot {unready.pk} must be available")


def _hash(key: str, *, salt: str) -> str:
    """Return salt and hash; the key is random and long enough not to be guessed, so a plain hash does."""
    return f"{salt}${hashlib.sha256(f'{salt}{key}'.encode()).hexdigest()}"
