"""The console's pages about transfers."""

from django.contrib import admin

from storage_site.caller import Caller
from storage_site.pages.buttons import Button, Operable
from storage_site.pages.rows import Rows
from volumes.admin.projects import OfProjects
from volumes.models import Transfer
from volumes.services import transfers as services


def _take_back(transfer: Transfer, *, caller: Caller) -> str:
    services.delete_transfer(transfer=transfer, caller=caller)
    return "taken back."


@admin.register(Transfer)
class TransferAdmin(Operable, OfProjects, Rows):
    """Volumes on offer. The key is known to nobody but who made the offer."""

    list_display = ("id", "name", "volume", "project", "without_snapshots", "created_at")
    fields = ("id", "name", "volume", "project", "without_snapshots", "created_at")
    list_select_related = ("volume",)
    id_fields = ("id", "volume_id", "project_id")
    search_fields = ("name",)
    ordering = ("-created_at",)
    buttons = (Button(name="delete", label="Take back", act=_take_back, warning="The volume is available again."),)
