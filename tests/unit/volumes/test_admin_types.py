"""The console's forms about volume types and limits: the services write them."""

import pytest

from tests.console import Operator, list_of
from tests.factories import QosSpecsFactory, TransferFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import DefaultType, EncryptionType, QosSpecs, Quota, Transfer, VolumeType, VolumeTypeAccess

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return Operator()


NO_ACCESS = {"access-TOTAL_FORMS": "0", "access-INITIAL_FORMS": "0"}
ADD_TYPE = "/admin/volumes/volumetype/add/"


def test_an_operator_adds_a_type_with_the_projects_that_may_use_it(operator):
    form = {"name": "fast", "extra_specs": '{"multiattach": "<is> True"}', **NO_ACCESS}
    form |= {"access-TOTAL_FORMS": "1", "access-0-project_id": "a" * 32}
    operator.said(operator.client.post(ADD_TYPE, form))
    made = VolumeType.objects.get(name="fast")
    assert made.is_multiattach
    assert not made.is_public
    assert VolumeTypeAccess.objects.get().project_id == "a" * 32


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"extra_specs": "[1]"}, "Write an object of strings"),
        ({"extra_specs": '{"a": 1}'}, "Write an object of strings"),
        ({"is_public": "on", "access-TOTAL_FORMS": "1", "access-0-project_id": "a" * 32}, "Everybody may use"),
        ({"name": "__DEFAULT__"}, "already exists"),
    ],
)
def test_a_type_that_contradicts_itself_is_refused_in_the_form(operator, fields, refusal):
    form = {"name": "fast", "extra_specs": "{}", **NO_ACCESS, **fields}
    page = operator.client.post(ADD_TYPE, form).content.decode()
    assert refusal in page
    assert not VolumeType.objects.filter(name="fast").exists()


def test_what_the_service_refuses_about_a_type_is_a_message(operator):
    specs = '{"multiattach": "<is> True", "cacheable": "<is> True"}'
    (said,) = operator.said(operator.client.post(ADD_TYPE, {"name": "fast", "extra_specs": specs, **NO_ACCESS}))
    assert "cannot be both multiattach and cacheable" in said
    assert not VolumeType.objects.filter(name="fast").exists()


def test_an_operator_changes_a_type(operator):
    row = VolumeTypeFactory(extra_specs={"old": "1", "kept": "2"}, is_public=False)
    access = VolumeTypeAccess.objects.create(volume_type=row, project_id="a" * 32)
    form = {"name": "renamed", "extra_specs": '{"kept": "2", "new": "3"}', **NO_ACCESS}
    form |= {"access-TOTAL_FORMS": "1", "access-INITIAL_FORMS": "1", "access-0-id": access.pk}
    form |= {"access-0-volume_type": row.pk, "access-0-DELETE": "on"}
    operator.said(operator.client.post(f"/admin/volumes/volumetype/{row.pk}/change/", form))
    row.refresh_from_db()
    assert (row.name, row.extra_specs) == ("renamed", {"kept": "2", "new": "3"})
    assert row.updated_at is not None
    assert not VolumeTypeAccess.objects.exists()


def test_the_extra_specs_of_a_type_in_use_stay(operator):
    row = VolumeTypeFactory(extra_specs={"old": "1"})
    VolumeFactory(volume_type=row)
    form = {"name": "renamed", "extra_specs": "{}", **NO_ACCESS}
    operator.said(operator.client.post(f"/admin/volumes/volumetype/{row.pk}/change/", form))
    row.refresh_from_db()
    assert (row.name, row.extra_specs) == ("renamed", {"old": "1"})


def test_a_type_in_use_is_not_deleted(operator):
    used, unused = VolumeTypeFactory(), VolumeTypeFactory()
    VolumeFactory(volume_type=used)
    assert "still in use" in operator.presses(used, "delete")[0]
    assert "deleted." in operator.presses(unused, "delete")[0]
    assert VolumeType.objects.filter(pk=used.pk).exists()
    assert not VolumeType.objects.filter(pk=unused.pk).exists()


def test_an_operator_sets_and_resets_limits(operator):
    project = "a" * 32
    VolumeFactory(project_id=project, size_gib=5)
    form = {"project_id": project, "resource": "gigabytes", "limit": "50"}
    operator.said(operator.client.post("/admin/volumes/quota/add/", form))
    quota = Quota.objects.get()
    assert ">5<" in operator.opens(list_of(Quota))
    operator.said(operator.client.post(f"/admin/volumes/quota/{quota.pk}/change/", {"limit": "60"}))
    quota.refresh_from_db()
    assert quota.limit == 60
    operator.presses(quota, "reset")
    assert not Quota.objects.exists()


@pytest.mark.parametrize(("resource", "limit"), [("bananas", "1"), ("volumes", "-2"), ("volumes", "many")])
def test_a_limit_that_nobody_could_keep_is_refused_in_the_form(operator, resource, limit):
    form = {"project_id": "", "resource": resource, "limit": limit}
    assert operator.client.post("/admin/volumes/quota/add/", form).status_code == 200
    assert not Quota.objects.exists()


def test_a_limit_below_what_is_used_is_refused_by_the_service(operator):
    volume = VolumeFactory(size_gib=5)
    form = {"project_id": volume.project_id, "resource": "gigabytes", "limit": "4"}
    (said,) = operator.said(operator.client.post("/admin/volumes/quota/add/", form))
    assert "must be equal or greater than existing resources" in said
    assert not Quota.objects.exists()


def test_an_operator_adds_changes_and_deletes_limits_of_throughput(operator):
    form = {"name": "gold", "consumer": "both", "specs": '{"total_iops_sec": "500"}'}
    operator.said(operator.client.post("/admin/volumes/qosspecs/add/", form))
    made = QosSpecs.objects.get(name="gold")
    assert (made.consumer, made.specs) == ("both", {"total_iops_sec": "500"})
    change = {"consumer": "front-end", "specs": '{"read_iops_sec": "5"}'}
    operator.said(operator.client.post(f"/admin/volumes/qosspecs/{made.pk}/change/", change))
    made.refresh_from_db()
    assert (made.consumer, made.specs) == ("front-end", {"read_iops_sec": "5"})
    VolumeTypeFactory(qos_specs=made)
    assert "still associated" in operator.presses(made, "delete")[0]
    assert "deleted." in operator.presses(QosSpecsFactory(), "delete")[0]


def test_limits_that_are_no_strings_are_refused_in_the_form(operator):
    form = {"name": "gold", "consumer": "both", "specs": '{"total_iops_sec": 500}'}
    assert "Write an object of strings" in operator.client.post("/admin/volumes/qosspecs/add/", form).content.decode()
    assert not QosSpecs.objects.exists()


def test_an_operator_says_how_a_type_is_encrypted_and_takes_it_back(operator):
    silver = VolumeTypeFactory()
    form = {"volume_type": silver.pk, "provider": "luks", "control_location": "front-end", "key_size": "256"}
    operator.said(operator.client.post("/admin/volumes/encryptiontype/add/", form))
    made = EncryptionType.objects.get(volume_type=silver)
    assert (made.provider, made.key_size) == ("luks", 256)
    change = {"provider": "luks2", "control_location": "front-end", "key_size": "256"}
    operator.said(operator.client.post(f"/admin/volumes/encryptiontype/{made.pk}/change/", change))
    made.refresh_from_db()
    assert made.provider == "luks2"
    assert "removed." in operator.presses(made, "remove")[0]
    assert not EncryptionType.objects.exists()


def test_an_operator_gives_a_project_a_default_type_and_takes_it_back(operator):
    silver, gold = VolumeTypeFactory(), VolumeTypeFactory()
    form = {"project_id": "a" * 32, "volume_type": silver.pk}
    operator.said(operator.client.post("/admin/volumes/defaulttype/add/", form))
    row = DefaultType.objects.get(project_id="a" * 32)
    assert row.volume_type == silver
    operator.said(operator.client.post(f"/admin/volumes/defaulttype/{row.pk}/change/", {"volume_type": gold.pk}))
    row.refresh_from_db()
    assert row.volume_type == gold
    assert "holds again" in operator.presses(row, "unset")[0]
    assert not DefaultType.objects.exists()


def test_an_operator_takes_an_offer_back(operator):
    offer = TransferFactory()
    assert "taken back." in operator.presses(offer, "delete")[0]
    offer.volume.refresh_from_db()
    assert (offer.volume.status, Transfer.objects.count()) == ("available", 0)
