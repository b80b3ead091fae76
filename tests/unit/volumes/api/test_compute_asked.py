"""Contract 03, section 8: an attachment that a server uses ends only if its compute service asks for that."""

import uuid
from dataclasses import replace

import pytest

from tests.calls import Calls
from tests.compute import compute
from tests.factories import AttachmentFactory, VolumeFactory
from volumes.models import Attachment

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "ConflictNovaUsingAttachment: Detach volume from instance {} using the Compute API"
ACTIONS = {
    "os-detach": {},
    "os-force_detach": {},
    "os-terminate_connection": {"connector": None},
}


@pytest.fixture
def nova(settings):
    with compute() as found:
        settings.COMPUTE_ENDPOINT = found.url
        yield found


@pytest.fixture
def as_admin(admin):
    return Calls(replace(admin, token="a-token"))


@pytest.fixture
def as_member(member):
    return Calls(replace(member, token="m-token"))


@pytest.fixture
def as_compute(admin):
    return Calls(replace(admin, is_service=True))


@pytest.fixture
def used(nova):
    """Return an attachment, connected but exported by nobody, that a server uses."""
    attachment = AttachmentFactory(
        volume=VolumeFactory(status="in-use"), status="attached", connection_info={"driver_volume_type": "iscsi"}
    )
    nova.uses[str(attachment.instance_id), str(attachment.volume_id)] = str(attachment.pk)
    return attachment


def end(calls, attachment, how):
    if how == "DELETE":
        return calls("DELETE", f"/attachments/{attachment.pk}")
    return calls("POST", f"/volumes/{attachment.volume_id}/action", {how: ACTIONS[how]})


def is_there(attachment):
    return Attachment.objects.filter(pk=attachment.pk).exists()


@pytest.mark.parametrize("how", ["DELETE", *ACTIONS])
def test_being_an_administrator_is_not_enough(as_admin, nova, used, how):
    answer = end(as_admin, used, how)
    assert answer.status_code == 409
    assert answer.json()["conflictingRequest"]["message"] == TEXT.format(used.instance_id)
    assert nova.asked == [("a-token", "compute 2.89")]
    assert is_there(used)
    used.volume.refresh_from_db()
    assert used.volume.status == "in-use"


@pytest.mark.parametrize("how", ["DELETE", *ACTIONS])
def test_the_compute_service_may_and_is_not_asked(as_compute, nova, used, how):
    assert end(as_compute, used, how).status_code in {200, 202}
    assert nova.asked == []
    assert is_there(used) == (how == "os-terminate_connection")


@pytest.mark.parametrize("how", ["DELETE", "os-detach"])
@pytest.mark.parametrize("other", ["nothing", "another attachment"])
def test_what_the_server_does_not_use_may_be_ended(as_member, nova, used, how, other):
    where = str(used.instance_id), str(used.volume_id)
    nova.uses = {} if other == "nothing" else {where: str(uuid.uuid4())}
    assert end(as_member, used, how).status_code in {200, 202}
    assert not is_there(used)


@pytest.mark.parametrize("missing", ["instance_id", "connection_info"])
def test_without_a_server_or_a_connection_nobody_is_asked(as_member, nova, used, missing):
    setattr(used, missing, None if missing == "instance_id" else {})
    used.save()
    assert end(as_member, used, "DELETE").status_code == 200
    assert nova.asked == []


def test_of_an_older_compute_service_any_attachment_of_the_volume_counts(as_member, nova, used):
    nova.is_old = True
    nova.uses[str(used.instance_id), str(used.volume_id)] = "not told"
    assert end(as_member, used, "DELETE").status_code == 409
    assert [version for _, version in nova.asked] == ["compute 2.89", ""]


@pytest.mark.parametrize("failure", [500, 503, 401, 403, 302])
def test_a_compute_service_that_does_not_say_keeps_the_attachment(as_member, nova, used, failure):
    nova.failure = failure
    assert as_member.refused("DELETE", f"/attachments/{used.pk}")[0] == 503
    assert is_there(used)


@pytest.mark.parametrize("garbage", [b"<html>", b"[]", b'{"volumeAttachment": 1}', b"[" * 100000])
def test_an_answer_that_cannot_be_understood_keeps_the_attachment(as_member, nova, used, garbage):
    nova.garbage = garbage
    assert as_member.refused("DELETE", f"/attachments/{used.pk}")[0] == 503


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v2.1", "http://127.0.0.1:99999", "nonsense", "https://127.0.0.1:1"]
)
def test_a_compute_service_that_is_not_reached_keeps_the_attachment(as_member, settings, nova, used, url):
    settings.COMPUTE_ENDPOINT = url
    assert as_member.refused("DELETE", f"/attachments/{used.pk}")[0] == 503
    assert is_there(used)


@pytest.mark.parametrize("how", list(ACTIONS))
def test_a_volume_without_attachments_is_detached(as_member, as_admin, nova, how):
    volume = VolumeFactory(status="error")
    calls = as_admin if how == "os-force_detach" else as_member
    assert calls("POST", f"/volumes/{volume.pk}/action", {how: ACTIONS[how]}).status_code == 202


@pytest.mark.parametrize("how", list(ACTIONS))
def test_of_several_attachments_one_has_to_be_named(as_admin, nova, used, how):
    AttachmentFactory(volume=used.volume, status="attached")
    answer = end(as_admin, used, how)
    assert (answer.status_code, answer.json()["conflictingRequest"]["message"]) == (409, TEXT.format(""))


def test_an_attachment_that_there_is_not_is_a_conflict(as_member, nova, used):
    body = {"os-detach": {"attachment_id": str(uuid.uuid4())}}
    assert as_member.refused("POST", f"/volumes/{used.volume_id}/action", body) == (
        409,
        "conflictingRequest",
        TEXT.format(""),
    )


def test_a_person_at_the_browsable_api_has_no_token_to_ask_with(member, nova, used):
    assert Calls(member).refused("DELETE", f"/attachments/{used.pk}")[0] == 409


@pytest.mark.parametrize("configured", ["", "none"])
def test_where_no_compute_service_is_known_nobody_is_asked(as_member, settings, nova, used, configured):
    settings.COMPUTE_ENDPOINT = configured
    assert end(as_member, used, "DELETE").status_code == 200
    assert nova.asked == []


def test_the_catalog_of_the_token_says_where_the_compute_service_is(member, settings, nova, used):
    settings.COMPUTE_ENDPOINT = ""
    by_token = Calls(replace(member, token="m-token", compute_url=nova.url + "/"))
    assert end(by_token, used, "DELETE").status_code == 409
    settings.COMPUTE_ENDPOINT = "none"
    assert end(by_token, used, "DELETE").status_code == 200


def test_a_caller_is_shown_without_its_token(member):
    assert "secret" not in repr(replace(member, token="secret"))
