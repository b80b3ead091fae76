"""Contract 02, section 6: metadata, all of it and pair by pair."""

import hashlib

import pytest

from tests.factories import VolumeFactory
from volumes.errors import MetadataChanged
from volumes.services import volumes as services


@pytest.fixture
def volume(db):
    return VolumeFactory(metadata={"k": "v"})


@pytest.fixture
def path(volume):
    return f"/volumes/{volume.pk}/metadata"


def test_posting_merges_and_putting_replaces(as_member, path):
    assert as_member.ok("POST", path, {"metadata": {"l": "w"}}) == {"metadata": {"k": "v", "l": "w"}}
    assert as_member.ok("PUT", path, {"metadata": {"m": "x"}}) == {"metadata": {"m": "x"}}
    assert as_member.ok("GET", path) == {"metadata": {"m": "x"}}
    assert as_member.ok("PUT", path, {"metadata": {}}) == {"metadata": {}}


def test_a_pair_is_shown_written_and_removed(as_member, path):
    assert as_member.ok("GET", f"{path}/k") == {"meta": {"k": "v"}}
    assert as_member.ok("PUT", f"{path}/l", {"meta": {"l": "w"}}) == {"meta": {"l": "w"}}
    answer = as_member("DELETE", f"{path}/k")
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"", "text/html; charset=UTF-8")
    assert as_member.ok("GET", path) == {"metadata": {"l": "w"}}


def test_a_key_may_contain_dots_and_slashes(as_member, path):
    for key in ("a.b", "cinder.csi.openstack.org/cluster", "a b", "a:b"):
        as_member.ok("POST", path, {"metadata": {key: "x"}})
        assert as_member.ok("GET", f"{path}/{key}") == {"meta": {key: "x"}}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_key_is_not_found(as_member, path, volume, method):
    message = f"Volume {volume.pk} has no metadata with key nothing."
    assert as_member.refused(method, f"{path}/nothing") == (404, "itemNotFound", message)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"k": 1}},
        {"metadata": {"k": None}},
        {"metadata": {"": "v"}},
        {"metadata": {"k" * 256: "v"}},
        {"metadata": {"k": "v" * 256}},
        {"metadata": {"k!": "v"}},
        {"metadata": {}, "x": 1},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_of_another_shape_is_refused(as_member, path, method, body):
    assert as_member.refused(method, path, body)[0] == 400


@pytest.mark.parametrize("meta", [{}, {"l": "w"}, {"k": "v", "l": "w"}, {"k": 1}, None])
def test_a_pair_must_be_the_one_that_the_path_names(as_member, path, meta):
    assert as_member.refused("PUT", f"{path}/k", {"meta": meta})[0] == 400


@pytest.mark.parametrize("status", ["maintenance", "uploading"])
def test_metadata_of_a_volume_in_such_a_status_is_only_read(as_member, status):
    path = f"/volumes/{VolumeFactory(status=status, metadata={'k': 'v'}).pk}/metadata"
    as_member.ok("GET", path)
    for call in (
        ("POST", path, {"metadata": {"a": "b"}}),
        ("PUT", path, {"metadata": {}}),
        ("PUT", f"{path}/k", {"meta": {"k": "w"}}),
        ("DELETE", f"{path}/k"),
    ):
        assert as_member.refused(*call)[0] == 400
    assert as_member.refused("DELETE", f"{path}/nothing")[0] == 404


# --- what has been seen ------------------------------------------------------------------------------------------


def test_the_tag_is_the_digest_of_the_answer_from_3_15_on(as_member, path):
    answer = as_member("GET", path, version="3.15")
    assert answer["ETag"] == hashlib.md5(answer.content, usedforsecurity=False).hexdigest()
    assert "ETag" not in as_member("GET", path, version="3.14")


@pytest.mark.parametrize(("below", "body"), [("", {"metadata": {"l": "w"}}), ("/k", {"meta": {"k": "w"}})])
def test_what_the_client_has_not_seen_is_not_overwritten(as_member, path, below, body):
    def put(tag, version="3.15"):
        return as_member("PUT", path + below, body, version=version, headers={"If-Match": tag})

    tag = as_member("GET", path)["ETag"]
    answer = put("0" * 32)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (412, b"", "text/html; charset=UTF-8")
    assert answer["OpenStack-API-Version"] == "volume 3.15"
    assert "x-compute-request-id" not in answer
    assert as_member.ok("GET", path) == {"metadata": {"k": "v"}}
    assert put(tag).status_code == 200
    assert put(tag).status_code == 412
    assert put(tag, version="3.14").status_code == 200


def test_a_client_may_name_several_tags_quoted_or_not(as_member, path):
    def put(tags):
        return as_member("PUT", path, {"metadata": {"k": "v"}}, headers={"If-Match": tags}).status_code

    tag = as_member("GET", path)["ETag"]
    assert [put(tags) for tags in (tag, f'"{tag}"', f'"{"0" * 32}", "{tag}"', "*", "")] == [200] * 5
    assert [put(tags) for tags in (f'W/"{tag}"', f'"{"0" * 32}", "{"1" * 32}"', tag.upper())] == [412] * 3


def test_a_change_between_looking_and_writing_is_noticed(member, volume):
    seen = dict(volume.metadata)
    services.merge_metadata(volume=volume, metadata={"l": "w"}, caller=member)
    for change in (services.merge_metadata, services.replace_metadata):
        with pytest.raises(MetadataChanged):
            change(volume=volume, metadata={"k": "x"}, caller=member, seen=seen)
    volume.refresh_from_db()
    assert volume.metadata == {"k": "v", "l": "w"}


def test_merging_asks_no_tag(as_member, path):
    as_member.ok("POST", path, {"metadata": {"l": "w"}}, headers={"If-Match": "0"})
    as_member.ok("GET", path, headers={"If-None-Match": as_member("GET", path)["ETag"]})
