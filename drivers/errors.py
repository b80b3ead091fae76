"""What can go wrong on a storage back-end, in the families that decide what happens to the operation.

The docstring of a class is its default message and `code` the stable word that rows, logs and the console keep.
"""


class DriverError(Exception):
    """The back-end could not do what was asked."""

    code = "driver-error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").strip())

    @property
    def message(self) -> str:
        """Return the text for the operator."""
        return str(self.args[0])


class TransientDriverError(DriverError):
    """The same call may succeed later."""

    code = "driver-transient"


class PermanentDriverError(DriverError):
    """The same call will never succeed."""

    code = "driver-permanent"


class BackendBusy(TransientDriverError):
    """The back-end or this volume on it is occupied; try again."""

    code = "backend-busy"


class BackendDown(TransientDriverError):
    """The back-end cannot be reached or its storage does not work."""

    code = "backend-down"


class BackendFull(PermanentDriverError):
    """The back-end has no room for this; another one may."""

    code = "backend-full"


class NotSupported(PermanentDriverError):
    """The back-end cannot do this at all."""

    code = "not-supported"


class InvalidConfiguration(PermanentDriverError):
    """The back-end's settings, or the machine it runs on, must be corrected first."""

    code = "invalid-configuration"


class InvalidName(PermanentDriverError):
    """An id is not a UUID in its canonical form, or an object's name is none; nothing was touched."""

    code = "invalid-name"


class VolumeMissing(PermanentDriverError):
    """The volume does not exist on the back-end."""

    code = "volume-missing"


class NotStored(PermanentDriverError):
    """There is nothing of this name on the back-end that could be taken over."""

    code = "not-stored"


class ObjectMissing(PermanentDriverError):
    """The object does not exist on the backup target."""

    code = "object-missing"


class TargetFull(PermanentDriverError):
    """The backup target has no room for this."""

    code = "target-full"


class SnapshotMissing(PermanentDriverError):
    """The snapshot does not exist on the back-end."""

    code = "snapshot-missing"


class StaleFence(DriverError):
    """A later claim has acted on this already: the caller lost its claim and must touch nothing more."""

    code = "stale-fence"
