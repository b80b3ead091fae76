"""What a scheduler knows of the pools (contract 06, section 3)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from scheduling import enquiry, extra_specs
from scheduling.placement import PoolReport
from storage_site.api.booleans import truth_of
from storage_site.api.fields import Moment
from storage_site.api.views import ApiView
from storage_site.errors import InvalidRequest, NotFound
from volumes.lookups import type_of

FILTERS_SINCE, REFUSAL_SINCE = "3.28", "3.35"
# What volume types may ask of a back-end by name.
PROPERTIES = {
    name: {"title": title, "description": description, "type": "boolean"}
    for name, title, description in (
        ("thin_provisioning", "Thin Provisioning", "Room is taken for what was written only."),
        ("compression", "Compression", "What is written is compressed."),
        ("qos", "QoS", "Limits of throughput can be set."),
        ("replication_enabled", "Replication", "What is written is written elsewhere, too."),
    )
}


class Pools(ApiView):
    """All pools of all back-ends."""

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List them, with their capabilities where `detail` is asked for."""
        is_detailed = truth_of("detail", request.query_params.get("detail", "false"))
        pools = self.narrowed(enquiry.known_pools())
        return Response({"pools": [shown(pool, is_detailed=is_detailed) for pool in pools]})

    def narrowed(self, pools: Iterable[PoolReport]) -> list[PoolReport]:
        """Return those of `pools` that the request asks for, in the order of their names.

        :raises InvalidRequest: if it filters by something unknown. :raises NotFound: if it names an unknown type.
        """
        ordered = sorted(pools, key=lambda pool: pool.name)
        given = {key: value for key, value in self.request.query_params.items() if key != "detail"}
        version = self.request.version
        if not version.covers(FILTERS_SINCE):
            return ordered
        allowed = set(settings.RESOURCE_FILTERS["pool"]) if version.covers(REFUSAL_SINCE) else {"name"}
        unknown = [key for key in given if key not in allowed]
        if unknown and version.covers(REFUSAL_SINCE):
            raise InvalidRequest(f"Invalid filters {','.join(unknown)} are found in query options.")
        if unknown:
            return []
        kind = type_of(self.caller, given.get("volume_type"))
        specs = kind.extra_specs if kind else {}
        named = [pool for pool in ordered if given.get("name") in {None, pool.name}]
        return [pool for pool in named if extra_specs.mismatch(specs, pool.capabilities) is None]


def shown(pool: PoolReport, *, is_detailed: bool) -> dict[str, Any]:
    """Return a pool as the API shows it."""
    if not is_detailed:
        return {"name": pool.name}
    reported_at = Moment().to_representation(datetime.fromisoformat(pool.sent_at))
    return {"name": pool.name, "capabilities": {**pool.capabilities, "timestamp": reported_at}}


class BackendCapabilities(ApiView):
    """What one back-end can do."""

    def get(self, _request: Request, host: str, **_kwargs: Any) -> Response:
        """Show it; a bare host's name reaches one of its back-ends. :raises NotFound: if no such back-end reports."""
        pools = sorted(enquiry.known_pools(), key=lambda pool: pool.name)
        found = next((pool for pool in pools if host in {pool.host, pool.host.partition("@")[0]}), None)
        if found is None:
            raise NotFound(f"Can't find service: {host}")
        told = found.capabilities
        return Response(
            {
                "namespace": f"OS::Storage::Capabilities::{found.host}",
                **{name: told.get(name) for name in ("vendor_name", "volume_backend_name", "pool_name")},
                **{name: told.get(name) for name in ("driver_version", "storage_protocol")},
                "display_name": None,
                "description": None,
                "visibility": None,
                "replication_targets": [],
                "properties": PROPERTIES,
            }
        )
