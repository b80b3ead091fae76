"""What is on the storage of back-ends: listed, taken over (contract 06 section 4, 03 section 4)."""

import ast
import json
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.pagination import limit_of, offset_of, sort_pairs
from storage_site.api.views import ApiView
from storage_site.errors import InvalidRequest
from volumes import lookups
from volumes.models import Survey
from volumes.serializers import managing as shapes
from volumes.serializers.snapshots import SnapshotAnswer
from volumes.services import managing as services

ALIASES_SINCE, CLUSTERS_SINCE = "3.8", "3.17"
SORT_KEYS = {"reference": "name", "size": "size_gib"}


class Stored(ApiView):
    """What is on the storage of a back-end."""

    waits = frozenset({"GET"})
    kind: ClassVar[str] = Survey.VOLUMES
    collection: ClassVar[str] = "manageable-volumes"
    in_full: ClassVar[bool] = False

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List it; its back-end is asked while the caller waits."""
        sort = _sort(request)
        limit, offset, marker = limit_of(request.query_params), offset_of(request.query_params), _marker(request)
        found = services.survey(host=_place(request), kind=self.kind, caller=self.caller)
        for key, is_descending in reversed(sort):
            found.sort(key=lambda one, key=key: one[key], reverse=is_descending)
        page = _after(found, marker)[offset : offset + limit]
        is_snapshot = self.kind == Survey.SNAPSHOTS
        entries = [shapes.entry(one, is_snapshot=is_snapshot, in_full=self.in_full) for one in page]
        return Response({self.collection: entries})


class StoredVolumes(Stored):
    """The volumes there, and the way to take one over."""

    reads = {"POST": shapes.ManageVolume}
    answers = {"POST": 202}

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make a volume of one; its back-end does the work later."""
        values = self.values()
        volume = services.manage_volume(
            caller=self.caller,
            host=values["host"],
            reference=values["ref"],
            volume_type=_type_of(self, values.get("volume_type")),
            availability_zone=values.get("availability_zone"),
            is_bootable=values["bootable"],
            name=values.get("name"),
            description=values.get("description"),
            metadata=values.get("metadata"),
        )
        return Response({"volume": self.written(shapes.ManagedVolume, volume)}, status=202)


class StoredVolumesInFull(Stored):
    """The volumes there with everything about each."""

    in_full = True


class StoredSnapshots(Stored):
    """The snapshots there, and the way to take one over."""

    kind, collection = Survey.SNAPSHOTS, "manageable-snapshots"
    reads = {"POST": shapes.ManageSnapshot}
    waits = frozenset({"GET", "POST"})
    answers = {"POST": 202}

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make a snapshot of one; its back-end is asked whether it is there while the caller waits."""
        values = self.values()
        snapshot = services.manage_snapshot(
            caller=self.caller,
            volume=lookups.volume_of(self.caller, values["volume_id"]),
            reference=values["ref"],
            name=values.get("name"),
            description=values.get("description"),
            metadata=values.get("metadata"),
        )
        return Response({"snapshot": self.written(SnapshotAnswer, snapshot)}, status=202)


class StoredSnapshotsInFull(Stored):
    """The snapshots there with everything about each."""

    kind, collection = Survey.SNAPSHOTS, "manageable-snapshots"
    in_full = True


class ManageableVolumes(StoredVolumes):
    """The same by its later name."""

    since = ALIASES_SINCE


class ManageableVolumesInFull(StoredVolumesInFull):
    """The same by its later name."""

    since = ALIASES_SINCE


class ManageableSnapshots(StoredSnapshots):
    """The same by its later name."""

    since = ALIASES_SINCE


class ManageableSnapshotsInFull(StoredSnapshotsInFull):
    """The same by its later name."""

    since = ALIASES_SINCE


def _type_of(view: ApiView, name_or_id: str | None) -> Any:
    """Return a type, None where none is named. :raises InvalidRequest: if there is none that the caller may use."""
    try:
        return lookups.type_of(view.caller, name_or_id)
    except lookups.VolumeTypeNotFound as error:
        raise InvalidRequest(error.message) from None


def _place(request: Request) -> str:
    """Return the host that the query names. :raises InvalidRequest: unless it names exactly one."""
    names = ("host", "cluster") if request.version.covers(CLUSTERS_SINCE) else ("host",)
    named = [request.query_params[name] for name in names if request.query_params.get(name)]
    if len(named) != 1:
        raise InvalidRequest(shapes.ONE_PLACE)
    return str(named[0])


def _sort(request: Request) -> list[tuple[str, bool]]:
    """Return members to sort by, and whether the largest comes first. :raises InvalidRequest: if it is malformed."""
    pairs = sort_pairs(request.query_params, default="reference")
    unknown = [name for name, _ in pairs if name not in SORT_KEYS]
    if unknown:
        raise InvalidRequest(f"Invalid sort keys passed: {', '.join(unknown)}")
    return [(SORT_KEYS[name], direction == "desc") for name, direction in pairs]


def _marker(request: Request) -> str | None:
    """Return the name of the last entry of the page before: as text, or in the form of a reference."""
    given = request.query_params.get("marker")
    for read in (json.loads, ast.literal_eval):
        try:
            reference = read(given) if given and given.startswith("{") else None
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(reference, dict):
            return str(reference.get("source-name", ""))
    return given


def _after(found: list[dict[str, Any]], marker: str | None) -> list[dict[str, Any]]:
    """Return what comes after the marker. :raises InvalidRequest: if there is no such thing."""
    if marker is None:
        return found
    names = [one["name"] for one in found]
    if marker not in names:
        raise InvalidRequest(f"Invalid input received: marker not found: {marker}")
    return found[names.index(marker) + 1 :]
