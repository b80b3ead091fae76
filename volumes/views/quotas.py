"""Quotas, and the limits that follow from them (contract 05, sections 3 and 4)."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.booleans import truth_of
from storage_site.api.views import ApiView
from volumes import limits, quotas
from volumes.models import VolumeType
from volumes.serializers.quotas import QuotaClassUpdate, QuotaUpdate
from volumes.services import quotas as services


class QuotaView(ApiView):
    """What the paths below one project's quotas share."""

    def rule_key(self) -> str:
        """Return the method; looking at another project's quotas is a call of its own."""
        method = str(self.request.method)
        is_foreign = method == "GET" and self.kwargs["project"] != self.caller.project_id
        return "GET of another project" if is_foreign else method

    def types(self) -> list[str]:
        """Return the names of the types whose limits the caller may know."""
        return list(VolumeType.objects.visible_to(self.caller).order_by("name").values_list("name", flat=True))


class QuotaSet(QuotaView):
    """The limits of one project."""

    reads = {"PUT": QuotaUpdate}

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what serializers know, the names of all limits included."""
        return super().get_serializer_context() | {"keys": limits.names(self.types())}

    def get(self, request: Request, project: str, **_kwargs: Any) -> Response:
        """Show the limits; with `usage`, what is used of each."""
        with_usage = truth_of("usage", request.query_params.get("usage", "false"))
        shown: Mapping[str, Any] = limits.limits_of(project, self.types())
        if with_usage:
            shown = limits.with_usage(project, shown)
        return Response({"quota_set": {**shown, "id": project}})

    def put(self, _request: Request, project: str, **_kwargs: Any) -> Response:
        """Set some limits, and show all."""
        services.set_limits(project_id=project, limits=self.values())
        return Response({"quota_set": limits.limits_of(project, self.types())})

    def delete(self, _request: Request, project: str, **_kwargs: Any) -> Empty:
        """Let the defaults hold again."""
        services.reset_limits(project_id=project)
        return Empty(200, HTML)


class QuotaDefaults(QuotaView):
    """The limits that hold where a project has none of its own."""

    def get(self, _request: Request, project: str, **_kwargs: Any) -> Response:
        """Show them."""
        return Response({"quota_set": {**limits.limits_of("", self.types()), "id": project}})


class QuotaClass(ApiView):
    """The limits of a class."""

    reads = {"PUT": QuotaClassUpdate}

    def types(self) -> list[str]:
        """Return the names of all types."""
        return list(VolumeType.objects.order_by("name").values_list("name", flat=True))

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what serializers know, the names of all limits included."""
        return super().get_serializer_context() | {"keys": limits.names(self.types())}

    def get(self, _request: Request, class_name: str, **_kwargs: Any) -> Response:
        """Show the limits."""
        return Response({"quota_class_set": {**limits.limits_of_class(class_name, self.types()), "id": class_name}})

    def put(self, _request: Request, class_name: str, **_kwargs: Any) -> Response:
        """Set some limits, and show all."""
        services.set_class_limits(class_name=class_name, limits=self.values())
        return Response({"quota_class_set": limits.limits_of_class(class_name, self.types())})


class Limits(ApiView):
    """What a project may have, and what it has."""

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """Show the figures of the project; of another one, where an administrator asks."""
        project = self.caller.project_id
        if self.caller.is_admin and request.version.covers("3.39"):
            project = request.query_params.get("project_id") or request.query_params.get("tenant_id") or project
        absolute = limits.absolute(project, quotas.limits_of(project), quotas.usage_of(project))
        return Response({"limits": {"rate": [], "absolute": absolute}})
