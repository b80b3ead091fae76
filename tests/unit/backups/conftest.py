"""What the tests of backups share."""

import pytest

from volumes.models import VolumeType


@pytest.fixture
def default_type(db):
    """Have the type that migrations make, which transactional tests sweep away."""
    return VolumeType.objects.get_or_create(name="__DEFAULT__")[0]
