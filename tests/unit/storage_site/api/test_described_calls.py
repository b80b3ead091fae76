"""Every call of the OpenAPI document, with bodies and parameters that were made from it: answered as it says."""

import json
import uuid

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as exploring
from hypothesis import strategies as st
from requests import Request

from storage_site.api.errors import SERVER_FAULT
from storage_site.api.openapi import Document
from storage_site.caller import Caller
from tests.calls import NEWEST, Calls
from tests.conftest import PROJECT
from tests.factories import AttachmentFactory, BackupFactory, SnapshotFactory, VolumeFactory, VolumeTypeFactory
from tests.unit.volumes.api.test_authorisation_matrix import PLACES

EXAMPLES = 8
VERSIONS = (NEWEST, NEWEST, "3.0", "3.27", "3.44", "3.60")
# Nobody can answer these here: there is no scheduler.
ASKS_A_SCHEDULER = ("GET /v3/capabilities/{host}", "GET /v3/scheduler-stats/get_pools")
# What a member of a body names: it is there for the calls that shall get on.
THINGS = {
    "volume_id": lambda: VolumeFactory().pk,
    "volume_uuid": lambda: VolumeFactory().pk,
    "source_volid": lambda: VolumeFactory().pk,
    "new_volume": lambda: VolumeFactory().pk,
    "snapshot_id": lambda: SnapshotFactory().pk,
    "backup_id": lambda: BackupFactory().pk,
    "attachment_id": lambda: AttachmentFactory().pk,
    "volume_type": lambda: VolumeTypeFactory().name,
    "new_type": lambda: VolumeTypeFactory().name,
}
ABSENT = ("group_id", "consistencygroup_id", "imageRef", "image_id", "availability_zone")


def document():
    with patched_settings(Document.custom_settings):
        return json.loads(json.dumps(SchemaGenerator().get_schema(public=True), default=str))


OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(document()).get_all_operations()]


def sensible(body):
    """Return `body` with names of things that there are in the place of names that were made up."""
    if isinstance(body, list):
        return [sensible(each) for each in body]
    if not isinstance(body, dict):
        return body
    chosen = {key: sensible(each) for key, each in body.items() if key not in ABSENT}
    return {key: str(THINGS[key]()) if key in THINGS and each else each for key, each in chosen.items()}


def called(case, calls, *, version, is_sensible):
    """Make the call of `case`: as it is, or with what there is in it, so that it gets further."""
    below = case.operation.path.removeprefix("/v3/")
    if is_sensible:
        for place, make in PLACES.items():
            if below.startswith(place):
                case.path_parameters["id"] = str(make())
        if isinstance(case.body, dict):
            case.body = sensible(case.body)
    sent = case.as_transport_kwargs(base_url="http://testserver")
    members = {name: sent.get(name) for name in ("params", "json", "data")}
    prepared = Request(sent["method"], sent["url"], **members).prepare()
    headers = dict(sent["headers"])
    media_type = headers.pop("Content-Type", "application/json")
    headers.pop("Content-Length", None)
    if is_sensible:
        headers["OpenStack-API-Version"] = f"volume {version}"
        headers.pop("Idempotency-Key", None)
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else body
    path = prepared.url.removeprefix("http://testserver")
    return calls.client.generic(prepared.method, path, body, content_type=media_type, headers=headers)


def documented(operation, answer):
    """Return what the document says of the status, None where it says nothing."""
    return operation.definition.raw["responses"].get(str(answer.status_code))


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.label not in ASKS_A_SCHEDULER], ids=lambda each: each.label
)
def test_a_call_is_answered_as_the_document_says(no_limits, settings, operation):
    settings.CONNECT_WAIT_S = 0  # nobody works here
    admin = Calls(Caller(user_id=uuid.uuid4().hex, project_id=PROJECT, roles=frozenset({"admin"})))

    @exploring(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), version=st.sampled_from(VERSIONS), is_sensible=st.booleans())
    def answers(case, version, is_sensible):
        answer = called(case, admin, version=version, is_sensible=is_sensible)
        said = documented(operation, answer)
        assert said is not None, (answer.status_code, answer.content)
        assert answer.status_code not in {502, 503}, answer.content
        assert SERVER_FAULT.encode() not in answer.content
        if answer.content:
            media_type = answer["Content-Type"].partition(";")[0]
            assert media_type in {"application/json", "application/xml"}
            assert media_type in said["content"]

    answers()
