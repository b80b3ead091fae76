"""Which services there are and where: the catalog of a token, and the service and endpoint lists."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest

INTERFACES = ("public", "internal", "admin")


@dataclass(frozen=True, slots=True)
class CatalogService:
    """A service of the catalog; `path` is what its URL adds to the base, or all of it where it is a URL."""

    type: str
    name: str
    description: str
    path: str

    @property
    def id(self) -> str:
        """Return the service's id, the same in every deployment."""
        return _id_of("service", self.type)

    def url(self, base: str) -> str:
        """Return where it is, with the place of the project's id."""
        return self.path if "://" in self.path else base + self.path


# Older clients look for the second type; both lead to the same place.
SERVICES = (
    CatalogService("block-storage", "cinder", "Block Storage", "/v3/%(project_id)s"),
    CatalogService("volumev3", "cinderv3", "Block Storage", "/v3/%(project_id)s"),
    CatalogService("identity", "keystone", "Identity", "/identity/v3"),
)


def known() -> tuple[CatalogService, ...]:
    """Return our own services, and the image service where one is configured, so that clients find that as well."""
    if not settings.IMAGE_ENDPOINT:
        return SERVICES
    url = settings.IMAGE_ENDPOINT.rstrip("/").removesuffix("/v2").replace("%", "%%")
    return (*SERVICES, CatalogService("image", "glance", "Image", url))


def base_url(request: HttpRequest) -> str:
    """Return where clients reach the service: the configured address, else the one this request came to."""
    if settings.PUBLIC_ENDPOINT:
        return settings.PUBLIC_ENDPOINT.rstrip("/")
    scheme = request.META.get("HTTP_X_FORWARDED_PROTO", "").lower()
    if scheme not in {"http", "https"}:
        scheme = request.scheme or "http"
    return f"{scheme}://{request.get_host()}{request.META.get('SCRIPT_NAME', '').rstrip('/')}"


def identity_url(request: HttpRequest) -> str:
    """Return where clients log in, without the version."""
    return f"{base_url(request)}/identity"


def catalog(base: str, project_id: str) -> list[dict[str, Any]]:
    """Return the catalog for a token scoped to the project."""
    return [
        {
            "id": service.id,
            "type": service.type,
            "name": service.name,
            "endpoints": [
                {
                    "id": _id_of("endpoint", service.type, interface),
                    "interface": interface,
                    "region": settings.REGION,
                    "region_id": settings.REGION,
                    "url": service.url(base) % {"project_id": project_id},
                }
                for interface in INTERFACES
            ],
        }
        for service in known()
    ]


def url_in(catalog: Iterable[Mapping[str, Any]], service_type: str, interface: str, region: str) -> str:
    """Return where a token's catalog has a service, "" for nowhere; any region will do where none is named."""
    for service in catalog:
        for endpoint in service.get("endpoints", ()) if service.get("type") == service_type else ():
            is_there = not region or region in {endpoint.get("region_id"), endpoint.get("region")}
            if is_there and endpoint.get("interface") == interface:
                return str(endpoint.get("url") or "")
    return ""


def services(base: str) -> list[dict[str, Any]]:
    """Return the services as the administrator's list shows them."""
    return [
        {
            "id": service.id,
            "type": service.type,
            "name": service.name,
            "description": service.description,
            "enabled": True,
            "links": {"self": f"{base}/identity/v3/services/{service.id}"},
        }
        for service in known()
    ]


def endpoints(base: str) -> list[dict[str, Any]]:
    """Return the endpoints as the administrator's list shows them."""
    listed = []
    for service in known():
        for interface in INTERFACES:
            endpoint_id = _id_of("endpoint", service.type, interface)
            listed.append(
                {
                    "id": endpoint_id,
                    "interface": interface,
                    "region": settings.REGION,
                    "region_id": settings.REGION,
                    "service_id": service.id,
                    "enabled": True,
                    "url": service.url(base),
                    "links": {"self": f"{base}/identity/v3/endpoints/{endpoint_id}"},
                }
            )
    return listed


def regions(base: str) -> list[dict[str, Any]]:
    """Return the one region."""
    return [
        {
            "id": settings.REGION,
            "description": "",
            "parent_region_id": None,
            "links": {"self": f"{base}/identity/v3/regions/{settings.REGION}"},
        }
    ]


def _id_of(*parts: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, ".".join(("celinder.catalog", *parts))).hex
