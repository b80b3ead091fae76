"""What can be wrong with an Idempotency-Key."""

from storage_site.errors import Conflict, InvalidRequest


class InvalidKey(InvalidRequest):
    """An Idempotency-Key has 1 to 255 characters, all of them printable ASCII."""

    code = "invalid-idempotency-key"


class KeyReused(Conflict):
    """The Idempotency-Key was used for another request: other parameters, another body or another version."""

    code = "idempotency-key-reused"


class StillCarriedOut(Conflict):
    """A request with this Idempotency-Key is being carried out; ask again for its answer."""

    code = "idempotency-key-busy"
    headers = {"Retry-After": "1"}


class AnswerNotKept(Conflict):
    """A request with this Idempotency-Key was carried out; its answer held a secret or was too large to be kept."""

    code = "idempotent-answer-not-kept"
