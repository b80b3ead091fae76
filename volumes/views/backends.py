"""What administrators may ask of whole back-ends, hosts and clusters (contract 06, sections 1 to 3)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.views import ApiView
from storage_site.errors import InvalidRequest, NotFound, NotImplementedHere
from storage_site.operations import log_levels
from storage_site.operations.heartbeat import VOLUME
from storage_site.operations.models import Service
from volumes import summary
from volumes.serializers import backends as shapes
from volumes.services import workers

CLUSTERS_SINCE, LOGS_SINCE, CLEANUP_SINCE, FAILOVER_SINCE = "3.7", "3.32", "3.24", "3.26"


class Freeze(ApiView):
    """The way to give a back-end no new volumes, while what is there can be used."""

    reads = {"PUT": shapes.BackendName}
    is_frozen = True

    def put(self, _request: Request, **_kwargs: Any) -> Empty:
        """Freeze it, or thaw it."""
        workers.set_frozen(host=self.values()["host"], is_frozen=self.is_frozen)
        return Empty(200, HTML)


class Thaw(Freeze):
    """The way back."""

    is_frozen = False


class FailoverHost(ApiView):
    """Failing over to a replica, which no back-end has."""

    reads = {"PUT": shapes.Failover}

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Refuse. :raises InvalidRequest: always; another one for a back-end that there is not."""
        host = self.values()["host"]
        if not Service.objects.filter(binary=VOLUME, host=host).exists():
            raise InvalidRequest(f"Service {VOLUME} could not be found on host {host}.")
        raise InvalidRequest(f"Invalid input received: The back-end of {host} does not replicate.")


class Failover(FailoverHost):
    """The same by its later name."""

    since = FAILOVER_SINCE


class GetLog(ApiView):
    """The log levels of running processes."""

    since = LOGS_SINCE
    reads = {"PUT": shapes.LogChoice}

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Show them."""
        values = self.values()
        levels = log_levels.told(
            binary=values.get("binary") or "", host=values.get("server") or "", prefix=values.get("prefix") or ""
        )
        return Response({"log_levels": levels})


class SetLog(ApiView):
    """Changing the log levels of running processes, until they end."""

    since = LOGS_SINCE
    reads = {"PUT": shapes.LogChange}
    answers = {"PUT": 202}

    def put(self, _request: Request, **_kwargs: Any) -> Empty:
        """Change them."""
        values = self.values()
        log_levels.spread(
            binary=values.get("binary") or "",
            host=values.get("server") or "",
            prefix=values.get("prefix") or "",
            level=values["level"],
        )
        return Empty(202)


class Clusters(ApiView):
    """Clusters: workers of one back-end share its queue, so there are none to speak of."""

    since = CLUSTERS_SINCE

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List none. :raises InvalidRequest: if something else than a filter is given."""
        unknown = set(request.query_params) - shapes.CLUSTER_FILTERS
        if unknown:
            raise InvalidRequest(f"Invalid filters {', '.join(sorted(unknown))} are found in query options.")
        return Response({"clusters": []})


class OneCluster(ApiView):
    """One cluster, which there is not."""

    since = CLUSTERS_SINCE

    def get(self, _request: Request, name: str, **_kwargs: Any) -> Response:
        """Say so. :raises NotFound: always."""
        raise NotFound(f"Cluster {name} could not be found.")


class ChangeCluster(ApiView):
    """Enabling or disabling a cluster, which there is not."""

    since = CLUSTERS_SINCE
    reads = {"PUT": shapes.ClusterName}

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Say so. :raises NotFound: always."""
        raise NotFound(f"Cluster {self.values()['name']} could not be found.")


class Hosts(ApiView):
    """The hosts of enabled services."""

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List them."""
        rows = Service.objects.filter(is_disabled=False)
        zone = request.query_params.get("zone")
        shown = self.written(shapes.HostAnswer, rows.filter(zone=zone) if zone else rows, many=True)
        return Response({"hosts": shown})


class OneHost(ApiView):
    """What volumes and snapshots take up on one host."""

    refuses = {"PUT": (501,)}

    def get(self, _request: Request, host: str, **_kwargs: Any) -> Response:
        """Show it, in all and by project. :raises NotFound: if no service is there."""
        services = Service.objects.filter(host=host)
        if not services.exists():
            raise NotFound(f"Host {host} could not be found.")
        taken_up = summary.by_project(services.filter(binary=VOLUME).values_list("backend", flat=True))
        rows = ({"project": project, **figures} for project, figures in taken_up.items())
        return Response({"host": [{"resource": {"host": host, **row}} for row in rows]})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Refuse. :raises NotImplementedHere: always."""
        raise NotImplementedHere


class Cleanup(ApiView):
    """Having work that dead workers left taken up, which also happens by itself."""

    since = CLEANUP_SINCE
    reads = {"POST": shapes.CleanupChoice}
    answers = {"POST": 202}

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Ring for what waits, and say which services can hear it."""
        living, silent = workers.clean_up(**self.values())
        shown = [self.written(shapes.CleanedService, rows, many=True) for rows in (living, silent)]
        return Response({"cleaning": shown[0], "unavailable": shown[1]}, status=202)
