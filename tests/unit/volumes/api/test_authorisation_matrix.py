"""Who may call what: the URL conf is walked, compared with the table, and every call is really made.

A new route fails here until it is in the table and, where its path has placeholders, in PLACES.
"""

import re
import uuid
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from storage_site.api import authorisation
from storage_site.api.views import ApiView
from storage_site.caller import Caller
from tests.calls import Calls
from tests.conftest import OTHER_PROJECT, PROJECT
from tests.factories import (
    AttachmentFactory,
    BackupFactory,
    GroupFactory,
    GroupSnapshotFactory,
    GroupTypeFactory,
    OperationFactory,
    QosSpecsFactory,
    SnapshotFactory,
    TransferFactory,
    VolumeFactory,
    VolumeTypeFactory,
)
from volumes.services.group_types import reserved_type

# Who calls: by the roles held in the token's project, and whether that is the project of the things.
CALLERS = {
    "admin": (PROJECT, "admin"),
    "member": (PROJECT, "member"),
    "reader": (PROJECT, "reader"),
    "service": (PROJECT, "service"),
    "nobody of the project": (PROJECT, None),
    "unscoped": ("", None),
    "stranger": (OTHER_PROJECT, "member"),
    "strange admin": (OTHER_PROJECT, "admin"),
}


def consistency_group():
    return GroupFactory(group_type=reserved_type())


# What a path begins with → whose thing is at the id in it.
PLACES = {
    "volumes/{id}": lambda: VolumeFactory(metadata={"key": "value"}).pk,
    "attachments/{id}": lambda: AttachmentFactory().pk,
    "snapshots/{id}": lambda: SnapshotFactory().pk,
    "backups/{id}": lambda: BackupFactory().pk,
    "operations/{id}": lambda: OperationFactory().id,
    "messages/{id}": lambda: OperationFactory(outcome="failed", verb="create", finished_at=timezone.now()).id,
    "volume-transfers/{id}": lambda: TransferFactory().pk,
    "os-volume-transfer/{id}": lambda: TransferFactory().pk,
    "qos-specs/{id}": lambda: QosSpecsFactory().pk,
    "types/{id}": lambda: VolumeTypeFactory(is_public=False, extra_specs={"multiattach": "<is> True"}).pk,
    "groups/{id}": lambda: GroupFactory().pk,
    "consistencygroups/{id}": lambda: consistency_group().pk,
    "cgsnapshots/{id}": lambda: GroupSnapshotFactory(group=consistency_group()).pk,
    "group_snapshots/{id}": lambda: GroupSnapshotFactory().pk,
    "group_types/{id}": lambda: GroupTypeFactory(is_public=False, group_specs={"multiattach": "<is> True"}).pk,
}
OWNED = (
    "backups/{id}", "volumes/{id}", "snapshots/{id}", "attachments/{id}", "operations/{id}", "messages/{id}",
    "volume-transfers/{id}", "os-volume-transfer/{id}", "groups/{id}",
    "group_snapshots/{id}", "consistencygroups/{id}", "cgsnapshots/{id}",
)  # fmt: skip
FOR_STRANGERS = ("transfer-accept", "older-transfer-accept")
WORDS = {
    "key": "multiattach",
    "project": PROJECT,
    "alias": "os-services",
    "class_name": "default",
    "host": "h",
    "name": "n",
}


@dataclass(frozen=True)
class Route:
    name: str
    path: str  # below /v3/, with {placeholders}
    view: type[ApiView]


def patterns(resolver, prefix=""):
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each, prefix + str(each.pattern))
        elif isinstance(each, URLPattern):
            yield prefix + str(each.pattern), each


def routes():
    found = {}
    for path, pattern in patterns(get_resolver()):
        view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
        if view is not None and issubclass(view, ApiView):
            readable = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path.removesuffix("$").removesuffix(r"(?:\.json)?"))
            below = re.sub(r"^\^?v3/(\(\?:\{project_id\}/\)\?)?", "", readable)
            found[pattern.name] = Route(pattern.name, below, view)
    return found


ROUTES = routes()
CALLS = [
    (route, key)
    for name, route in sorted(ROUTES.items())
    for key, rule in authorisation.TABLE.get(name, {}).items()
    if not rule.is_public
]


def keys_of(view):
    """Return what names the calls of a view: its methods, or its actions together with their page."""
    if hasattr(view, "actions"):
        return {"GET", *view.actions}
    return {method for method in ("GET", "POST", "PUT", "DELETE") if hasattr(view, method.lower())}


def test_every_path_of_the_api_is_served_by_a_view_that_asks_the_table():
    # Discovery's redirect and health know no rights; identity and the console have their own.
    others = {"version-three-without-slash", "health"}
    for path, pattern in patterns(get_resolver()):
        if path.removeprefix("^").startswith("v3") and pattern.name not in others:
            assert pattern.name in ROUTES, path


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_the_table_has_a_row_for_every_route_and_a_cell_for_every_call(name):
    assert name in authorisation.TABLE, "a route that is not in the table is refused to everybody"
    in_table = {key.split(" ", 1)[0] for key in authorisation.TABLE[name]}
    expected = keys_of(ROUTES[name].view)
    # HEAD of the root is a GET.
    assert in_table - {"HEAD"} == expected


def test_the_table_has_no_row_that_is_no_route():
    assert set(authorisation.TABLE) == set(ROUTES)


def test_a_row_cannot_be_written_twice():
    with pytest.raises(ValueError, match="already"):
        authorisation.register({"volumes": {"GET": authorisation.public()}})


def request_for(route, key):
    """Return method, path and body of the call."""
    path = route.path
    for place, make in PLACES.items():
        if path.startswith(place):
            path = path.replace("{id}", str(make()), 1)
    words = WORDS | ({"key": "key"} if "metadata" in path else {})
    if key == "GET of another project":
        words["project"] = "c" * 32
    path = re.sub(r"\{(\w+)\}", lambda match: words[match[1]], path)
    if hasattr(route.view, "actions") and key != "GET":
        return "POST", path, {key: {}}
    if key == "DELETE by force":
        return "DELETE", f"{path}?force=true", None
    method = key.split(" ", 1)[0]
    return method, path, {} if method in {"POST", "PUT"} else None


def caller_of(who):
    project, role = CALLERS[who]
    return Caller(user_id=uuid.uuid4().hex, project_id=project, roles=frozenset({role} if role else ()))


def is_page(route, key):
    return hasattr(route.view, "actions") and key == "GET"


def is_foreign_quota(route, who):
    return route.name.startswith("quota-set") and CALLERS[who][0] != PROJECT


@pytest.mark.parametrize(("route", "key"), CALLS, ids=lambda value: getattr(value, "name", value))
def test_a_call_is_admitted_as_the_table_says(db, default_type, route, key):
    wrong = []
    for who in CALLERS:
        with transaction.atomic():  # each on its own: what one has done is undone for the next
            try:
                check_admission(route, key, who)
            except AssertionError as error:
                wrong.append(f"{who}: {error}")
            transaction.set_rollback(True)
    assert not wrong, "\n".join(wrong)


def check_admission(route, key, who):
    """Make the call; fail unless the caller is admitted or refused as the table says."""
    method, path, body = request_for(route, key)
    caller = caller_of(who)
    accept = {"Accept": "text/html"} if is_page(route, key) else {}
    answer = Calls(caller)(method, f"/v3/{path}", body, headers=accept)
    rule = authorisation.TABLE[route.name][key]
    if is_foreign_quota(route, who) and key == "GET":
        rule = authorisation.TABLE[route.name]["GET of another project"]
    is_hidden = not caller.is_admin and (
        (route.path.startswith(OWNED) and route.name not in FOR_STRANGERS and caller.project_id != PROJECT)
        or route.path.startswith(("types/{id}", "group_types/{id}"))
    )
    if is_hidden:
        assert answer.status_code == 404, answer.content
    elif rule.admits(caller):
        assert answer.status_code not in {401, 403}, answer.content
        assert answer.status_code != 500, answer.content
    else:
        assert answer.status_code == 403, answer.content
        if not accept:
            message = f"Policy doesn't allow {rule.policy} to be performed."
            assert answer.json() == {"forbidden": {"code": 403, "message": message}}


@pytest.mark.parametrize(("route", "key"), CALLS, ids=lambda value: getattr(value, "name", value))
def test_without_a_token_nothing_is_admitted(db, route, key):
    method, path, body = request_for(route, key)
    assert Calls(None)(method, f"/v3/{path}", body).status_code == 401


@pytest.mark.parametrize(("route", "key"), CALLS, ids=lambda value: getattr(value, "name", value))
def test_nobody_reaches_a_call_by_the_path_of_another_project(db, route, key):
    method, path, body = request_for(route, key)
    for who in ("member", "admin"):
        answer = Calls(caller_of(who))(method, f"/v3/{OTHER_PROJECT}/{path}", body)
        assert answer.status_code in {400, 404}, answer.content
        assert answer.status_code == 404 or answer.json()["badRequest"]["message"] == "Malformed request url"


def test_a_route_that_is_not_in_the_table_is_refused(as_admin, monkeypatch):
    monkeypatch.delitem(authorisation.TABLE, "volumes")
    assert as_admin.refused("GET", "/volumes")[:2] == (403, "forbidden")
