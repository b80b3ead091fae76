"""Beat's ticks, run in its own process."""

import pytest
from django.conf import settings
from django.db import connection, connections

from storage_site.beat import LocalScheduler
from storage_site.celery import app

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def cut_off() -> None:
    """End this process' session with the database, as a restart of the server does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [session])
    other.close()


def test_the_sweep_goes_on_after_the_database_was_restarted():
    app.loader.import_default_modules()  # as beat does when it starts
    scheduler = LocalScheduler(app=app, lazy=True)
    entry = scheduler.Entry(name="sweep", app=app, **settings.CELERY_BEAT_SCHEDULE["sweep"])
    assert scheduler.apply_async(entry, advance=False).successful()
    if connection.vendor == "postgresql":
        cut_off()
    assert [scheduler.apply_async(entry, advance=False).successful() for _tick in range(2)] == [True, True]
