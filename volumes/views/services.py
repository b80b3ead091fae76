"""The services that do the work, and the zones they are in (contract 06 section 1, contract 05 section 5)."""

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.views import ApiView
from storage_site.operations.heartbeat import VOLUME
from storage_site.operations.models import Service
from volumes.serializers.services import ServiceAnswer, ServiceName, ServiceNameAndReason
from volumes.services import workers


class Services(ApiView):
    """All services."""

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List them."""
        rows = _narrowed(Service.objects.all(), request)
        return Response({"services": self.written(ServiceAnswer, rows, many=True)})


class Enable(ApiView):
    """The way to let a service take new work."""

    reads = {"PUT": ServiceName}
    is_enabled = True

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Let it, or not."""
        values = self.values()
        reason = values.get("disabled_reason")
        service = workers.set_enabled(
            host=values["host"],
            binary=values.get("binary") or values["service"],
            is_enabled=self.is_enabled,
            reason=reason,
        )
        return Response(self.answer(values, service))

    def answer(self, values: dict[str, Any], service: Service) -> dict[str, Any]:
        """Return the body: the words of the request, the one that was not used being empty."""
        return {
            "host": service.host,
            "service": values.get("service", ""),
            "binary": values.get("binary", ""),
            "status": "disabled" if service.is_disabled else "enabled",
            "disabled": service.is_disabled,
        }


class Disable(Enable):
    """The way to let a service rest."""

    is_enabled = False


class DisableWithReason(Disable):
    """The way to let a service rest and to say why."""

    reads = {"PUT": ServiceNameAndReason}

    def answer(self, values: dict[str, Any], service: Service) -> dict[str, Any]:
        """Return the body, with the reason."""
        return super().answer(values, service) | {"disabled_reason": service.disabled_reason}


class Zones(ApiView):
    """The availability zones."""

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """List them; a zone is available while one of its volume services takes work."""
        rows = Service.objects.filter(binary=VOLUME).order_by("zone").values_list("zone", "is_disabled")
        available: dict[str, bool] = {}
        for zone, is_disabled in rows:
            available[zone] = available.get(zone, False) or not is_disabled
        shown = [{"zoneName": zone, "zoneState": {"available": state}} for zone, state in available.items()]
        return Response({"availabilityZoneInfo": shown})


def _narrowed(rows: QuerySet[Service], request: Request) -> QuerySet[Service]:
    host, binary = request.query_params.get("host"), request.query_params.get("binary")
    if host:
        rows = rows.filter(Q(host=host) | Q(host__startswith=f"{host}@"))
    return rows.filter(binary=binary) if binary else rows
