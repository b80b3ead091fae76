"""QoS specs: make, list, show, change, delete, and give to volume types (contract 05, section 2)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api import links
from storage_site.api.answers import HTML, Empty
from storage_site.api.booleans import truth_of
from storage_site.api.views import CollectionView, ResourceView
from storage_site.errors import InvalidRequest
from volumes import lookups
from volumes.filters import QosFilters
from volumes.models import QosSpecs, VolumeType
from volumes.serializers import qos as shapes
from volumes.services import qos as services

NOT_FOUND = "No such QoS spec {id}."


class Qos(CollectionView):
    """The list of QoS specs, and the way to make some."""

    collection, links_name = "qos_specs", "qos_specs_links"
    not_found = NOT_FOUND
    filterset_class = QosFilters
    sort_keys = {name: name for name in ("id", "name", "consumer", "created_at")}
    writes = shapes.QosAnswer
    reads = {"POST": shapes.QosCreate}

    def rows(self) -> QuerySet[Any]:
        """Return all QoS specs."""
        return QosSpecs.objects.all()

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List them."""
        return self.list(request)

    def post(self, request: Request, **_kwargs: Any) -> Response:
        """Make some."""
        made = services.create_qos_specs(**self.values())
        return Response(_shown(request, self.written(shapes.QosAnswer, made)))


class QosView(ResourceView):
    """What the paths below one set of QoS specs share."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return all QoS specs."""
        return QosSpecs.objects.all()

    def type_named(self, request: Request) -> VolumeType:
        """Return the type that the address names. :raises InvalidRequest: if it names none."""
        found = lookups.type_of(self.caller, request.query_params.get("vol_type_id"))
        if found is None:
            raise InvalidRequest("Volume Type id must not be None.")
        return found


class OneQos(QosView):
    """One set of QoS specs."""

    reads = {"PUT": shapes.QosUpdate}
    pages = {"Associations": "associations"}
    answers = {"DELETE": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """Show them."""
        return Response(_shown(request, self.written(shapes.QosAnswer, self.get_object())))

    def put(self, request: Request, **_kwargs: Any) -> Response:
        """Add limits or replace some."""
        services.update_qos_specs(qos_specs=self.get_object(), **self.values())
        return Response(request.data)

    def delete(self, request: Request, **_kwargs: Any) -> Empty:
        """Remove them, by force from the types that have them as well."""
        force = truth_of("force", request.query_params.get("force", "false"))
        services.delete_qos_specs(qos_specs=self.get_object(), force=force)
        return Empty(202, HTML)


class QosKeys(QosView):
    """Removing limits."""

    reads = {"PUT": shapes.QosKeys}
    answers = {"PUT": 202}

    def put(self, _request: Request, **_kwargs: Any) -> Empty:
        """Remove limits by name."""
        services.delete_keys(qos_specs=self.get_object(), keys=self.values()["keys"])
        return Empty(202)


class QosAssociations(QosView):
    """The types that have the specs."""

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """List them."""
        types = self.get_object().types.order_by("name")
        kind = {"association_type": "volume_type"}
        return Response({"qos_associations": [{**kind, "name": each.name, "id": str(each.pk)} for each in types]})


class QosAssociate(QosView):
    """Giving the specs to a type; a GET, as clients have it."""

    answers = {"GET": 202}

    def get(self, request: Request, **_kwargs: Any) -> Empty:
        """Give them to the type that the address names."""
        services.associate(qos_specs=self.get_object(), volume_type=self.type_named(request))
        return Empty(202)


class QosDisassociate(QosView):
    """Taking the specs from a type; a GET, as clients have it."""

    answers = {"GET": 202}

    def get(self, request: Request, **_kwargs: Any) -> Empty:
        """Take them from the type that the address names."""
        services.disassociate(qos_specs=self.get_object(), volume_type=self.type_named(request))
        return Empty(202)


class QosDisassociateAll(QosView):
    """Taking the specs from all types; a GET, as clients have it."""

    answers = {"GET": 202}

    def get(self, _request: Request, **_kwargs: Any) -> Empty:
        """Take them from all."""
        services.disassociate(qos_specs=self.get_object())
        return Empty(202)


def _shown(request: Request, members: dict[str, Any]) -> dict[str, Any]:
    return {"qos_specs": members, "links": links.of_resource(request, "qos-specs", members["id"])}
