"""Which adapter speaks to PostgreSQL."""

from django.db.backends.postgresql import base, psycopg_any


def test_postgresql_is_spoken_to_through_psycopg2():
    assert psycopg_any.is_psycopg3 is False
    assert base.Database.__name__ == "psycopg2"
