"""Forms whose rows the services write: a refusal becomes a message."""

from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from storage_site.errors import StorageError
from storage_site.pages.buttons import Operable
from storage_site.pages.rows import Prepared


class Edited(Operable, Prepared):
    """Pages with a form for operators; rows go by a button."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may add rows."""
        return self.has_operate_permission(request)

    def has_change_permission(self, request: HttpRequest, _row: Any = None) -> bool:
        """Tell whether the user may change rows."""
        return self.has_operate_permission(request)

    def has_delete_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """Refuse: Django's own way to delete goes past the services."""
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer a form; what a service refuses has been rolled back."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except StorageError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


def become(row: Model, written: Model) -> None:
    """Make the form's row be the one that the service wrote: the page goes on with it."""
    row.__dict__.update(written.__dict__)
