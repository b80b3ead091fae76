"""The back-ends' settings are checked before anything starts."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"driver": "nonsense"}, "There is no volume driver 'nonsense'"),
        ({"size_gib": 1}, "names no driver"),
        ({"driver": "memory", "size": 1}, "size"),
    ],
)
def test_check_names_the_entry_that_cannot_work(settings, entry, reason):
    settings.STORAGE_BACKENDS = {"odd": entry}
    with pytest.raises(SystemCheckError) as error:
        call_command("check")
    assert "'odd'" in str(error.value)
    assert reason in str(error.value)
