"""What load balancers and monitoring ask."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client.exposition import choose_encoder

from storage_site.watching import access, canaries, health
from storage_site.watching import metrics as told_in_metrics


def healthz(request: HttpRequest) -> HttpResponse:
    """Tell whether requests can be answered: 503 while the database cannot be reached.

    Those who may watch and ask for JSON are told as well how the canary of each queue does.
    """
    reason = health.database()
    may_see_queues = not reason and _wants_json(request) and access.may_watch(request)
    more = {"detailed": True, "queues": [_queue(told) for told in canaries.told()]} if may_see_queues else {}
    return _answer(request, [reason] if reason else [], more)


def live(request: HttpRequest) -> HttpResponse:
    """Tell that this process answers at all, whatever it stands on."""
    return _answer(request, [], {})


def ready(request: HttpRequest) -> HttpResponse:
    """Tell whether all that requests need is there: 503 and what is not, otherwise."""
    found = health.unready()
    return _answer(request, found.values(), {"unready": list(found)})


def metrics(request: HttpRequest) -> HttpResponse:
    """Tell all numbers, in the words of Prometheus, to those who may watch."""
    if not access.may_watch(request):
        return access.refusal()
    write, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(
        write(told_in_metrics.registry()), content_type=content_type, headers={"Cache-Control": "no-store"}
    )


def _queue(told: canaries.Told) -> dict[str, Any]:
    return {
        **asdict(told),
        "ended_at": told.ended_at.isoformat() if told.ended_at else None,
    }


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


def _answer(request: HttpRequest, reasons: Iterable[str], more: dict[str, Any]) -> HttpResponse:
    found = list(reasons)
    status = 503 if found else 200
    if _wants_json(request):
        answer: HttpResponse = JsonResponse({"detailed": False, "reasons": found or ["OK"], **more}, status=status)
    else:
        answer = HttpResponse("\n".join(found) or "OK", status=status, content_type="text/plain; charset=UTF-8")
    answer["Cache-Control"] = "no-store"
    return answer
