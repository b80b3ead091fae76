"""Unmodified clients log in to a server that runs."""

import cinderclient.client
import keystoneauth1.exceptions
import openstack
import pytest
from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneauth1.identity.generic import password as generic
from keystoneauth1.loading import get_plugin_loader

from storage_site.identity import services
from storage_site.identity.models import User

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # the SDK's of its own
]


@pytest.fixture
def url(live_server) -> str:
    return f"{live_server.url}/identity"


@pytest.fixture
def people(transactional_db, alice, root):
    return {"alice": alice, "root": root}


def password_of(someone, auth_url, **other):
    return {
        "auth_url": auth_url,
        "username": someone.user.name,
        "password": someone.password,
        "user_domain_name": "Default",
        "project_name": someone.project.name,
        "project_domain_name": "Default",
        **other,
    }


@pytest.mark.parametrize("suffix", ["", "/", "/v3", "/v3/"])
def test_keystoneauth_finds_version_3_and_logs_in(people, url, suffix):
    someone = people["alice"]
    plugin = generic.Password(**password_of(someone, url + suffix))
    client = session.Session(auth=plugin)
    assert client.get_user_id() == someone.user.id
    assert client.get_project_id() == someone.project.id
    access = plugin.get_access(client)
    assert access.role_names == ["member"]
    assert access.project_domain_id == "default"
    assert access.username == "alice"
    assert access.will_expire_soon(3700)
    assert not access.will_expire_soon(3000)


def test_keystoneauth_finds_block_storage_by_each_of_its_names(people, url, live_server):
    someone = people["alice"]
    client = session.Session(auth=v3.Password(**password_of(someone, f"{url}/v3")))
    expected = f"{live_server.url}/v3/{someone.project.id}"
    for name in ("block-storage", "volumev3", "block-store"):
        for interface in ("public", "internal", "admin"):
            found = client.get_endpoint_data(service_type=name, interface=interface, discover_versions=False)
            assert found.url == expected, name
    assert client.get_endpoint(service_type="identity") == f"{url}/v3"


def test_keystoneauth_logs_in_by_id_and_makes_a_token_of_a_token(people, url):
    someone = people["alice"]
    by_id = v3.Password(auth_url=f"{url}/v3", user_id=someone.user.id, password=someone.password, unscoped=True)
    text = session.Session(auth=by_id).get_token()
    client = session.Session(auth=v3.Token(auth_url=f"{url}/v3", token=text, project_id=someone.project.id))
    assert client.get_project_id() == someone.project.id
    assert client.get("/auth/projects", endpoint_filter={"service_type": "identity"}).json()["projects"]


def test_keystoneauth_logs_in_again_when_its_token_has_ended(people, url):
    client = session.Session(auth=v3.Password(**password_of(people["alice"], f"{url}/v3")))
    first = client.get_token()
    answer = client.delete(f"{url}/v3/auth/tokens", headers={"X-Subject-Token": first})
    assert answer.status_code == 204
    assert client.get(f"{url}/v3/auth/projects").status_code == 200
    assert client.get_token() != first


@pytest.mark.parametrize("wrong", ["password", "username", "project_name"])
def test_keystoneauth_is_told_that_it_is_refused(wrong, people, url):
    plugin = v3.Password(**{**password_of(people["alice"], f"{url}/v3"), wrong: "another"})
    with pytest.raises(keystoneauth1.exceptions.Unauthorized, match="requires authentication"):
        session.Session(auth=plugin).get_token()


def test_keystoneauth_is_told_that_system_scope_is_not_supported(people, url):
    root = people["root"]
    plugin = v3.Password(auth_url=f"{url}/v3", user_id=root.user.id, password=root.password, system_scope="all")
    with pytest.raises(keystoneauth1.exceptions.BadRequest, match="not supported; scope to a project"):
        session.Session(auth=plugin).get_token()


def test_cinderclient_logs_in_as_it_loads_its_plugins(people, url, live_server):
    someone = people["alice"]
    plugin = get_plugin_loader("password").load_from_options(**password_of(someone, f"{url}/v3"))
    client = cinderclient.client.Client("3.71", session=session.Session(auth=plugin))
    assert client.client.get_endpoint().startswith(f"{live_server.url}/v3/{someone.project.id}")
    assert client.client.get_token()


def test_the_sdk_logs_in_and_administers_identity(people, url):
    root = people["root"]
    cloud = openstack.connect(
        load_yaml_config=False, load_envvars=False, auth=password_of(root, f"{url}/v3"), region_name="RegionOne"
    )
    with cloud:
        cloud.authorize()
        assert {user.name for user in cloud.identity.users()} == {"alice", "root"}
        project = cloud.identity.create_project(name="lab", domain_id="default")
        user = cloud.identity.create_user(name="bob", password="something long", default_project_id=project.id)
        role = cloud.identity.find_role("member")
        cloud.identity.assign_project_role_to_user(project, user, role)
        assert cloud.identity.validate_user_has_project_role(project, user, role)
        assert cloud.identity.find_project("lab").id == project.id
        assert [endpoint.interface for endpoint in cloud.identity.endpoints(interface="public")] == ["public"] * 3
        assert {held.name for held in cloud.identity.user_projects(user)} == {"lab"}
        cloud.identity.unassign_project_role_from_user(project, user, role)
        cloud.identity.update_user(user, is_enabled=False)
        cloud.identity.delete_user(user)
        cloud.identity.delete_project(project)
    assert not User.objects.filter(name="bob").exists()


def test_a_user_made_by_a_test_suite_logs_in_and_uses_the_service(people, url, live_server):
    auth = password_of(people["root"], f"{url}/v3")
    with openstack.connect(load_yaml_config=False, load_envvars=False, auth=auth, region_name="RegionOne") as cloud:
        project = cloud.identity.create_project(name="tempest-1", domain_id="default", description="for a test")
        user = cloud.identity.create_user(name="tempest-1", password="something long", domain_id="default")
        for role in ("member", "reader"):
            cloud.identity.assign_project_role_to_user(project, user, cloud.identity.find_role(role))
    new = {"username": "tempest-1", "password": "something long", "project_id": project.id, "project_name": None}
    client = session.Session(auth=generic.Password(**{**auth, **new}))
    assert client.get("/volumes", endpoint_filter={"service_type": "block-storage"}).json() == {"volumes": []}
    assert client.get_project_id() == project.id


def test_the_sdk_makes_an_application_credential_and_logs_in_with_it(people, url):
    auth = password_of(people["alice"], f"{url}/v3")
    with openstack.connect(load_yaml_config=False, load_envvars=False, auth=auth, region_name="RegionOne") as cloud:
        me = cloud.current_user_id
        made = cloud.identity.create_application_credential(me, "ci", roles=[{"name": "member"}], unrestricted=False)
        assert [row.name for row in cloud.identity.application_credentials(me)] == ["ci"]
        named = {"auth_url": f"{url}/v3", "application_credential_secret": made.secret}
        by_id = v3.ApplicationCredential(**named, application_credential_id=made.id)
        by_name = v3.ApplicationCredential(
            **named, application_credential_name="ci", username="alice", user_domain_name="Default"
        )
        for plugin in (by_id, by_name):
            client = session.Session(auth=plugin)
            assert client.get_project_id() == people["alice"].project.id
            assert client.get("/volumes", endpoint_filter={"service_type": "block-storage"}).json() == {"volumes": []}
        cloud.identity.delete_application_credential(me, made.id)
    with pytest.raises(keystoneauth1.exceptions.Unauthorized):
        session.Session(auth=v3.ApplicationCredential(**named, application_credential_id=made.id)).get_token()


def test_the_sdk_as_a_member_sees_itself_only(people, url):
    someone = people["alice"]
    with openstack.connect(
        load_yaml_config=False, load_envvars=False, auth=password_of(someone, f"{url}/v3"), region_name="RegionOne"
    ) as cloud:
        assert cloud.current_user_id == someone.user.id
        assert cloud.current_project.name == "alices"
        assert cloud.identity.get_user(someone.user.id).name == "alice"
        with pytest.raises(openstack.exceptions.ForbiddenException):
            list(cloud.identity.users())


def test_a_client_that_is_locked_out_is_told_so(people, url, settings):
    settings.LOGIN_FAILURES = 2
    services.update_user(user=people["alice"].user, description="forgetful")
    statuses = []
    for _ in range(3):
        plugin = v3.Password(**password_of(people["alice"], f"{url}/v3", password="wrong"))
        with pytest.raises(keystoneauth1.exceptions.HttpError) as caught:
            session.Session(auth=plugin).get_token()
        statuses.append(caught.value.http_status)
    assert statuses == [401, 401, 429]
