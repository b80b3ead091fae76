"""The calls about what there is one or a fixed number of: domains, services, endpoints, regions."""

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.errors import NotFound
from storage_site.identity import catalog
from storage_site.identity.models import DOMAIN_ID, DOMAIN_NAME
from storage_site.identity.views.keystone import Authenticated, Given, IdentityView


def domains(base: str) -> list[dict[str, Any]]:
    """Return the one domain."""
    return [
        {
            "id": DOMAIN_ID,
            "name": DOMAIN_NAME,
            "description": "The only domain",
            "enabled": True,
            "tags": [],
            "options": {},
            "links": {"self": f"{base}/identity/v3/domains/{DOMAIN_ID}"},
        }
    ]


GIVEN_BY = "services, endpoints, regions and domains follow from the deployment's settings"


class FixedList(Given, IdentityView):
    """A list that the deployment determines; a query narrows it by its members."""

    given_by = GIVEN_BY
    collection = ""
    rows_of: Callable[[str], list[dict[str, Any]]]

    def get(self, request: Request) -> Response:
        """List the rows whose members are as the query says."""
        wanted = {key: value for key, value in request.query_params.items() if key in _COMPARED}
        rows = [
            row
            for row in type(self).rows_of(self.base)
            if all(str(row.get(key)).lower() == value.lower() for key, value in wanted.items())
        ]
        return self.listing(self.collection, rows)


class FixedRow(Given, IdentityView):
    """One of a fixed list."""

    given_by = GIVEN_BY
    singular = ""
    rows_of: Callable[[str], list[dict[str, Any]]]

    def get(self, request: Request, row_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Show it. :raises NotFound: if there is no such row."""
        row = next((row for row in type(self).rows_of(self.base) if row["id"] == row_id), None)
        if row is None:
            raise NotFound(f"Could not find {self.singular}.")
        return Response({self.singular: row})


_COMPARED = frozenset({"name", "type", "service_id", "interface", "region", "region_id", "enabled", "parent_region_id"})


class Domains(FixedList):
    """All domains."""

    collection, rows_of = "domains", staticmethod(domains)


class OneDomain(FixedRow):
    """A domain; whoever logs in may see it, as clients show its name."""

    permission_classes = [Authenticated]
    singular, rows_of = "domain", staticmethod(domains)


class Services(FixedList):
    """All services."""

    collection, rows_of = "services", staticmethod(catalog.services)


class OneService(FixedRow):
    """A service."""

    singular, rows_of = "service", staticmethod(catalog.services)


class Endpoints(FixedList):
    """All endpoints."""

    collection, rows_of = "endpoints", staticmethod(catalog.endpoints)


class OneEndpoint(FixedRow):
    """An endpoint."""

    singular, rows_of = "endpoint", staticmethod(catalog.endpoints)


class Regions(FixedList):
    """All regions."""

    permission_classes = [Authenticated]
    collection, rows_of = "regions", staticmethod(catalog.regions)


class OneRegion(FixedRow):
    """A region."""

    permission_classes = [Authenticated]
    singular, rows_of = "region", staticmethod(catalog.regions)
