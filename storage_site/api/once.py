"""Calls with an Idempotency-Key: carried out once, and answered again when they are repeated (docs/idempotency.md)."""

import json
import re
from collections.abc import Callable
from typing import Any, Protocol

from django.db import transaction
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import is_server_error

from storage_site.api.answers import Empty
from storage_site.api.renderers import ContractJSONRenderer
from storage_site.caller import Caller
from storage_site.idempotency import keys
from storage_site.idempotency.errors import AnswerNotKept, InvalidKey
from storage_site.idempotency.keys import AcceptedBefore, Keyed
from storage_site.idempotency.models import KeyedRequest

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
METHODS = ("POST", "PUT", "DELETE")
FORM = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)
KEPT_HEADERS = ("ETag", "Location", "Retry-After")
# An answer is hardly ever larger than the largest body; metadata that has grown for long can be.
LARGEST_ANSWER = 256 * 1024
# Members that let somebody in wherever they stand; what has one is told once and not kept.
SECRETS = frozenset({"connection_info", "auth_key"})

Call = Callable[[], Response]


class View(Protocol):
    """What is asked of the view whose call is carried out."""

    request: Any
    resumes: bool

    @property
    def caller(self) -> Caller:
        """Return who asks."""

    def body(self) -> Any:
        """Return the value of the body."""

    def waits_for_worker(self) -> bool:
        """Tell whether the call waits for a worker."""

    def resume(self, resource: str) -> Response:
        """Return the answer about what an earlier request accepted."""

    def check_permissions(self, request: Any) -> None:
        """Refuse a call that its version does not have, or that the caller may not make."""

    def get_permissions(self) -> list[Any]:
        """Return what decides about the caller's rights."""

    def handle_exception(self, exc: Exception) -> Response:
        """Return the answer that an error is."""


def key_of(request: Request) -> str | None:
    """Return the key that `request` has, None where it has none or changes nothing. :raises InvalidKey: if not one."""
    key = request.headers.get(HEADER)
    if key is None or request.method not in METHODS or request.user is None:
        return None
    if not FORM.fullmatch(key):
        raise InvalidKey
    return str(key)


def carry_out(view: View, key: str, call: Call) -> Response:
    """Return the answer of `call`, the call of `view`, or what was answered when it came for the first time.

    The caller's rights are looked at in here: what the first request has deleted is not there any more.

    :raises StorageError: if the key cannot be used, or the call is refused before it begins.
    """
    keyed = _keyed(view, key)
    if view.waits_for_worker():
        return _around_waiting(view, keyed, call)
    with transaction.atomic():
        row = keys.claim(keyed)
        if row.request_id != keyed.request_id:
            return _again(view, row)
        view.check_permissions(view.request)
        answer = _answer(view, call)
        if is_server_error(answer.status_code):
            transaction.set_rollback(True)
        else:
            _keep(keyed, answer)
    return answer


def _keyed(view: View, key: str) -> Keyed:
    request, caller = view.request, view.caller
    body = view.body()
    if isinstance(body, QueryDict):
        body = dict(body.lists())
    return Keyed(
        scope=keys.digest(caller.project_id, caller.user_id, request.method, request.path, key),
        fingerprint=keys.digest(request.META.get("QUERY_STRING", ""), str(request.version), body),
        request_id=str(request.request_id),
    )


def _answer(view: View, call: Call) -> Response:
    """Return what the call answers; what it did before it was refused is undone, and the key's row is not."""
    try:
        with transaction.atomic():
            return call()
    except Exception as error:  # noqa: BLE001 - the view's own way with every error
        return view.handle_exception(error)


def _around_waiting(view: View, keyed: Keyed, call: Call) -> Response:
    """Carry out a call that waits for a worker, which therefore cannot be in one transaction with its row.

    Where the view can resume, its service writes the row with what it accepts. All others can be carried out
    again: they find what the first request has done, or is about to do.
    """
    row = keys.find(keyed)
    if row is not None and (row.status is not None or row.resource):
        return _again(view, row)
    view.check_permissions(view.request)
    if not view.resumes:
        with transaction.atomic():
            keys.claim(keyed)
    try:
        with keys.carrying_out(keyed):
            answer = call()
    except AcceptedBefore as before:
        return _again(view, before.row)
    if not view.resumes:
        _keep(keyed, answer)
    return answer


def _again(view: View, row: KeyedRequest) -> Response:
    """Return what the first request was answered, or goes on to be. :raises AnswerNotKept: if nobody knows any more."""
    for permission in view.get_permissions():
        permission.has_permission(view.request, view)
    if row.status is None and row.resource:
        answer = view.resume(row.resource)
    elif row.status is None:
        raise AnswerNotKept
    else:
        answer = _kept(row.status, json.loads(row.answer))
    answer[REPLAYED] = "true"
    return answer


# --- answers as text -----------------------------------------------------------------------------------------


def _keep(keyed: Keyed, answer: Response) -> None:
    text = json.dumps(
        {
            "body": None if answer.data is None else ContractJSONRenderer().render(answer.data).decode(),
            "headers": {name: answer[name] for name in KEPT_HEADERS if name in answer},
            "empty": answer.empty_media_type if isinstance(answer, Empty) else None,
        }
    )
    if len(text) <= LARGEST_ANSWER and not _has_secret(answer.data):
        keys.keep(keyed, answer.status_code, text)


def _kept(status: int, kept: dict[str, Any]) -> Response:
    if kept["empty"] is not None:
        answer: Response = Empty(status, kept["empty"])
    else:
        answer = Response(None if kept["body"] is None else json.loads(kept["body"]), status=status)
    for name, value in kept["headers"].items():
        answer[name] = value
    return answer


def _has_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any((key in SECRETS and inner) or _has_secret(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_secret(item) for item in value)
