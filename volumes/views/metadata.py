"""Metadata of volumes, all of it and pair by pair (contract 02, section 6)."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.renderers import ContractJSONRenderer
from storage_site.api.views import ResourceView
from storage_site.errors import InvalidRequest, NotFound, PreconditionFailed
from volumes.models import Volume
from volumes.serializers.volumes import MetadataBody, MetadataItem
from volumes.services import volumes as services
from volumes.views.volumes import NOT_FOUND

TAGGED_SINCE = "3.15"


def etag_of(metadata: Mapping[str, str]) -> str:
    """Return what stands for this metadata: a digest of the answer that shows it."""
    shown = ContractJSONRenderer().render({"metadata": metadata})
    return hashlib.md5(shown, usedforsecurity=False).hexdigest()


class MetadataView(ResourceView):
    """What the paths of metadata share."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every volume that the caller may see."""
        return Volume.objects.visible_to(self.caller)

    def seen(self) -> Mapping[str, str] | None:
        """Return the metadata that a change relies on, None if it relies on none.

        :raises PreconditionFailed: if it is not what is there now.
        """
        tags = {tag.strip().strip('"') for tag in self.request.headers.get("If-Match", "").split(",")} - {""}
        if not tags or "*" in tags or not self.request.version.covers(TAGGED_SINCE):
            return None
        metadata: Mapping[str, str] = self.get_object().metadata
        if etag_of(metadata) not in tags:
            raise PreconditionFailed
        return metadata


class Metadata(MetadataView):
    """All the metadata of a volume."""

    reads = {"POST": MetadataBody, "PUT": MetadataBody}
    refuses = {"PUT": (412,)}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """Show it, with a tag that a change may refer to."""
        metadata = self.get_object().metadata
        headers = {"ETag": etag_of(metadata)} if request.version.covers(TAGGED_SINCE) else None
        return Response({"metadata": metadata}, headers=headers)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Add pairs, or replace some."""
        merged = services.merge_metadata(volume=self.get_object(), caller=self.caller, **self.values())
        return Response({"metadata": merged})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Replace all of it."""
        values = self.values()
        replaced = services.replace_metadata(volume=self.get_object(), caller=self.caller, seen=self.seen(), **values)
        return Response({"metadata": replaced})


class MetadataPair(MetadataView):
    """One pair of the metadata of a volume."""

    reads = {"PUT": MetadataItem}
    refuses = {"PUT": (412,)}

    def value(self, key: str) -> str:
        """Return the value of `key`. :raises NotFound: if there is none."""
        volume = self.get_object()
        if key not in volume.metadata:
            raise NotFound(f"Volume {volume.pk} has no metadata with key {key}.")
        return str(volume.metadata[key])

    def in_form(self) -> dict[str, Any]:
        """Return the pair; a form can add one that is not there."""
        key = str(self.kwargs["key"])
        return {"meta": {key: self.get_object().metadata.get(key, "")}}

    def get(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Show the pair."""
        return Response({"meta": {key: self.value(key)}})

    def put(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Write the pair, which must be the one that the path names."""
        pair = self.values()["meta"]
        if set(pair) != {key}:
            raise InvalidRequest(
                "Request body and URI mismatch" if len(pair) == 1 else "Request body contains too many items"
            )
        services.merge_metadata(volume=self.get_object(), metadata=pair, caller=self.caller, seen=self.seen())
        return Response({"meta": pair})

    def delete(self, _request: Request, key: str, **_kwargs: Any) -> Empty:
        """Remove the pair."""
        self.value(key)
        services.delete_metadata(volume=self.get_object(), key=key, caller=self.caller)
        return Empty(200, HTML)
