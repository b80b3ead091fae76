"""Contract 00, section 4: how a request names a microversion, and what the answer repeats."""

import pytest

from storage_site.api.microversions import MAXIMUM, MINIMUM, Microversion

GENERIC = "The server could not comply with the request since it is either malformed or otherwise incorrect."
MALFORMED = "API Version String {} is of invalid format. Must be of format MajorNum.MinorNum."


def asked(calls, header):
    return calls("GET", "/volumes", version=None, headers={"OpenStack-API-Version": header})


def test_versions_are_ordered_by_number_and_not_by_text():
    assert Microversion(3, 9) < Microversion(3, 10) < Microversion(4, 0)
    assert MAXIMUM.covers("3.60")
    assert not MINIMUM.covers("3.1")


@pytest.mark.parametrize("text", ["3", "3.", "3.01", "03.1", "v3.1", "3.1.1", "3.x", "", "3.1 ", "9" * 5000 + ".1"])
def test_a_text_that_is_no_version_is_refused(text):
    with pytest.raises(ValueError, match="invalid format"):
        Microversion.parse(text)


def test_without_the_header_the_version_is_3_0(as_member):
    answer = as_member("GET", "/volumes", version=None)
    assert answer.status_code == 200
    assert answer["OpenStack-API-Version"] == "volume 3.0"
    assert answer["Vary"] == "OpenStack-API-Version"


@pytest.mark.parametrize(
    ("header", "effective"),
    [
        ("volume 3.27", "3.27"),
        ("volume 3.0", "3.0"),
        ("volume 3.71", "3.71"),
        ("volume latest", "3.71"),
        ("compute 2.1,volume 3.27", "3.27"),
        ("compute 2.1, volume 3.27", "3.27"),
        ("volume 3.27,volume 3.50", "3.27"),
        ("volumev3 3.27", "3.27"),
    ],
)
def test_the_first_entry_that_begins_with_volume_counts(as_member, header, effective):
    answer = asked(as_member, header)
    assert answer.status_code == 200
    assert answer["OpenStack-API-Version"] == f"volume {effective}"


def test_the_case_of_the_header_name_is_irrelevant(as_member):
    answer = as_member("GET", "/volumes", version=None, headers={"openstack-api-version": "volume 3.27"})
    assert answer["OpenStack-API-Version"] == "volume 3.27"


@pytest.mark.parametrize("header", ["compute 2.1", "block-storage 3.27", "3.27", "Volume 3.27", "", "volume"])
def test_a_header_without_an_entry_for_this_service_is_refused(as_member, header):
    answer = asked(as_member, header)
    assert answer.status_code == 400
    assert answer.json() == {"badRequest": {"code": 400, "message": GENERIC}}
    assert "OpenStack-API-Version" not in answer


@pytest.mark.parametrize("text", ["3", "3.x", "3.01", "x.1", "3.1.1", "Latest"])
def test_a_version_of_another_form_is_refused_by_its_name(as_member, text):
    answer = asked(as_member, f"volume {text}")
    assert answer.status_code == 400
    assert answer.json() == {"badRequest": {"code": 400, "message": MALFORMED.format(text)}}
    assert "OpenStack-API-Version" not in answer


@pytest.mark.parametrize(("text", "is_repeated"), [("3.72", True), ("4.0", True), ("1.0", False), ("2.1", False)])
def test_a_version_that_is_not_served_answers_406(as_member, text, is_repeated):
    answer = asked(as_member, f"volume {text}")
    assert answer.status_code == 406
    message = f"Version {text} is not supported by the API. Minimum is 3.0 and maximum is 3.71."
    assert answer.json() == {"computeFault": {"code": 406, "message": message}}
    assert answer.get("OpenStack-API-Version") == (f"volume {text}" if is_repeated else None)


def test_a_call_that_is_newer_than_the_version_is_not_there(as_member):
    answer = as_member("GET", "/attachments", version="3.26")
    assert answer.json() == {"itemNotFound": {"code": 404, "message": "The resource could not be found."}}
    assert answer["OpenStack-API-Version"] == "volume 3.26"
    assert as_member("GET", "/attachments", version="3.27").status_code == 200


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (("GET", "/volumes/00000000-0000-0000-0000-000000000000"), 404),
        (("POST", "/volumes", {"volume": {"size": 0}}), 400),
        (("POST", "/types", {"volume_type": {"name": "x"}}), 403),
    ],
)
def test_errors_of_a_call_repeat_the_version(as_member, call, status):
    answer = as_member(*call, version="3.44")
    assert answer.status_code == status
    assert answer["OpenStack-API-Version"] == "volume 3.44"
    assert answer["Vary"] == "OpenStack-API-Version"


def test_without_a_token_nothing_is_said_of_versions(as_nobody):
    answer = as_nobody("GET", "/volumes", version="nonsense")
    assert answer.status_code == 401
    assert "OpenStack-API-Version" not in answer
    assert "x-compute-request-id" not in answer
