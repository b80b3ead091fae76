"""Contract 00, sections 1, 2 and 5: which paths there are, and what every answer carries."""

import re

import pytest

from tests.conftest import OTHER_PROJECT, PROJECT

NOT_THERE = {
    "message": "The resource could not be found.<br /><br />\n\n\n",
    "code": "404 Not Found",
    "title": "Not Found",
}
REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    "path", [f"/v3/{PROJECT}/volumes", "/v3/volumes", "/v3/volumes.json", "/v3/types/default.json"]
)
@pytest.mark.parametrize("version", ["3.0", "3.71"])
def test_every_resource_has_two_spellings_and_a_suffix(as_member, path, version):
    assert as_member("GET", path, version=version).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v3/nothing",
        f"/v3/{PROJECT}/nothing",
        f"/v3/{PROJECT}",
        "/v3/volumes/",
        f"/v3/{PROJECT}/volumes/",
        "/v3/volumes.xml",
        "/v3/not-a-project/volumes",
        "/v3/ABCDEF/volumes",
        "/v3//volumes",
        "/v3/volumes/a/b/c",
    ],
)
def test_an_unknown_path_is_answered_in_a_shape_of_its_own(as_member, path):
    answer = as_member("GET", path)
    assert answer.status_code == 404
    assert answer.json() == NOT_THERE
    assert "OpenStack-API-Version" not in answer
    assert "x-compute-request-id" not in answer
    assert REQUEST_ID.fullmatch(answer["x-openstack-request-id"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/volumes"),
        ("DELETE", "/volumes"),
        ("PATCH", "/volumes"),
        ("HEAD", "/volumes"),
        ("POST", "/volumes/detail"),
        ("GET", "/volumes/00000000-0000-0000-0000-000000000000/action"),
        ("POST", "/os-services/enable"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_answered_alike(as_member, method, path):
    answer = as_member(method, path)
    assert answer.status_code == 404
    assert method == "HEAD" or answer.json() == NOT_THERE
    assert "OpenStack-API-Version" not in answer


@pytest.mark.parametrize("path", ["/v3/nothing", "/v3/volumes", "/v3/volumes/"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_without_a_token_the_answer_is_401_whatever_the_path(as_nobody, method, path):
    answer = as_nobody(method, path)
    assert answer.status_code == 401
    message = "The request you have made requires authentication."
    assert answer.json() == {"error": {"code": 401, "title": "Unauthorized", "message": message}}
    assert re.fullmatch(r'Keystone uri="http://testserver/\S+"', answer["WWW-Authenticate"])
    assert REQUEST_ID.fullmatch(answer["x-openstack-request-id"])


def test_a_token_that_is_not_valid_answers_the_same(as_nobody):
    answer = as_nobody("GET", "/volumes", headers={"X-Auth-Token": "nonsense"})
    assert answer.status_code == 401
    assert "error" in answer.json()


@pytest.mark.parametrize("fixture", ["as_member", "as_admin"])
def test_the_project_in_the_path_must_be_that_of_the_token(request, fixture):
    calls = request.getfixturevalue(fixture)
    answer = calls("GET", f"/v3/{OTHER_PROJECT}/volumes")
    assert answer.json() == {"badRequest": {"code": 400, "message": "Malformed request url"}}


def test_options_of_any_path_is_answered_with_nothing(as_nobody):
    for path in ("/v3/volumes", "/v3/nothing", "/"):
        answer = as_nobody("OPTIONS", path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_a_path_outside_of_the_api_is_not_there_without_a_token(client, db):
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer.json()) == (404, NOT_THERE)


# --- discovery ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_the_root_offers_the_versions_to_anybody(as_nobody, method):
    answer = as_nobody(method, "/", version=None)
    assert answer.status_code == 300
    assert answer["OpenStack-API-Version"] == "volume 3.0"
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/", "/v3/"])
def test_the_versions_are_described_as_clients_read_them(as_nobody, path):
    answer = as_nobody("GET", path, version=None)
    assert answer.json() == {
        "versions": [
            {
                "id": "v3.0",
                "status": "CURRENT",
                "version": "3.71",
                "min_version": "3.0",
                "updated": "2023-08-31T00:00:00Z",
                "links": [
                    {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                    {"rel": "self", "href": "http://testserver/v3/"},
                ],
                "media-types": [
                    {"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}
                ],
            }
        ]
    }


def test_v3_without_its_slash_leads_to_the_one_with_it(as_nobody):
    answer = as_nobody("GET", "/v3")
    assert (answer.status_code, answer["Location"], answer.content) == (302, "http://testserver/v3/", b"")
    assert "OpenStack-API-Version" not in answer


@pytest.mark.parametrize("path", ["/healthz", "/healthcheck"])
def test_anybody_may_ask_whether_the_service_is_well(client, db, path):
    assert client.get(path).content == b"OK"
    through_a_proxy = {"Accept": "application/json", "X-Forwarded-For": "192.0.2.7"}
    assert client.get(path, headers=through_a_proxy).json() == {"detailed": False, "reasons": ["OK"]}


# --- links -------------------------------------------------------------------------------------------------------


def links_of(answer):
    return [link["href"] for link in answer["volume"]["links"]]


@pytest.mark.parametrize(("spelling", "project"), [(f"/v3/{PROJECT}/volumes", f"/{PROJECT}"), ("/v3/volumes", "")])
def test_links_name_the_project_only_if_the_path_did(as_member, spelling, project):
    volume = as_member.ok("POST", spelling, {"volume": {"size": 1}}, status=202)
    identity = volume["volume"]["id"]
    assert links_of(volume) == [
        f"http://testserver/v3{project}/volumes/{identity}",
        f"http://testserver{project}/volumes/{identity}",
    ]


def test_of_what_a_proxy_adds_only_the_scheme_counts(as_member):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    volume = as_member.ok("POST", "/v3/volumes", {"volume": {"size": 1}}, status=202, headers=headers)
    assert links_of(volume)[0].startswith("https://testserver/v3/volumes/")
    headers = {"X-Forwarded-Proto": "javascript"}
    assert links_of(as_member.ok("GET", f"/volumes/{volume['volume']['id']}", headers=headers))[0].startswith("http://")


def test_a_configured_endpoint_wins_over_what_the_client_wrote(as_member, settings):
    settings.PUBLIC_ENDPOINT = "https://storage.example/block/"
    volume = as_member.ok("POST", "/v3/volumes", {"volume": {"size": 1}}, status=202)
    assert links_of(volume)[0].startswith("https://storage.example/block/v3/volumes/")


# --- ids of requests ---------------------------------------------------------------------------------------------


def test_every_answer_carries_the_id_of_its_request_and_not_the_callers_own(as_member):
    given = "req-00000000-0000-0000-0000-000000000000"
    answer = as_member("GET", "/volumes", headers={"X-OpenStack-Request-ID": given})
    assert REQUEST_ID.fullmatch(answer["x-openstack-request-id"])
    assert answer["x-openstack-request-id"] != given
    assert answer["x-compute-request-id"] == answer["x-openstack-request-id"]
