"""Quotas hold when many ask at once."""

from functools import partial

import pytest

from storage_site.errors import OverLimit
from tests.factories import PROJECT
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Quota, Volume, VolumeType
from volumes.services.volumes import create_volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.mark.parametrize("resource", ["volumes", "gigabytes", "volumes___DEFAULT__", "gigabytes___DEFAULT__"])
def test_of_many_who_create_at_once_no_more_succeed_than_the_quota_allows(member, resource):
    Quota.objects.create(project_id=PROJECT, resource=resource, limit=2)
    default = VolumeType.objects.get(name="__DEFAULT__")
    results = at_once(*[partial(create_volume, caller=member, size_gib=1, volume_type=default)] * 5)
    assert sum(isinstance(result, OverLimit) for result in results) == 3
    assert Volume.objects.count() == 2
