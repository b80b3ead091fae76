"""What the service says about itself: extensions and filters (contract 06, section 3)."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.views import ApiView
from storage_site.errors import NotFound

UPDATED = "2016-01-01T00:00:00+00:00"
# alias: name and description, for old clients that look here before they offer something.
EXTENSIONS = {
    "backups": ("Backups", "Backups of volumes."),
    "capabilities": ("Capabilities", "What a back-end can do."),
    "encryption": ("Encryption", "How volumes of a type are encrypted."),
    "OS-SCH-HNT": ("SchedulerHints", "Hints for the scheduler at creation."),
    "cgsnapshots": ("Cgsnapshots", "Snapshots of consistency groups."),
    "consistencygroups": ("Consistencygroups", "Groups of volumes that are kept at one moment."),
    "os-admin-actions": ("AdminActions", "Actions of administrators."),
    "os-availability-zone": ("AvailabilityZones", "The availability zones."),
    "os-extended-services": ("ExtendedServices", "More about services."),
    "os-extended-snapshot-attributes": ("ExtendedSnapshotAttributes", "More about snapshots."),
    "os-hosts": ("Hosts", "Where the services run."),
    "os-quota-class-sets": ("QuotaClasses", "Limits of classes of projects."),
    "os-quota-sets": ("Quotas", "Limits of projects."),
    "os-services": ("Services", "The services that do the work."),
    "os-snapshot-actions": ("SnapshotActions", "Actions on snapshots."),
    "os-types-extra-specs": ("TypesExtraSpecs", "Extra specs of volume types."),
    "os-types-manage": ("TypesManage", "Making and changing volume types."),
    "os-used-limits": ("UsedLimits", "What is used of the limits."),
    "os-vol-host-attr": ("VolumeHostAttribute", "Where a volume lives."),
    "os-vol-image-meta": ("VolumeImageMetadata", "What is known of the image on a volume."),
    "os-vol-mig-status-attr": ("VolumeMigStatusAttribute", "How the migration of a volume goes."),
    "os-vol-tenant-attr": ("VolumeTenantAttribute", "The project of a volume."),
    "os-volume-actions": ("VolumeActions", "Actions on volumes."),
    "os-volume-encryption-metadata": ("VolumeEncryptionMetadata", "How a volume is encrypted."),
    "os-volume-transfer": ("VolumeTransfer", "Handing volumes over to other projects."),
    "os-volume-type-access": ("VolumeTypeAccess", "Which projects may use a volume type."),
    "qos-specs": ("Qos_specs_manage", "What quality of service a volume type has."),
    "scheduler-stats": ("Scheduler_stats", "What the scheduler knows of pools."),
}


def _extension(alias: str) -> dict[str, Any]:
    name, description = EXTENSIONS[alias]
    return {"name": name, "alias": alias, "description": description, "updated": UPDATED, "links": []}


class Extensions(ApiView):
    """What the service can do beside its core."""

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """List it."""
        return Response({"extensions": [_extension(alias) for alias in EXTENSIONS]})


class OneExtension(ApiView):
    """One thing that the service can do."""

    def get(self, _request: Request, alias: str, **_kwargs: Any) -> Response:
        """Show it. :raises NotFound: if the service cannot do it."""
        if alias not in EXTENSIONS:
            raise NotFound
        return Response({"extension": _extension(alias)})


class ResourceFilters(ApiView):
    """What everybody may filter lists by."""

    since = "3.33"

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List it, of all resources or of one."""
        wanted = request.query_params.get("resource")
        shown = [
            {"resource": resource, "filters": list(filters)}
            for resource, filters in settings.RESOURCE_FILTERS.items()
            if wanted in {None, resource}
        ]
        return Response({"resource_filters": shown})
