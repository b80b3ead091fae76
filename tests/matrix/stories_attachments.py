"""Stories of hosts that are let in and shut out.

Clients wait for these; here nobody does, as if the web process had died after it accepted them.
"""

from django.db import transaction

from storage_site.caller import Caller
from storage_site.operations.admission import begin, lock
from tests.matrix.stage import HOST, Stage
from tests.matrix.stories import story
from volumes.models import Attachment, Volume
from volumes.services import attachments as services

ATTACHMENT = "volumes.attachment"


def _reserved(stage: Stage, volume: Volume) -> Attachment:
    return services.create_attachment(caller=stage.caller, volume=volume)


@transaction.atomic
def _connect(attachment: Attachment, caller: Caller, verb: str = "connect") -> None:
    services.begin_connecting(lock(attachment), HOST, caller, verb=verb)


def _connected(stage: Stage, volume: Volume) -> Attachment:
    attachment = _reserved(stage, volume)
    _connect(attachment, stage.caller)
    stage.settle()
    attachment.refresh_from_db()
    assert attachment.status == "attaching"
    return attachment


def _in_use(stage: Stage) -> Attachment:
    attachment = _connected(stage, stage.volume())
    services.complete_attachment(attachment=attachment, caller=stage.caller)
    attachment.refresh_from_db()
    return attachment


@story(f"{ATTACHMENT}.connect")
def let_in(stage: Stage) -> None:
    attachment = _reserved(stage, stage.volume())
    with stage.asking(f"{ATTACHMENT}.connect"):
        _connect(attachment, stage.caller)
    attachment.refresh_from_db()
    assert bool(attachment.connection_info) == stage.is_well
    assert stage.driver_of(attachment.volume).exports(attachment.volume.ref()) == (
        {str(attachment.pk)} if stage.is_well else frozenset()
    )


@story(f"{ATTACHMENT}.reconnect")
def told_once_more(stage: Stage) -> None:
    attachment = _in_use(stage)
    with stage.asking(f"{ATTACHMENT}.reconnect"):
        _connect(attachment, stage.caller, "reconnect")
    attachment.refresh_from_db()
    assert (attachment.status, attachment.volume.status) == ("attached", "in-use")
    assert stage.driver_of(attachment.volume).exports(attachment.volume.ref()) == {str(attachment.pk)}


@story(f"{ATTACHMENT}.unexport")
def shut_out_and_still_attached(stage: Stage) -> None:
    attachment = _in_use(stage)
    with stage.asking(f"{ATTACHMENT}.unexport"), transaction.atomic():
        begin(lock(attachment), "unexport", caller=stage.caller)
    attachment.refresh_from_db()
    assert not stage.is_well or (attachment.status, attachment.is_exported) == ("attached", False)
    assert not stage.is_well or not stage.driver_of(attachment.volume).exports(attachment.volume.ref())


@story(f"{ATTACHMENT}.disconnect")
def shut_out(stage: Stage) -> None:
    attachment = _in_use(stage)
    volume = attachment.volume
    with stage.asking(f"{ATTACHMENT}.disconnect"):
        services.begin_disconnecting(attachment=attachment, caller=stage.caller)
    volume.refresh_from_db()
    assert not stage.is_well or volume.status == "available"
    assert not stage.is_well or not stage.driver_of(volume).exports(volume.ref())
