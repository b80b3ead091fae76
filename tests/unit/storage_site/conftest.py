"""What the tests of the engine, the API and the console share."""

from dataclasses import replace

import pytest

from storage_site.operations.lifecycle import Lifecycle
from volumes.models import Volume


@pytest.fixture
def cancellable(monkeypatch):
    """Let work of a verb of volumes be called off, as the table may say of any."""

    def change(name: str, **rest: object) -> None:
        changed = replace(Volume.lifecycle[name], is_cancellable=True, **rest)
        table = Lifecycle(*(changed if verb.name == name else verb for verb in Volume.lifecycle))
        monkeypatch.setattr(Volume, "lifecycle", table)

    return change
