"""What can go wrong with volumes, with the texts and codes of the contract (00 section 6)."""

from storage_site.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    OverLimit,
    PreconditionFailed,
    ServiceFailed,
    StateConflict,
)


class InvalidInput(InvalidRequest):
    """A value is not acceptable."""

    code = "invalid-input"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid input received: {reason}")


class InvalidHost(InvalidRequest):
    """There is no such host, or it cannot be used for this."""

    code = "invalid-host"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid host: {reason}")


class InvalidVolume(StateConflict):
    """The volume's state does not admit this."""

    code = "invalid-volume"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid volume: {reason}")


class InvalidSource(StateConflict):
    """What the volume is to be made from is not ready."""

    code = "invalid-source"


class InvalidSnapshot(StateConflict):
    """The snapshot's state does not admit this."""

    code = "invalid-snapshot"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid snapshot: {reason}")


class VolumeNotFound(NotFound):
    """There is no such volume in the caller's sight."""

    code = "volume-not-found"

    def __init__(self, volume_id: object) -> None:
        super().__init__(f"Volume {volume_id} could not be found.")


class MetadataChanged(PreconditionFailed):
    """The metadata is not what the client saw last."""

    code = "metadata-changed"


class SnapshotNotFound(NotFound):
    """There is no such snapshot in the caller's sight."""

    code = "snapshot-not-found"

    def __init__(self, snapshot_id: object) -> None:
        super().__init__(f"Snapshot {snapshot_id} could not be found.")


class VolumeTypeNotFound(NotFound):
    """There is no such type in the caller's sight."""

    code = "volume-type-not-found"

    def __init__(self, name_or_id: object) -> None:
        super().__init__(f"Volume type {name_or_id} could not be found.")


class AttachmentNotFound(NotFound):
    """There is no such attachment in the caller's sight."""

    code = "attachment-not-found"

    def __init__(self, attachment_id: object) -> None:
        super().__init__(f"Volume attachment could not be found with filter: attachment_id = {attachment_id}.")


class AttachmentConflict(Conflict):
    """The attachment cannot be touched that way now."""

    code = "attachment-conflict"


class AttachmentFailed(ServiceFailed):
    """The back-end could not make the connection."""

    code = "attachment-failed"


class TypeInUse(InvalidRequest):
    """Target volume type is still in use."""

    code = "type-in-use"


class TypeExists(Conflict):
    """A type of this name exists."""

    code = "type-exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"Volume Type {name} already exists.")


class DefaultTypeMissing(ServiceFailed):
    """The configured default volume type does not exist; an administrator has to create it."""

    code = "default-type-missing"


class VolumeLimitExceeded(OverLimit):
    """The project has as many volumes as it may."""

    code = "volume-limit"

    def __init__(self, limit: int, name: str = "volumes") -> None:
        super().__init__(
            f"VolumeLimitExceeded: Maximum number of volumes allowed ({limit}) exceeded for quota '{name}'."
        )


class GigabytesExceeded(OverLimit):
    """The project's volumes are as large as they may be."""

    code = "gigabytes-limit"

    def __init__(self, requested: int, limit: int, used: int) -> None:
        super().__init__(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
            f"Requested {requested}G, quota is {limit}G and {used}G has been consumed."
        )


class SnapshotLimitExceeded(OverLimit):
    """The project has as many snapshots as it may."""

    code = "snapshot-limit"

    def __init__(self, limit: int, name: str = "snapshots") -> None:
        super().__init__(
            f"SnapshotLimitExceeded: Maximum number of snapshots allowed ({limit}) exceeded for quota '{name}'."
        )


class VolumeTooLarge(OverLimit):
    """A single volume may not be that large."""

    code = "volume-size-limit"

    def __init__(self, requested: int, limit: int) -> None:
        super().__init__(
            f"VolumeSizeExceedsLimit: Requested volume size {requested}G is larger than maximum allowed limit {limit}G."
        )


class TransferNotFound(NotFound):
    """There is no such offer in the caller's sight, or it was accepted."""

    code = "transfer-not-found"

    def __init__(self, transfer_id: object) -> None:
        super().__init__(f"Transfer {transfer_id} could not be found.")


class InvalidAuthKey(InvalidRequest):
    """The key is not that of the offer."""

    code = "invalid-auth-key"

    def __init__(self, transfer_id: object) -> None:
        super().__init__(f"Invalid auth key: Attempt to transfer {transfer_id} with invalid auth key.")


class EncryptionMissing(NotFound):
    """The volume type says nothing of encryption."""

    code = "encryption-missing"

    def __init__(self, type_id: object) -> None:
        super().__init__(f"Volume type encryption for type {type_id} does not exist.")


class EncryptionExists(InvalidRequest):
    """The volume type says how its volumes are encrypted already."""

    code = "encryption-exists"

    def __init__(self, type_id: object) -> None:
        super().__init__(f"Volume type encryption for type {type_id} already exists.")


class EncryptionInUse(InvalidRequest):
    """Cannot create encryption specs. Volume type in use."""

    code = "encryption-in-use"
