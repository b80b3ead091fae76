"""What can go wrong when somebody asks for something, as exceptions with the API's codes.

The docstring of a class is its default message. `http_status` decides the name of the error object in an
answer (contract 00, section 6); `code` is the stable word that rows, logs and the console keep.
"""


class StorageError(Exception):
    """The service could not do what was asked."""

    code = "error"
    http_status = 500

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").strip())

    @property
    def message(self) -> str:
        """Return the text shown to the caller."""
        return str(self.args[0])


class InvalidRequest(StorageError):
    """The server could not comply with the request since it is either malformed or otherwise incorrect."""

    code, http_status = "invalid-request", 400


class StateConflict(InvalidRequest):
    """The resource is not in a status that admits this."""

    code = "state-conflict"


class Forbidden(StorageError):
    """Policy doesn't allow this to be performed."""

    code, http_status = "forbidden", 403


class NotFound(StorageError):
    """The resource could not be found."""

    code, http_status = "not-found", 404


class NotSupported(StorageError):
    """The back-end does not support this."""

    code, http_status = "not-supported", 405


class Conflict(StorageError):
    """The request conflicts with the state of the resource."""

    code, http_status = "conflict", 409


class PreconditionFailed(StorageError):
    """What the client saw last is not what is there now."""

    code, http_status = "precondition-failed", 412


class OverLimit(StorageError):
    """A quota would be exceeded."""

    code, http_status = "over-limit", 413


class ServiceFailed(StorageError):
    """The back-end could not do what was asked."""

    code, http_status = "service-failed", 500


class BackendSilent(StorageError):
    """The back-end did not answer in time; what was accepted goes on."""

    code, http_status = "backend-silent", 502


class Unavailable(StorageError):
    """The service is too busy to wait for a back-end's answer; try again."""

    code, http_status = "unavailable", 503


class NotImplementedHere(StorageError):
    """Nobody has this call."""

    code, http_status = "not-implemented", 501
