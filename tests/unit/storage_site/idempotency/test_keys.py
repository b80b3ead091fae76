"""Rows of requests with a key: a day each, and gone afterwards."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from storage_site.beat import LocalScheduler
from storage_site.celery import app
from storage_site.idempotency import keys
from storage_site.idempotency.errors import KeyReused
from storage_site.idempotency.keys import Keyed
from storage_site.idempotency.models import KeyedRequest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
FIRST, SECOND = Keyed("scope", "said", "req-1"), Keyed("scope", "said", "req-2")


def claim(keyed):
    with transaction.atomic():
        return keys.claim(keyed).request_id


def grow_old(**age):
    KeyedRequest.objects.update(created_at=timezone.now() - timedelta(**age))


def test_the_first_request_has_the_key_for_a_day():
    assert (claim(FIRST), claim(SECOND)) == ("req-1", "req-1")
    grow_old(hours=23, minutes=59)
    assert claim(SECOND) == "req-1"
    grow_old(hours=24, seconds=1)
    assert claim(SECOND) == "req-2"
    assert keys.find(FIRST).request_id == "req-2"


def test_a_key_whose_day_is_over_may_say_something_else():
    other = Keyed("scope", "said otherwise", "req-2")
    claim(FIRST)
    with pytest.raises(KeyReused):
        claim(other)
    grow_old(days=2)
    assert keys.find(other) is None
    assert claim(other) == "req-2"


def test_what_is_rolled_back_leaves_the_key_free():
    with transaction.atomic():
        keys.claim(FIRST)
        transaction.set_rollback(True)
    assert claim(SECOND) == "req-2"


def test_only_the_first_answer_is_kept():
    claim(FIRST)
    keys.keep(FIRST, 202, "first")
    keys.keep(SECOND, 409, "second")
    row = keys.find(SECOND)
    assert (row.status, row.answer) == (202, "first")


def test_services_that_act_for_no_key_note_nothing():
    keys.accept("00000000-0000-0000-0000-000000000000")
    assert not KeyedRequest.objects.exists()


def test_digests_depend_on_what_is_said_and_not_on_the_order():
    assert keys.digest({"a": 1, "b": 2}) == keys.digest({"b": 2, "a": 1})
    assert keys.digest("a", "bc") != keys.digest("ab", "c")
    assert keys.digest({"a": 1}) != keys.digest({"a": "1"}) != keys.digest({"a": None})


def test_the_tick_forgets_what_is_over_in_bounded_batches(monkeypatch):
    monkeypatch.setattr(keys, "BATCH", 3)
    monkeypatch.setattr(keys, "BATCHES", 2)
    for number in range(8):
        claim(Keyed(f"scope {number}", "", f"req-{number}"))
    grow_old(days=2)
    claim(Keyed("young", "", "req-9"))
    app.loader.import_default_modules()  # as beat does when it starts
    scheduler = LocalScheduler(app=app, lazy=True)
    entry = scheduler.Entry(name="keys", app=app, **settings.CELERY_BEAT_SCHEDULE["idempotency keys"])
    assert [scheduler.apply_async(entry, advance=False).get() for _tick in range(3)] == [6, 2, 0]
    assert KeyedRequest.objects.get().scope == "young"
