"""Calls in tables: each made at several microversions by several roles, its answer held against a strict schema."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from storage_site.caller import Caller
from tests import schemas
from tests.calls import Calls
from tests.conftest import PROJECT
from tests.factories import USER
from tests.members import ADMIN, EVERYBODY, MEMBER, Schema, covers

VERSIONS = ("3.0", "3.27", "3.44", "3.60", "3.71")
WRITERS = (ADMIN, MEMBER)
PLACE = re.compile(r"\{(\w+)\}")
NOT_FOUND = schemas.exactly({"itemNotFound": schemas.exactly({"code": {"const": 404}, "message": schemas.TEXT})})
JSON = "application/json"

Looks = Callable[[str, str], Schema]  # of microversion and role
Makers = Mapping[str, Callable[[], Any]]  # name of a thing → makes one and says its id


@dataclass(frozen=True)
class Call:
    """One call: what is sent, and what is to come back; `looks` is None where nothing is."""

    method: str
    path: str  # with the names of things in {}
    looks: Looks | None = None
    status: int = 200
    body: Any = None
    roles: tuple[str, ...] = EVERYBODY
    since: str = "3.0"
    media_type: str = JSON

    def __str__(self) -> str:
        named = [next(iter(self.body))] if self.path.endswith("/action") else []
        return " ".join([self.method, self.path, *named])


def always(schema: Schema) -> Looks:
    return lambda _version, _role: schema


def in_envelope(name: str, looks: Looks) -> Looks:
    return lambda version, role: schemas.exactly({name: looks(version, role)})


def filled_in(value: Any, things: Callable[[str], str]) -> Any:
    """Return `value` with the ids of things in the place of their names."""
    if isinstance(value, str):
        return PLACE.sub(lambda match: things(match[1]), value)
    if isinstance(value, dict):
        return {key: filled_in(each, things) for key, each in value.items()}
    return [filled_in(each, things) for each in value] if isinstance(value, list) else value


def make(call: Call, makers: Makers) -> None:
    """Make the call at every version as every role that may; fail unless each answer is what the table says."""
    wrong = []
    for version in VERSIONS:
        for role in call.roles if covers(version, call.since) else call.roles[:1]:
            try:
                make_once(call, version, role, makers)
            except AssertionError as error:
                wrong.append(f"at {version} as {role}: {error}")
    assert not wrong, "\n".join(wrong)


def make_once(call: Call, version: str, role: str, makers: Makers) -> None:
    """Make the call; fail unless its answer is what the table says, to the last member and header."""
    made = {"project": PROJECT}

    def thing(name: str) -> str:
        if name not in made:
            made[name] = str(makers[name]())
        return made[name]

    caller = Caller(user_id=USER, project_id=PROJECT, roles=frozenset({role}))
    path, body = filled_in(call.path, thing), filled_in(call.body, thing)
    answer = Calls(caller, version)(call.method, path, body)
    assert answer["OpenStack-API-Version"] == f"volume {version}"
    assert answer["Vary"].startswith("OpenStack-API-Version")
    assert uuid.UUID(answer["x-openstack-request-id"].removeprefix("req-"))
    if not covers(version, call.since):
        assert answer.status_code == 404, answer.content
        schemas.check(NOT_FOUND, answer.json())
        return
    assert answer.status_code == call.status, answer.content
    assert answer["Content-Type"] == call.media_type
    assert "Location" not in answer
    if call.media_type == JSON:
        assert answer["x-compute-request-id"] == answer["x-openstack-request-id"]
    if call.looks is None:
        assert answer.content == b""
    else:
        schemas.check(call.looks(version, role), answer.json())
