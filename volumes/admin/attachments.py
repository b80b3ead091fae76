"""The console's pages about attachments; what lets a host in is a secret and not shown."""

from collections.abc import Iterable

from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString

from storage_site.caller import Caller
from storage_site.operations.pages import ByFault, ResourceRows, statuses_of
from storage_site.pages import words
from storage_site.pages.buttons import Button
from storage_site.pages.filters import KnownValues, TrueOrFalse
from storage_site.pages.redaction import only
from storage_site.pages.rows import fields_of
from volumes.admin.projects import OfProjects
from volumes.lifecycle import ATTACHMENT
from volumes.models import Attachment
from volumes.services import attachments as services

# Members known to hold no secret. Whatever else a driver or a client puts there stays hidden.
PLAIN_CONNECTOR = frozenset(
    {"host", "ip", "initiator", "platform", "os_type", "mode", "mountpoint", "multipath", "enforce_multipath",
     "do_local_attach"}
)  # fmt: skip
PLAIN_CONNECTION = frozenset(
    {"driver_volume_type", "access_mode", "volume_id", "attachment_id", "transport", "export", "path", "host", "port",
     "hosts", "ports", "name", "target_iqn", "target_portal", "target_lun", "target_discovered", "encrypted",
     "cacheable", "enforce_multipath", "qos_specs"}
)  # fmt: skip


def _detach(attachment: Attachment, *, caller: Caller) -> str:
    if services.begin_disconnecting(attachment=attachment, caller=caller) is None:
        return "removed; the storage had not let anybody in."
    return "its removal is accepted; the back-end shuts the host out."


class ByStatus(KnownValues):
    """Attachments in a status."""

    title = parameter_name = field = "status"

    def values(self) -> Iterable[str]:
        """Return the statuses that an attachment may have."""
        return statuses_of(ATTACHMENT)


class ByListing(TrueOrFalse):
    """Attachments that the API lists, or those of the service itself and of the older connection actions."""

    title, parameter_name, field = "API", "listing", "is_listed"
    if_true, if_false = "listed", "hidden"


@admin.register(Attachment)
class AttachmentAdmin(OfProjects, ResourceRows):
    """Attachments."""

    list_display = ("short_id", "volume_link", "project", "state", "user", "age", "work")
    list_display_links = ("short_id",)
    list_filter = (ByStatus, ByFault, ByListing)
    list_select_related = ("volume",)
    id_fields = ("id", "volume_id", "instance_id", "project_id")
    search_fields = ("=host_name",)
    search_help_text = "The id of an attachment, volume, server or project; or a host's name."
    fieldsets = (
        (None, {"fields": ("id", "volume_link", "project", "state", "work", "is_listed")}),
        ("Host", {"fields": ("instance_id", "host_name", "mountpoint", "attach_mode", "connector_shown")}),
        ("Storage", {"fields": ("connection_shown", "export_operation", "export_claim")}),
        ("Times", {"fields": ("created_at", "updated_at", "attached_at", "detached_at")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(
            name="detach",
            label="Detach",
            act=_detach,
            warning=(
                "Shuts the host out and removes the attachment, whatever its status is and whether or not the host "
                "still writes. Work that goes on for it is cancelled."
            ),
            is_dangerous=True,
        ),
    )

    @admin.display(description="id")
    def short_id(self, attachment: Attachment) -> SafeString | str:
        """Return the beginning of the id."""
        return words.short_id(attachment.pk)

    @admin.display(description="host and server")
    def user(self, attachment: Attachment) -> SafeString:
        """Return which host uses the volume, and for which server."""
        return words.two_lines(attachment.host_name or words.NOTHING, words.short_id(attachment.instance_id))

    @admin.display(description="volume")
    def volume_link(self, attachment: Attachment) -> SafeString:
        """Return a link to the volume."""
        return words.link(reverse("admin:volumes_volume_change", args=[attachment.volume_id]), attachment.volume)

    @admin.display(description="connector")
    def connector_shown(self, attachment: Attachment) -> SafeString | str:
        """Return what the host said of itself, without secrets."""
        return words.members(only(attachment.connector, PLAIN_CONNECTOR))

    @admin.display(description="connection")
    def connection_shown(self, attachment: Attachment) -> SafeString | str:
        """Return how the host reaches the storage, without secrets."""
        return words.members(only(attachment.connection_info, PLAIN_CONNECTION))
