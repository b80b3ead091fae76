"""Contract 05, contract 06 section 1 to 3, contract 00 sections 1 and 6: every answer, to the last member."""

from functools import partial

import pytest
from django.utils import timezone

from storage_site.identity import services as identity
from storage_site.operations.models import Service
from tests import members
from tests.answering import VERSIONS, Call, always, in_envelope, make
from tests.conftest import PROJECT
from tests.factories import QosSpecsFactory, VolumeFactory, VolumeTypeFactory
from tests.members import ADMIN, CREATED, DEFAULT, FULL, UPDATED, collection, shape
from tests.schemas import INTEGER, LINKS, TEXT, check, exactly, listed, nullable
from volumes.models import DefaultType, EncryptionType

HTML = "text/html; charset=UTF-8"
ADMINS = (ADMIN,)
SPECS = exactly({"extra_specs": {"type": "object", "additionalProperties": nullable(TEXT)}})


def private_type():
    made = VolumeTypeFactory(is_public=False)
    made.access.create(project_id=PROJECT)
    return made


def encrypted_type():
    made = VolumeTypeFactory()
    EncryptionType.objects.create(volume_type=made, provider="luks", control_location="front-end")
    return made


def limited_type():
    made = VolumeTypeFactory(qos_specs=QosSpecsFactory())
    return made.qos_specs.pk


def service(binary, host, **fields):
    return Service.objects.get_or_create(binary=binary, host=host, defaults={"zone": "nova", **fields})[0].host


def all_services():
    service("cinder-scheduler", "host1")
    service("cinder-backup", "host1")
    service("cinder-volume", "celinder@mem1", backend="mem1")
    VolumeFactory()
    return "celinder@mem1"


MAKERS = {
    "type": lambda: VolumeTypeFactory(extra_specs={"multiattach": "<is> True"}).pk,
    "private": lambda: private_type().pk,
    "encrypted": lambda: encrypted_type().pk,
    "qos": lambda: QosSpecsFactory(specs={"total_iops_sec": "500"}).pk,
    "used_qos": limited_type,
    "any": lambda: VolumeTypeFactory().is_public,
    "any_qos": lambda: (QosSpecsFactory(), 1)[1],
    "name": lambda: f"n{timezone.now().timestamp()}",
    "services": all_services,
    "known_project": lambda: identity.create_project(name=f"p{timezone.now().timestamp()}").pk,
    "chosen": lambda: (
        DefaultType.objects.update_or_create(project_id=PROJECT, defaults={"volume_type": VolumeTypeFactory()})[
            0
        ].project_id
    ),
}
type_of = partial(lambda where, version, role: shape(members.TYPE, version=version, role=role, where=where))


def types(version, role):
    return collection("volume_types", type_of(FULL, version, role), links_name="volume_type_links")


TYPES = [
    Call("GET", "/types?limit=1&is_public={any}", types),
    Call("GET", "/types/{type}", in_envelope("volume_type", partial(type_of, FULL))),
    Call("GET", "/types/default", in_envelope("volume_type", partial(type_of, DEFAULT))),
    Call(
        "POST",
        "/types",
        in_envelope("volume_type", partial(type_of, CREATED)),
        body={"volume_type": {"name": "{name}", "extra_specs": {"a": "b"}}},
        roles=ADMINS,
    ),
    Call(
        "PUT",
        "/types/{type}",
        in_envelope("volume_type", partial(type_of, UPDATED)),
        body={"volume_type": {"description": "d"}},
        roles=ADMINS,
    ),
    Call("DELETE", "/types/{type}", status=202, roles=ADMINS, media_type=HTML),
    Call("GET", "/types/{type}/extra_specs", always(SPECS)),
    Call("POST", "/types/{type}/extra_specs", always(SPECS), body={"extra_specs": {"a": "b"}}, roles=ADMINS),
    Call("GET", "/types/{type}/extra_specs/multiattach", always(exactly({"multiattach": TEXT}))),
    Call("PUT", "/types/{type}/extra_specs/a", always(exactly({"a": TEXT})), body={"a": "b"}, roles=ADMINS),
    Call("DELETE", "/types/{type}/extra_specs/multiattach", status=202, roles=ADMINS, media_type=HTML),
    Call(
        "GET",
        "/types/{private}/os-volume-type-access",
        always(exactly({"volume_type_access": listed(exactly({"volume_type_id": TEXT, "project_id": TEXT}))})),
        roles=ADMINS,
    ),
    Call("POST", "/types/{private}/action", status=202, body={"addProjectAccess": {"project": "p"}}, roles=ADMINS),
    Call(
        "POST",
        "/types/{private}/action",
        status=202,
        body={"removeProjectAccess": {"project": PROJECT}},
        roles=ADMINS,
    ),
    Call("GET", "/types/{type}/encryption", always(exactly({})), roles=ADMINS),
    Call(
        "GET",
        "/types/{encrypted}/encryption",
        partial(lambda version, role: shape(members.ENCRYPTION, version=version, role=role, where=FULL)),
        roles=ADMINS,
    ),
    Call("GET", "/types/{encrypted}/encryption/provider", always(exactly({"provider": TEXT})), roles=ADMINS),
    Call(
        "POST",
        "/types/{type}/encryption",
        in_envelope(
            "encryption",
            always(
                exactly({"provider": TEXT, "control_location": TEXT, "volume_type_id": TEXT, "encryption_id": TEXT})
            ),
        ),
        body={"encryption": {"provider": "luks", "control_location": "front-end"}},
        roles=ADMINS,
    ),
    Call(
        "PUT",
        "/types/{encrypted}/encryption/provider",
        in_envelope("encryption", always(exactly({"cipher": TEXT}))),
        body={"encryption": {"cipher": "aes"}},
        roles=ADMINS,
    ),
    Call("DELETE", "/types/{encrypted}/encryption/provider", status=202, roles=ADMINS, media_type=HTML),
    Call(
        "PUT",
        "/default-types/{known_project}",
        always(exactly({"default_type": members.DEFAULT_TYPE})),
        body={"default_type": {"volume_type": "__DEFAULT__"}},
        roles=ADMINS,
        since="3.62",
    ),
    Call(
        "GET",
        "/default-types/{chosen}",
        always(exactly({"default_type": members.DEFAULT_TYPE})),
        roles=ADMINS,
        since="3.62",
    ),
    Call(
        "GET",
        "/default-types?x={chosen}",
        always(collection("default_types", members.DEFAULT_TYPE)),
        roles=ADMINS,
        since="3.62",
    ),
    Call("DELETE", "/default-types/{chosen}", status=204, roles=ADMINS, since="3.62", media_type=HTML),
]
ONE_QOS = exactly({"qos_specs": members.QOS, "links": LINKS})
LIMITS_OF_QOS = [
    Call(
        "GET",
        "/qos-specs?limit={any_qos}",
        always(collection("qos_specs", members.QOS, links_name="qos_specs_links")),
        roles=ADMINS,
    ),
    Call("GET", "/qos-specs/{qos}", always(ONE_QOS), roles=ADMINS),
    Call("POST", "/qos-specs", always(ONE_QOS), body={"qos_specs": {"name": "{name}", "k": "v"}}, roles=ADMINS),
    Call(
        "PUT",
        "/qos-specs/{qos}",
        always(exactly({"qos_specs": exactly({"k": TEXT})})),
        body={"qos_specs": {"k": "v"}},
        roles=ADMINS,
    ),
    Call("DELETE", "/qos-specs/{qos}", status=202, roles=ADMINS, media_type=HTML),
    Call("PUT", "/qos-specs/{qos}/delete_keys", status=202, body={"keys": ["total_iops_sec"]}, roles=ADMINS),
    Call(
        "GET",
        "/qos-specs/{used_qos}/associations",
        always(collection("qos_associations", members.ASSOCIATION)),
        roles=ADMINS,
    ),
    Call("GET", "/qos-specs/{qos}/associate?vol_type_id={type}", status=202, roles=ADMINS),
    Call("GET", "/qos-specs/{qos}/disassociate?vol_type_id={type}", status=202, roles=ADMINS),
    Call("GET", "/qos-specs/{qos}/disassociate_all", status=202, roles=ADMINS),
]


def limits(looks=INTEGER, **more):
    return exactly(dict.fromkeys(members.LIMITED, looks) | more)


def quota(schema):
    return always(exactly({"quota_set": schema}))


QUOTAS = [
    Call("GET", "/os-quota-sets/{project}", quota(limits(id=TEXT))),
    Call("GET", "/os-quota-sets/{project}?usage=true", quota(limits(members.USE, id=TEXT))),
    Call("GET", "/os-quota-sets/{project}/defaults", quota(limits(id=TEXT))),
    Call("PUT", "/os-quota-sets/{project}", quota(limits()), body={"quota_set": {"volumes": 9}}, roles=ADMINS),
    Call("DELETE", "/os-quota-sets/{project}", roles=ADMINS, media_type=HTML),
    Call("GET", "/os-quota-class-sets/default", always(exactly({"quota_class_set": limits(id=TEXT)})), roles=ADMINS),
    Call(
        "PUT",
        "/os-quota-class-sets/default",
        always(exactly({"quota_class_set": limits()})),
        body={"quota_class_set": {"volumes": 9}},
        roles=ADMINS,
    ),
    Call(
        "GET",
        "/limits",
        always(
            exactly(
                {
                    "limits": exactly(
                        {
                            "rate": {"type": "array", "maxItems": 0},
                            "absolute": exactly(dict.fromkeys(members.ABSOLUTE, INTEGER)),
                        }
                    )
                }
            )
        ),
    ),
]


def services(version, role):
    kinds = [
        shape(members.SERVICE, version=version, role=role, where=where)
        for where in (members.OTHER_SERVICE, members.BACKEND)
    ]
    kinds[1]["properties"]["binary"] = {"const": "cinder-volume"}
    kinds[0]["properties"]["binary"] = {"enum": ["cinder-scheduler", "cinder-backup"]}
    return exactly({"services": {**listed({"anyOf": kinds}), "minItems": 3}})


NAMED = {"host": "{services}", "binary": "cinder-volume"}
FLEET = [
    Call("GET", "/os-services?host=&x={services}", services, roles=ADMINS),
    Call(
        "PUT",
        "/os-services/enable",
        always(exactly({**members.CHANGED_SERVICE, "status": {"const": "enabled"}})),
        body=NAMED,
        roles=ADMINS,
    ),
    Call(
        "PUT",
        "/os-services/disable",
        always(exactly({**members.CHANGED_SERVICE, "status": {"const": "disabled"}})),
        body=NAMED,
        roles=ADMINS,
    ),
    Call(
        "PUT",
        "/os-services/disable-log-reason",
        always(exactly({**members.CHANGED_SERVICE, "status": {"const": "disabled"}, "disabled_reason": TEXT})),
        body={**NAMED, "disabled_reason": "r"},
        roles=ADMINS,
    ),
    Call("PUT", "/os-services/freeze", body={"host": "{services}"}, roles=ADMINS, media_type=HTML),
    Call("PUT", "/os-services/thaw", body={"host": "{services}"}, roles=ADMINS, media_type=HTML),
    Call(
        "PUT",
        "/os-services/get-log",
        always(
            exactly(
                {
                    "log_levels": listed(
                        exactly(
                            {
                                "host": TEXT,
                                "binary": TEXT,
                                "levels": {
                                    "type": "object",
                                    "additionalProperties": {
                                        "enum": ["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET"]
                                    },
                                },
                            }
                        )
                    )
                }
            )
        ),
        body={"binary": "cinder-api"},
        roles=ADMINS,
        since="3.32",
    ),
    *(
        Call("GET", path, always(exactly({"clusters": {"type": "array", "maxItems": 0}})), roles=ADMINS, since="3.7")
        for path in ("/clusters", "/clusters/detail")
    ),
    Call("GET", "/os-hosts?x={services}", always(collection("hosts", members.HOST)), roles=ADMINS),
    Call(
        "GET",
        "/os-hosts/{services}",
        always(collection("host", exactly({"resource": members.TAKEN_UP}))),
        roles=ADMINS,
    ),
    Call(
        "POST",
        "/workers/cleanup",
        always(exactly({"cleaning": listed(members.CLEANED), "unavailable": listed(members.CLEANED)})),
        status=202,
        body={"host": "{services}"},
        roles=ADMINS,
        since="3.24",
    ),
    Call("GET", "/os-availability-zone?x={services}", always(collection("availabilityZoneInfo", members.ZONE))),
    Call("GET", "/extensions", always(collection("extensions", members.EXTENSION))),
    Call("GET", "/extensions/os-services", always(exactly({"extension": members.EXTENSION}))),
    Call("GET", "/resource_filters", always(collection("resource_filters", members.FILTERS)), since="3.33"),
]


@pytest.mark.parametrize("call", TYPES + LIMITS_OF_QOS + QUOTAS + FLEET, ids=str)
def test_an_answer_has_the_members_of_its_version_and_no_others(db, default_type, call):
    make(call, MAKERS)


@pytest.mark.parametrize(("path", "status"), [("/", 300), ("/v3/", 200)])
def test_the_versions_are_listed_alike_at_both_addresses(as_member, path, status):
    for version in VERSIONS:
        answer = as_member("GET", path, version=version)
        assert answer.status_code == status
        check(members.VERSIONS, answer.json())
        assert answer.json()["versions"][0]["links"][1]["href"].endswith("/v3/")


def error(name, code, **more):
    return exactly({name: exactly({"code": {"const": code}, "message": TEXT, **more})})


ERRORS = [
    ("POST", "/volumes", {"volume": {"size": 0}}, error("badRequest", 400)),
    ("GET", "/volumes/nothing", None, error("itemNotFound", 404)),
    ("POST", "/types", {"volume_type": {"name": "t"}}, error("forbidden", 403)),
    ("POST", "/volumes", {"volume": {"size": 5000}}, error("overLimit", 413, retryAfter={"const": "0"})),
    ("GET", "/nothing", None, exactly({"message": TEXT, "code": {"const": "404 Not Found"}, "title": TEXT})),
]


@pytest.mark.parametrize(("method", "path", "body", "schema"), ERRORS)
def test_a_refusal_says_code_and_message_and_nothing_else(as_member, method, path, body, schema):
    for version in VERSIONS:
        answer = as_member(method, path, body, version=version)
        assert answer["Content-Type"] == "application/json"
        check(schema, answer.json())


def test_what_is_refused_outside_the_service_has_bodies_of_its_own(as_nobody, as_member):
    unauthorized = exactly({"code": {"const": 401}, "title": TEXT, "message": TEXT})
    check(exactly({"error": unauthorized}), as_nobody("GET", "/volumes").json())
    check(error("computeFault", 406), as_member("GET", "/volumes", version="3.72").json())
    check(error("badMediaType", 415), as_member("POST", "/volumes", raw=b"x", content_type="text/plain").json())
    large = as_member("POST", "/volumes", {"volume": {"description": "x" * 120_000}})
    assert large.status_code == 413
    check(exactly({"message": TEXT, "code": {"const": "413 Request Entity Too Large"}, "title": TEXT}), large.json())
