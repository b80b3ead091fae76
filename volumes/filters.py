"""What lists of volumes, attachments and types may be narrowed by (contract 00, section 8)."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from rest_framework.request import Request

from storage_site.api.booleans import truth_of
from storage_site.api.fields import UUID_FORM
from storage_site.api.filters import Column, ContractFilterSet, Flag, Moment, NoMatchError, Number, Pairs, Reference
from storage_site.operations.models import Operation
from volumes import messages
from volumes.models import Attachment, QosSpecs, Snapshot, Transfer, Volume, VolumeType
from volumes.serializers.types import visible_specs


class Nothing(Column):
    """A column that no row has a value in yet."""

    def __init__(self, since: str = "3.0") -> None:
        super().__init__("pk", since=since)

    def parsed(self, text: str) -> Any:
        """Find no value. :raises NoMatchError: always."""
        raise NoMatchError(text)


class Bootable(Flag):
    """Whether a machine may boot from the volume; below 3.2 every word but false means yes."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises InvalidRequest: if the word is none."""
        if request.version.covers("3.2"):
            return rows.filter(is_bootable=truth_of("bootable", text))
        return rows.filter(is_bootable=text not in {"False", "false", "FALSE"})


class ConsumesQuota(Flag):
    """Whether the volume counts; below 3.31 the word matches nothing."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match.

        :raises InvalidRequest: if the word is none. :raises NoMatchError: below 3.31.
        """
        if not request.version.covers("3.31"):
            raise NoMatchError
        return super().narrow(rows, text, request)


class Project(Column):
    """The project of the row, which means something only where all projects are listed."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match."""
        return rows.filter(project_id=text) if "all_tenants" in request.query_params else rows


class Host(Column):
    """Where the volume lives: host@backend#pool."""

    def __init__(self) -> None:
        super().__init__("backend")

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises NoMatchError: if nothing of ours is called that."""
        del request
        host, _, place = text.partition("@")
        backend, _, pool = place.partition("#")
        if host != settings.CLUSTER_HOST:
            raise NoMatchError
        return rows.filter(backend=backend, pool=pool)


class VolumeFilters(ContractFilterSet):
    """Filters of the volume lists."""

    resource = "volume"
    counts = True

    id = Reference("id")
    name = Column("name")
    display_name = Column("name")
    description = Column("description")
    display_description = Column("description")
    status = Column("status", takes_lists=True)
    size = Number("size_gib", takes_lists=True)
    availability_zone = Column("availability_zone", takes_lists=True)
    metadata = Pairs("metadata")
    glance_metadata = Pairs("image_metadata", since="3.4")
    bootable = Bootable("is_bootable")
    migration_status = Column("migration_status", takes_lists=True)
    multiattach = Flag("is_multiattach")
    consumes_quota = ConsumesQuota("consumes_quota")
    created_at = Moment("created_at", since="3.31")
    updated_at = Moment("updated_at", since="3.31")
    group_id = Reference("group_id", since="3.10")
    project_id = Project("project_id")
    user_id = Column("user_id")
    volume_type_id = Reference("volume_type_id")
    host = Host()

    class Meta:
        model = Volume
        fields = ()


class SnapshotFilters(ContractFilterSet):
    """Filters of the snapshot lists."""

    resource = "snapshot"
    counts = True

    id = Reference("id")
    name = Column("name")
    display_name = Column("name")
    description = Column("description")
    display_description = Column("description")
    status = Column("status")
    volume_id = Reference("volume_id")
    volume_size = Number("size_gib")
    metadata = Pairs("metadata", since="3.22")
    availability_zone = Column("volume__availability_zone")
    consumes_quota = ConsumesQuota("consumes_quota")
    project_id = Project("project_id")
    user_id = Column("user_id")

    class Meta:
        model = Snapshot
        fields = ()


class AttachmentFilters(ContractFilterSet):
    """Filters of the attachment lists."""

    resource = "attachment"

    id = Reference("id")
    volume_id = Reference("volume_id")
    instance_id = Reference("instance_id")
    attach_status = Column("status")
    status = Column("status")
    attach_mode = Column("attach_mode")
    attached_host = Column("host_name")
    mountpoint = Column("mountpoint")
    project_id = Project("project_id")

    class Meta:
        model = Attachment
        fields = ()


class TransferFilters(ContractFilterSet):
    """Filters of the lists of transfers."""

    resource = "transfer"

    id = Reference("id")
    name = Column("name")
    volume_id = Reference("volume_id")

    class Meta:
        model = Transfer
        fields = ()


class QosFilters(ContractFilterSet):
    """Filters of the list of QoS specs."""

    resource = "qos_specs"

    id = Reference("id")
    name = Column("name")
    consumer = Column("consumer")

    class Meta:
        model = QosSpecs
        fields = ()


class ByTable(Column):
    """Messages that match by the table of what they say."""

    def __init__(self, condition: Callable[[str], Q]) -> None:
        super().__init__("verb", since="3.5")
        self.condition = condition

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match."""
        del request
        return rows.filter(self.condition(text))


class About(ByTable):
    """Messages about one thing."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises NoMatchError: if the text is no id."""
        if not UUID_FORM.fullmatch(text):
            raise NoMatchError
        return super().narrow(rows, text.lower(), request)


class Level(Column):
    """Messages of a level: there is one."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return all of `rows`. :raises NoMatchError: if the level is another one."""
        del request
        if text != messages.LEVEL:
            raise NoMatchError
        return rows


class MessageFilters(ContractFilterSet):
    """Filters of the list of messages."""

    resource = "message"

    id = Reference("id")
    resource_uuid = About(messages.about)
    resource_type = ByTable(messages.of_type)
    event_id = ByTable(messages.of_event)
    request_id = Column("request_id", since="3.5")
    message_level = Level("verb", since="3.5")

    class Meta:
        model = Operation
        fields = ()


class IsPublic(Flag):
    """Which types administrators see: `none` is all of them. For everybody else the word means nothing."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises InvalidRequest: if the word is none."""
        if not request.user.is_admin or text.strip().lower() == "none":
            return rows
        return super().narrow(rows, text, request)


class Specs(Pairs):
    """Types with these extra specs; for everybody but administrators, among those they may see."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises NoMatchError: if the literal is none, or asks for more."""
        if not request.user.is_admin and not request.version.covers(TypeFilters.governed_since):
            return rows
        pairs = self.pairs(text)
        if len(visible_specs(pairs, request.user)) < len(pairs):
            raise NoMatchError
        return super().narrow(rows, text, request)


class TypeFilters(ContractFilterSet):
    """Filters of the list of types."""

    resource = "volume_type"
    governed_since = "3.52"

    id = Reference("id")
    name = Column("name")
    description = Column("description")
    is_public = IsPublic("is_public")
    extra_specs = Specs("extra_specs")

    class Meta:
        model = VolumeType
        fields = ()
