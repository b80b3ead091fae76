"""The calls about users, projects, roles and the catalog: what they answer, and to whom."""

import re

import pytest
from django.urls import get_resolver

from storage_site.identity import services
from storage_site.identity import urls as identity_urls
from storage_site.identity.models import Project, User, role_id

pytestmark = pytest.mark.django_db
UNKNOWN = "0" * 32


@pytest.fixture
def admin(root, call):
    token = call.token(root)
    return lambda method, path, body=None, **headers: call(method, path, token, body, **headers)


@pytest.fixture
def member(alice, call):
    token = call.token(alice)
    return lambda method, path, body=None, **headers: call(method, path, token, body, **headers)


# --- discovery -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/identity", "/identity/"])
def test_the_beginning_offers_a_choice_of_one_version(path, client):
    answer = client.get(path)
    assert answer.status_code == 300
    (version,) = answer.json()["versions"]["values"]
    assert version["links"] == [{"rel": "self", "href": "http://testserver/identity/v3/"}]


@pytest.mark.parametrize("path", ["/identity/v3", "/identity/v3/"])
def test_version_3_describes_itself_without_a_token(path, client):
    answer = client.get(path)
    assert answer.status_code == 200
    version = answer.json()["version"]
    assert (version["id"], version["status"]) == ("v3.14", "stable")
    assert version["media-types"] == [
        {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
    ]


@pytest.mark.parametrize("accepted", ["*/*", "application/json", "text/html", "application/xml", ""])
def test_every_answer_is_json_that_depends_on_the_token(accepted, client):
    answer = client.get("/identity/v3", headers={"Accept": accepted})
    assert answer["Content-Type"] == "application/json"
    assert answer["Vary"] == "X-Auth-Token"


# --- tokens ----------------------------------------------------------------------------------------------------


def test_a_token_can_be_examined_by_its_user_an_admin_and_a_service(alice, root, nova, call):
    text = call.token(alice)
    made = call("get", "/auth/tokens", text, X_Subject_Token=text)
    assert made.status_code == 200
    assert made["X-Subject-Token"] == text
    for other in (root, nova):
        assert call("get", "/auth/tokens", call.token(other), X_Subject_Token=text).json() == made.json()
    head = call("head", "/auth/tokens", text, X_Subject_Token=text)
    assert (head.status_code, head.content) == (200, b"")


def test_a_token_is_not_shown_to_another_user(alice, root, call):
    answer = call("get", "/auth/tokens", call.token(alice), X_Subject_Token=call.token(root))
    assert answer.status_code == 403
    assert call("delete", "/auth/tokens", call.token(alice), X_Subject_Token=call.token(root)).status_code == 403


@pytest.mark.parametrize("subject", ["unknown", ""])
def test_a_token_that_is_not_valid_is_not_found(subject, admin):
    answer = admin("get", "/auth/tokens", X_Subject_Token=subject)
    assert answer.status_code == 404
    assert admin("delete", "/auth/tokens", X_Subject_Token=subject).status_code == 404


def test_a_token_that_was_ended_lets_nobody_in(alice, call, django_capture_on_commit_callbacks):
    text = call.token(alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert call("delete", "/auth/tokens", text, X_Subject_Token=text).status_code == 204
    assert call("get", "/auth/projects", text).status_code == 401


# --- what a caller may see of itself ---------------------------------------------------------------------------


def test_a_caller_sees_its_projects_catalog_and_domains(alice, root, member):
    services.grant(user=alice.user, project=alice.project, role="reader")
    services.grant(user=alice.user, project=services.create_project(name="closed", is_enabled=False), role="member")
    assert [project["name"] for project in member("get", "/auth/projects").json()["projects"]] == ["alices"]
    assert {one["type"] for one in member("get", "/auth/catalog").json()["catalog"]} >= {"block-storage", "identity"}
    assert member("get", "/auth/domains").json()["domains"] == []


def test_the_image_service_is_in_the_catalog_where_there_is_one(alice, member, settings):
    assert "image" not in {one["type"] for one in member("get", "/auth/catalog").json()["catalog"]}
    settings.IMAGE_ENDPOINT = "http://glance:9292/v2"
    found = {one["type"]: one["endpoints"] for one in member("get", "/auth/catalog").json()["catalog"]}
    assert {one["url"] for one in found["image"]} == {"http://glance:9292"}


def test_a_token_for_no_project_has_no_catalog(alice, call):
    text = call.log_in(alice, scope="unscoped")["X-Subject-Token"]
    assert call("get", "/auth/catalog", text).status_code == 403
    assert call("get", "/auth/projects", text).status_code == 200


def test_a_member_sees_itself_and_its_project_but_no_others(alice, root, member):
    assert member("get", f"/users/{alice.user.id}").json()["user"]["name"] == "alice"
    assert member("get", f"/users/{alice.user.id}/projects").json()["projects"][0]["name"] == "alices"
    assert member("get", f"/projects/{alice.project.id}").json()["project"]["name"] == "alices"
    for path in (f"/users/{root.user.id}", f"/projects/{root.project.id}", f"/projects/{UNKNOWN}", "/users/alice"):
        assert member("get", path).status_code == 403


def _paths():
    """Return every path, its parameters filled in."""
    for pattern in identity_urls.urlpatterns:
        if "<path:" not in str(pattern.pattern):
            yield "/" + str(pattern.pattern).replace("<str:", "{").replace(">", "}")


OPEN = {"/identity", "/identity/", "/identity/v3", "/identity/v3/"}
FOR_ALL = {
    "/identity/v3/auth/projects",
    "/identity/v3/auth/domains",
    "/identity/v3/auth/catalog",
    "/identity/v3/domains/{row_id}",
    "/identity/v3/regions",
    "/identity/v3/regions/{row_id}",
}


@pytest.mark.parametrize("path", sorted(set(_paths()) - OPEN))
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head"])
def test_whoever_has_no_token_is_refused_everywhere_but_at_log_in(path, method, client):
    if (path, method) == ("/identity/v3/auth/tokens", "post"):
        return
    ids = dict.fromkeys(("project_id", "user_id", "role_id", "row_id", "credential_id"), UNKNOWN)
    answer = getattr(client, method)(path.format(**ids))
    # A method that a path does not have is told to nobody, either.
    assert answer.status_code == 401


@pytest.mark.parametrize("path", sorted(set(_paths()) - OPEN - FOR_ALL - {"/identity/v3/auth/tokens"}))
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head"])
def test_a_member_is_refused_what_is_for_administrators(path, method, root, member):
    ids = {"project_id": root.project.id, "user_id": root.user.id, "role_id": role_id("admin"), "row_id": "default"}
    ids["credential_id"] = UNKNOWN
    answer = member(method, path.removeprefix("/identity/v3").format(**ids))
    assert answer.status_code in ({403, 405} if path.endswith("/password") else {403})
    assert User.objects.filter(pk=root.user.id).exists()
    assert root.user.assignments.exists()


@pytest.mark.parametrize("path", ["/services", "/endpoints", "/regions", "/domains", "/domains/default", "/roles"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_what_the_deployment_is_made_of_cannot_be_changed_and_says_what_determines_it(method, path, admin):
    answer = admin(method, path, {})
    assert answer.status_code == 405
    assert re.search("the deployment's settings|roles are those that", answer.json()["error"]["message"])


@pytest.mark.parametrize("path", ["/groups", "/users/x/access_rules", "/auth/nothing", "/registered_limits"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_calls_of_keystone_that_there_are_not_are_told_in_its_words(method, path, member, client):
    answer = member(method, path)
    assert answer.status_code == 404
    error = {"code": 404, "message": "The resource could not be found.", "title": "Not Found"}
    assert answer.json() == {"error": error}
    assert getattr(client, method)(f"/identity/v3{path}").status_code == 401


def test_every_path_is_served(client):
    ids = dict.fromkeys(("project_id", "user_id", "role_id", "row_id", "credential_id"), "x")
    assert all(get_resolver().resolve(path.format(**ids)) for path in _paths())


# --- projects --------------------------------------------------------------------------------------------------


def test_a_project_is_made_changed_and_removed(admin):
    answer = admin("post", "/projects", {"project": {"name": "p", "description": None, "domain_id": "default"}})
    assert answer.status_code == 201
    project = answer.json()["project"]
    address = f"http://testserver/identity/v3/projects/{project['id']}"
    assert project == {
        "id": project["id"],
        "name": "p",
        "description": "",
        "enabled": True,
        "domain_id": "default",
        "parent_id": "default",
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": address},
    }
    path = f"/projects/{project['id']}"
    assert admin("get", path).json() == {"project": project}
    changed = admin("patch", path, {"project": {"enabled": False, "description": "closed"}}).json()["project"]
    assert changed == {**project, "enabled": False, "description": "closed"}
    assert admin("delete", path).status_code == 204
    assert admin("get", path).status_code == 404


def test_projects_are_listed_and_narrowed(admin, alice):
    everything = admin("get", "/projects").json()
    assert [project["name"] for project in everything["projects"]] == ["alices", "roots"]
    assert everything["links"] == {"self": "http://testserver/identity/v3/projects", "previous": None, "next": None}
    for query, names in {
        "name=alices": ["alices"],
        "name=alice": [],
        "domain_id=default": ["alices", "roots"],
        "domain_id=other": [],
        "enabled=false": [],
        "enabled=True&name=roots": ["roots"],
        "is_domain=true": [],
        "parent_id=default": ["alices", "roots"],
        "unknown=1": ["alices", "roots"],
    }.items():
        listed = admin("get", f"/projects?{query}").json()["projects"]
        assert [project["name"] for project in listed] == names, query


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"project": None},
        {"project": {}},
        {"project": {"name": ""}},
        {"project": {"name": "x" * 65}},
        {"project": {"name": "a\0b"}},
        {"project": {"name": "x", "enabled": "perhaps"}},
        {"project": {"name": "x", "domain_id": "other"}},
        {"project": {"name": "x", "is_domain": True}},
        {"project": {"name": "x", "parent_id": UNKNOWN}},
    ],
)
def test_what_is_no_project_is_refused(body, admin):
    assert admin("post", "/projects", body).status_code == 400
    assert Project.objects.count() == 1


def test_a_name_is_taken_once(admin, alice):
    answer = admin("post", "/projects", {"project": {"name": "alices"}})
    assert answer.status_code == 409
    assert admin("patch", f"/projects/{alice.project.id}", {"project": {"name": "roots"}}).status_code == 409
    assert admin("post", "/users", {"user": {"name": "alice"}}).status_code == 409


@pytest.mark.parametrize("query", ["name=%00", "enabled=perhaps"])
def test_a_filter_that_cannot_be_understood_is_refused_or_ignored_but_never_an_error(query, admin):
    assert admin("get", f"/projects?{query}").status_code in {200, 400}
    assert admin("get", f"/users?{query}").status_code in {200, 400}


@pytest.mark.parametrize("pk", ["demo", UNKNOWN, "%00", "%ff", "x" * 200, "A" * 32])
def test_an_id_that_nothing_has_is_not_found(pk, admin):
    for collection in ("projects", "users", "roles", "services", "endpoints", "domains", "regions"):
        assert admin("get", f"/{collection}/{pk}").status_code == 404


# --- users -----------------------------------------------------------------------------------------------------


def test_a_user_is_made_changed_and_removed(admin, call):
    body = {"user": {"name": "bob", "password": "something long", "email": "b@example.org", "enabled": True}}
    answer = admin("post", "/users", body)
    assert answer.status_code == 201
    user = answer.json()["user"]
    assert user["password_expires_at"] is None
    assert "password" not in user
    assert (user["name"], user["email"], user["enabled"], user["domain_id"]) == (
        "bob",
        "b@example.org",
        True,
        "default",
    )
    path = f"/users/{user['id']}"
    identity = {"methods": ["password"], "password": {"user": {"id": user["id"], "password": "something long"}}}
    assert call.authenticate(identity).status_code == 201
    assert admin("patch", path, {"user": {"enabled": False}}).json()["user"]["enabled"] is False
    assert call.authenticate(identity).status_code == 401
    assert admin("patch", path, {"user": {"enabled": True, "password": "quite another one"}}).status_code == 200
    assert call.authenticate(identity).status_code == 401
    identity["password"]["user"]["password"] = "quite another one"
    assert call.authenticate(identity).status_code == 201
    assert admin("delete", path).status_code == 204
    assert admin("get", path).status_code == 404


def test_changing_something_else_leaves_the_password_and_the_tokens(admin, alice, call):
    text = call.token(alice)
    assert admin("patch", f"/users/{alice.user.id}", {"user": {"description": "Alice"}}).status_code == 200
    assert call("get", "/auth/projects", text).status_code == 200
    assert call.log_in(alice).status_code == 201


def test_a_weak_password_is_refused_with_the_reason(admin):
    answer = admin("post", "/users", {"user": {"name": "bob", "password": "short"}})
    assert answer.status_code == 400
    assert "too short" in answer.json()["error"]["message"]
    assert "short." not in answer.json()["error"]["message"].replace("too short.", "")


def test_users_are_listed_and_narrowed(admin, alice):
    assert [user["name"] for user in admin("get", "/users").json()["users"]] == ["alice", "root"]
    assert [user["id"] for user in admin("get", "/users?name=alice&domain_id=default").json()["users"]] == [
        alice.user.id
    ]
    assert admin("get", "/users?enabled=0").json()["users"] == []


def test_a_user_changes_its_own_password_only(alice, root, call):
    text = call.token(alice)
    body = {"user": {"original_password": alice.password, "password": "quite another one"}}
    assert call("post", f"/users/{root.user.id}/password", text, body).status_code == 403
    assert call("post", f"/users/{alice.user.id}/password", text, body).status_code == 204
    assert call.log_in(alice).status_code == 401
    assert call.log_in(root).status_code == 201


# --- roles -----------------------------------------------------------------------------------------------------


def test_the_built_in_roles_are_listed(admin):
    assert [role["name"] for role in admin("get", "/roles").json()["roles"]] == ["admin", "member", "reader", "service"]
    (member,) = admin("get", "/roles?name=member").json()["roles"]
    assert admin("get", f"/roles/{member['id']}").json()["role"] == member
    assert admin("get", "/roles?domain_id=default").json()["roles"] == []


def test_a_role_is_granted_checked_and_revoked(admin, alice, root):
    base = f"/projects/{root.project.id}/users/{alice.user.id}/roles"
    path = f"{base}/{role_id('reader')}"
    assert admin("head", path).status_code == 404
    assert admin("put", path).status_code == 204
    assert admin("put", path).status_code == 204
    assert admin("head", path).status_code == 204
    assert [role["name"] for role in admin("get", base).json()["roles"]] == ["reader"]
    assert admin("delete", path).status_code == 204
    assert admin("delete", path).status_code == 404


def test_an_assignment_of_what_is_not_there_is_not_found(admin, alice):
    known = {"projects": alice.project.id, "users": alice.user.id, "roles": role_id("reader")}
    for collection in known:
        ids = {**known, collection: UNKNOWN}
        path = "".join(f"/{name}/{pk}" for name, pk in ids.items())
        assert admin("put", path).status_code == 404


def test_assignments_are_listed_and_narrowed(admin, alice, root):
    everything = admin("get", "/role_assignments").json()["role_assignments"]
    assert len(everything) == 2
    (own,) = admin("get", f"/role_assignments?user.id={alice.user.id}&include_names=1").json()["role_assignments"]
    domain = {"id": "default", "name": "Default"}
    assert own["user"] == {"id": alice.user.id, "name": "alice", "domain": domain}
    assert own["scope"] == {"project": {"id": alice.project.id, "name": "alices", "domain": domain}}
    assert own["role"] == {"id": role_id("member"), "name": "member"}
    assert own["links"]["assignment"].endswith(
        f"/projects/{alice.project.id}/users/{alice.user.id}/roles/{role_id('member')}"
    )
    for query in (f"role.id={role_id('admin')}", f"scope.project.id={root.project.id}"):
        (row,) = admin("get", f"/role_assignments?{query}").json()["role_assignments"]
        assert row["user"] == {"id": root.user.id}
    assert admin("get", "/role_assignments?scope.system=all").json()["role_assignments"] == []


# --- fixed lists -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "singular", "count"),
    [("domains", "domain", 1), ("services", "service", 3), ("endpoints", "endpoint", 9), ("regions", "region", 1)],
)
def test_what_is_fixed_is_listed_and_shown(collection, singular, count, admin):
    rows = admin("get", f"/{collection}").json()[collection]
    assert len(rows) == count
    assert all(admin("get", f"/{collection}/{row['id']}").json() == {singular: row} for row in rows)


def test_endpoints_are_found_by_service_and_interface(admin):
    (service,) = admin("get", "/services?type=block-storage").json()["services"]
    path = f"/endpoints?service_id={service['id']}&interface=public"
    (endpoint,) = admin("get", path).json()["endpoints"]
    assert endpoint["url"] == "http://testserver/v3/%(project_id)s"


def test_what_nobody_expected_is_told_without_its_reason(admin, monkeypatch):
    from storage_site.identity.views import lists

    monkeypatch.setattr(lists.Domains, "rows_of", staticmethod(lambda base: 1 / 0))
    answer = admin("get", "/domains")
    assert answer.status_code == 500
    assert "division" not in answer.content.decode()
