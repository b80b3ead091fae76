"""How gunicorn serves the API: read by the Procfile's web line, from the environment alone."""

from typing import Any

from storage_site.fleet import counting
from storage_site.fleet.address import bind_of_environment
from storage_site.settings import environment as env

bind = bind_of_environment()
worker_class = "gthread"
threads = env.number("CELINDER_WEB_THREADS", 16)
graceful_timeout = 10
loglevel = "warning"
# Otherwise a socket appears in the home directory of whoever starts it.
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Prepare, before there are workers, where all of them count requests."""
    counting.begin()


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    counting.end()
