"""An operator at the console: opens pages, presses buttons, reads what comes back; and what there is to see."""

from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.messages import get_messages
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from drivers.types import Fence
from storage_site.caller import Caller
from storage_site.identity import services
from storage_site.identity.models import Project, User
from storage_site.operations.admission import begin
from storage_site.operations.models import Operation
from storage_site.operations.perform import carry_out
from volumes import backends
from volumes.models import Attachment, Volume
from volumes.services import attachments, volumes
from volumes.workflows import connect


def make_user(name: str, role: str) -> User:
    """Return a user who holds `role` in a project."""
    project = Project.objects.filter(name="operations").first() or services.create_project(name="operations")
    user = services.create_user(name=name)
    services.grant(user=user, project=project, role=role)
    return user


class Operator:
    """A browser with an operator in front of it."""

    def __init__(self) -> None:
        self.user = make_user("olga", "admin")
        self.client = Client()
        self.client.force_login(self.user)

    def opens(self, page: str | Model, **query: Any) -> str:
        """Return the text of a page: that of a row, or one named by its URL."""
        response = self.client.get(page if isinstance(page, str) else url_of(page), query)
        assert response.status_code == 200, response
        return response.content.decode()

    def presses(self, row: Model, button: str, **answers: Any) -> list[str]:
        """Press a button on a row's page, answer what it asks, and return what the console says."""
        options = row._meta
        url = reverse(f"admin:{options.app_label}_{options.model_name}_button", args=[row.pk, button])
        return self.said(self.client.post(url, {"confirmed": "1", **answers}))

    def chooses(self, model: type[Model], action: str, rows: list[Model], **answers: Any) -> list[str]:
        """Take an action on rows of a list, answer what it asks, and return what the console says."""
        chosen = {"action": action, ACTION_CHECKBOX_NAME: [row.pk for row in rows], "confirmed": "1", **answers}
        return self.said(self.client.post(list_of(model), chosen))

    def said(self, response: Any) -> list[str]:
        """Return the messages that came with a redirect, which nobody has been shown yet."""
        assert response.status_code == 302, response.content.decode()
        self.client.cookies.pop("messages", None)
        return [str(message) for message in get_messages(response.wsgi_request)]


def url_of(row: Model) -> str:
    """Return the address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def list_of(model: type[Model]) -> str:
    """Return the address of a model's list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def accept(volume: Volume, verb: str, caller: Caller) -> Operation:
    """Accept an operation on a volume."""
    with transaction.atomic():
        return begin(volume, verb, caller=caller)


def exported(caller: Caller, secret: str = "") -> Attachment:
    """Return an attachment whose host has been let in by the back-end."""
    volume = volumes.create_volume(caller=caller, size_gib=1)
    Volume.objects.filter(pk=volume.pk).update(status="available", backend="mem1", pool="mem1")
    Operation.objects.all().delete()
    volume.refresh_from_db()
    attachment = attachments.create_attachment(caller=caller, volume=volume)
    with transaction.atomic():
        operation = attachments.begin_connecting(attachment, {"host": "node1", "secret": secret}, caller)
    backends.driver("mem1").create_volume(volume.ref(), Fence(operation=0, claim=0))
    carry_out(str(operation.id), connect.run, task=operation.task)
    attachment.refresh_from_db()
    return attachment
