"""The links in bodies, as the client (or the configured public endpoint) writes our address."""

from urllib.parse import urlencode

from django.conf import settings
from rest_framework.request import Request


def base(request: Request) -> str:
    """Return our address without a path below it; of what a proxy adds, only the scheme counts."""
    # A page of a thousand items asks a thousand times.
    known = getattr(request, "own_address", None)
    if known is None:
        known = request.own_address = _base(request)  # type: ignore[attr-defined]
    return str(known)


def _base(request: Request) -> str:
    if settings.PUBLIC_ENDPOINT:
        return str(settings.PUBLIC_ENDPOINT).rstrip("/")
    forwarded = request.headers.get("X-Forwarded-Proto", "")
    scheme = forwarded if forwarded in {"http", "https"} else request.scheme
    return f"{scheme}://{request.get_host()}{request.META.get('SCRIPT_NAME', '').rstrip('/')}"


def of_resource(request: Request, collection: str, identity: str) -> list[dict[str, str]]:
    """Return the links `self` and `bookmark`; the project stands in them only if it stood in the request's path."""
    project_id = (request.parser_context or {}).get("kwargs", {}).get("project_id")
    project = f"/{project_id}" if project_id else ""
    address = base(request)
    return [
        {"rel": "self", "href": f"{address}/v3{project}/{collection}/{identity}"},
        {"rel": "bookmark", "href": f"{address}{project}/{collection}/{identity}"},
    ]


def of_next_page(request: Request, marker: str) -> list[dict[str, str]]:
    """Return the link to what follows the item `marker`: the same address with everything else kept."""
    kept = [(key, value) for key, values in request.query_params.lists() for value in values if key != "marker"]
    query = urlencode([*kept, ("marker", marker)])
    return [{"rel": "next", "href": f"{base(request)}{request.path_info}?{query}"}]
