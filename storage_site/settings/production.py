"""A deployment that others rely on: nothing is assumed that would be unsafe, and what is missing stops the start."""

import socket
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from storage_site.settings import environment as env
from storage_site.settings.base import *
from storage_site.settings.base import CELERY_BROKER_URL, DATABASES, NODE_HOST
from storage_site.settings.base import DEBUG as DEBUG_OF_BASE


def _required_secret() -> str:
    secret = env.text("CELINDER_SECRET_KEY")
    if not secret:
        raise ImproperlyConfigured(
            "CELINDER_SECRET_KEY is not set. All processes need the same one; make one with: openssl rand -base64 48"
        )
    return secret


def _never_debug() -> bool:
    if DEBUG_OF_BASE or env.flag("CELINDER_DEBUG") or env.flag("DEBUG"):
        raise ImproperlyConfigured(
            "DEBUG is on, and would show settings and secrets to whoever causes an error. Unset DEBUG and "
            "CELINDER_DEBUG, or use DJANGO_SETTINGS_MODULE=storage_site.settings.development"
        )
    return False


def _refuse_sqlite_across_hosts() -> None:
    """SQLite is a file of one host; a broker elsewhere says that other hosts take part."""
    broker = urlsplit(CELERY_BROKER_URL).hostname or ""
    is_here = broker in {"", "localhost", "::1", NODE_HOST, socket.gethostname()} or broker.startswith("127.")
    if DATABASES["default"]["ENGINE"].endswith("sqlite3") and not is_here:
        raise ImproperlyConfigured(
            f"The broker is on {broker}, so other hosts take part, and the database is an SQLite file of this one. "
            "Name a PostgreSQL that all of them reach in DATABASE_URL"
        )


SECRET_KEY = _required_secret()
DEBUG = _never_debug()
_refuse_sqlite_across_hosts()

# The console's cookies travel over HTTPS only, unless somebody says that there is none.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("CELINDER_HTTPS", default=True)
SECURE_HSTS_SECONDS = env.number("CELINDER_HSTS_S", 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("CELINDER_HSTS_SUBDOMAINS")
SECURE_SSL_REDIRECT = env.flag("CELINDER_HTTPS_REDIRECT")
CSRF_TRUSTED_ORIGINS = env.words("CELINDER_TRUSTED_ORIGINS")
if env.flag("CELINDER_BEHIND_PROXY"):
    # Only a proxy that sets this header itself, whatever a client sends, may be believed.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
