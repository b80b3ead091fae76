"""What asks for the end comes after what must not be interrupted, and is not forgotten."""

import os
import signal

import pytest

from storage_site.fleet.signals import deferred
from storage_site.fleet.temporary import Interrupted, signals_as_exceptions


def test_a_signal_comes_after_the_block():
    done = []

    def act() -> None:
        with deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("the block")
        done.append("what comes after it")

    with signals_as_exceptions(), pytest.raises(Interrupted):
        act()
    assert done == ["the block"]


def test_without_a_signal_nothing_is_changed():
    before = signal.getsignal(signal.SIGINT)
    with deferred():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
