"""The OpenAPI document says what the views say."""

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema

from storage_site.api import authorisation


@pytest.fixture(scope="module")
def document():
    answer = Client().get("/openapi.json")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/json")
    return answer.json()


def test_the_document_is_valid(document):
    validate_schema(document)


def test_nothing_in_it_was_guessed(capsys):
    GENERATOR_STATS.reset()
    GENERATOR_STATS.enable_trace_lineno()
    with patched_settings({"PREPROCESSING_HOOKS": ["storage_site.api.openapi.of_the_api"]}):
        SchemaGenerator().get_schema(public=True)
    complaints = [line for line in capsys.readouterr().err.splitlines() if line]
    assert all("unsupported versioning class" in line for line in complaints), complaints


def test_every_call_of_the_table_is_in_the_document(document):
    calls = sum(len(path) for path in document["paths"].values())
    methods = {"GET", "POST", "PUT", "DELETE"}
    called = [{key.split(" ", 1)[0] for key in row} - {"HEAD"} for row in authorisation.TABLE.values()]
    # Actions are told apart by the body of one POST.
    expected = sum(len(keys) if keys <= methods else 1 for keys in called)
    assert calls == expected


def test_a_body_is_described_with_its_envelope(document):
    body = document["paths"]["/v3/volumes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"volume", "OS-SCH-HNT:scheduler_hints"}
    actions = document["paths"]["/v3/volumes/{id}/action"]["post"]["requestBody"]["content"]["application/json"]
    assert "os-reset_status" in {each["title"] for each in actions["schema"]["oneOf"]}


def test_what_changes_something_takes_an_idempotency_key(document):
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            names = {parameter["name"] for parameter in call.get("parameters", ())}
            assert ("Idempotency-Key" in names) == (method != "get" and path != "/"), (method, path)


def test_both_forms_of_a_body_are_offered(document):
    call = document["paths"]["/v3/volumes"]["post"]
    assert set(call["requestBody"]["content"]) == {"application/json", "application/xml"}
    assert {"application/json", "application/xml"} <= set(call["responses"]["202"]["content"])


def test_what_needs_no_token_says_so(document):
    assert "security" not in document["paths"]["/v3/"]["get"] or document["paths"]["/v3/"]["get"]["security"] == [{}]
    assert document["paths"]["/v3/volumes"]["get"]["security"] == [{"token": []}]


def test_every_action_says_what_it_does_since_when_and_how_it_is_answered(document):
    for path, calls in document["paths"].items():
        if not path.endswith("/action"):
            continue
        post = calls["post"]
        statuses = {status for status in post["responses"] if status < "300"}
        told = set()
        for verb in post["requestBody"]["content"]["application/json"]["schema"]["oneOf"]:
            assert verb["required"] == [verb["title"]]
            meaning, _, facts = verb["description"].rpartition(" From ")
            assert meaning.endswith("."), verb
            told.add(facts.removesuffix(".").rpartition(" ")[2])
        assert told == statuses


def test_every_call_says_how_it_refuses(document):
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            assert {"400", "401", "403", "404", "406", "413", "415", "503"} <= set(call["responses"]), path
            assert ("409" in call["responses"]) == (method != "get"), path
