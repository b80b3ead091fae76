"""What an answer of an S3 server, or its silence, means for the operation that met it."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, SSLError

from drivers.errors import (
    BackendBusy,
    BackendDown,
    DriverError,
    InvalidConfiguration,
    ObjectMissing,
    PermanentDriverError,
    TargetFull,
)

_SERVER_ERRORS = frozenset(range(500, 600))


class Meaning(NamedTuple):
    """What answers with one of these codes, or one of these statuses, are to us."""

    kind: type[DriverError]
    words: str
    codes: AbstractSet[str] = frozenset()
    statuses: AbstractSet[int] = frozenset()


MEANINGS = (  # the first that fits counts
    Meaning(
        TargetFull,
        "the target or the quota is full",
        {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"},
        {HTTPStatus.INSUFFICIENT_STORAGE},
    ),
    Meaning(InvalidConfiguration, "the bucket does not exist", {"NoSuchBucket"}),
    Meaning(ObjectMissing, "there is no such object", {"NoSuchKey"}, {HTTPStatus.NOT_FOUND}),
    Meaning(PermanentDriverError, "this host's clock is wrong", {"RequestTimeTooSkewed", "RequestExpired"}),
    Meaning(
        PermanentDriverError,
        "the server refuses these credentials, or does not let them do this",
        statuses={HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN},
    ),
    Meaning(
        BackendDown,
        "it arrived damaged",
        {"BadDigest", "IncompleteBody", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"},
    ),
    Meaning(
        BackendBusy,
        "the server asks to come back later",
        {"SlowDown", "RequestTimeout"},
        {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE},
    ),
    Meaning(PermanentDriverError, "the server cannot do this", statuses={HTTPStatus.NOT_IMPLEMENTED}),
    Meaning(BackendDown, "the server failed", statuses=_SERVER_ERRORS),
    Meaning(
        InvalidConfiguration,
        "the bucket is in another region, or at another address",
        statuses={HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.TEMPORARY_REDIRECT},
    ),
)


def status_of(error: ClientError) -> int:
    """Return the HTTP status a server answered with."""
    return int(_metadata(error).get("HTTPStatusCode", 0))


def was_repeated(error: ClientError) -> bool:
    """Return whether the request was sent more than once, so that an earlier one may have been obeyed."""
    return int(_metadata(error).get("RetryAttempts", 0)) > 0


@contextmanager
def as_target_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises into the driver error that decides rightly whether trying again helps.

    The texts are ours, made of status and code: what a server says may quote the request.

    :raises DriverError: with `doing` in the message.
    """
    try:
        yield
    except ClientError as error:
        raise _meaning_of(error, doing) from error
    except SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise InvalidConfiguration(f"{doing}: the server's certificate is not to be trusted ({error})") from error
        raise BackendDown(f"{doing}: {error}") from error
    except BotoCoreError as error:
        raise BackendDown(f"{doing}: the server cannot be reached or does not answer ({error})") from error


def _meaning_of(error: ClientError, doing: str) -> DriverError:
    """Return the driver error for a server's refusal."""
    status, code = status_of(error), str(error.response.get("Error", {}).get("Code", ""))
    answer = f"({status} {code})" if code != str(status) else f"({status})"
    for meaning in MEANINGS:
        if code in meaning.codes or status in meaning.statuses:
            return meaning.kind(f"{doing}: {meaning.words} {answer}")
    return PermanentDriverError(f"{doing}: the server refuses {answer}")


def _metadata(error: ClientError) -> dict[str, Any]:
    return dict(error.response.get("ResponseMetadata", {}))
