"""The console's pages about group types: the services write them."""

import pytest

from tests.console import Operator
from tests.factories import GroupTypeFactory
from volumes.models import GroupType
from volumes.services.group_types import reserved_type

pytestmark = pytest.mark.django_db
PAGES = "/admin/volumes/grouptype/"


@pytest.fixture
def operator():
    return Operator()


def test_an_operator_adds_changes_and_removes_a_group_type(operator):
    form = {"name": "fast", "is_public": "on", "group_specs": '{"consistent_group_snapshot_enabled": "<is> True"}'}
    operator.said(operator.client.post(f"{PAGES}add/", form))
    made = GroupType.objects.get(name="fast")
    assert made.is_consistent
    form |= {"name": "faster", "group_specs": "{}"}
    operator.said(operator.client.post(f"{PAGES}{made.pk}/change/", form))
    made.refresh_from_db()
    assert (made.name, made.group_specs) == ("faster", {})
    operator.said(operator.client.post(f"{PAGES}{made.pk}/button/delete/", {"confirmed": "yes"}))
    assert not GroupType.objects.filter(pk=made.pk).exists()


def test_what_is_no_object_of_strings_is_refused_in_the_form(operator):
    page = operator.client.post(f"{PAGES}add/", {"name": "fast", "group_specs": "[1]"}).content.decode()
    assert "Write an object of strings" in page
    assert not GroupType.objects.filter(name="fast").exists()


def test_the_list_shows_what_there_is_and_the_reserved_type_cannot_be_changed(operator):
    GroupTypeFactory(name="silver")
    page = operator.client.get(PAGES).content.decode()
    assert "silver" in page
    page = operator.client.get(f"{PAGES}{reserved_type().pk}/change/").content.decode()
    assert 'name="name"' not in page
    assert "button/delete" not in page
