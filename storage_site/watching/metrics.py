"""What /metrics says beside the requests: what the database knows, asked when somebody looks.

Workers keep no numbers of their own: all they do is in rows. So a scrape of any web process tells of all of them, in a
fixed number of queries, each by an index. Apps add what they know with `register`.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import Error as DatabaseFailure
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from storage_site.errors import StorageError
from storage_site.watching import requests

logger = logging.getLogger(__name__)

Source = Callable[[], Iterable[Metric]]
_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Add what an app tells; it says at each scrape what it finds then. :raises ValueError: if the name is taken."""
    if _sources.setdefault(name, source) is not source:
        message = f"metrics of {name!r} are told already"
        raise ValueError(message)


def gauge(name: str, text: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
    """Return an empty family of numbers that rise and fall."""
    return GaugeMetricFamily(f"celinder_{name}", text, labels=labels)


def counter(name: str, text: str, labels: Sequence[str] = ()) -> CounterMetricFamily:
    """Return an empty family of numbers that only grow."""
    return CounterMetricFamily(f"celinder_{name}", text, labels=labels)


def registry() -> CollectorRegistry:
    """Return all there is to tell: requests of all processes of this web server, and what the sources say."""
    found = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(found)  # type: ignore[no-untyped-call] # the library says nothing of it
    else:
        found.register(requests.REGISTRY)
    found.register(_Sources())
    return found


class _Sources:
    """Asks one source after the other; one that fails costs its own numbers and no others."""

    def collect(self) -> Iterator[Metric]:
        failed = gauge("source_failed", "Whether this part of the metrics could not be found out.", ["source"])
        for name, source in _sources.items():
            try:
                told = list(source())
            except (DatabaseFailure, StorageError, OSError) as error:
                logger.warning("metrics not found out", extra={"source": name, "reason": repr(error)})
                told = None
            except Exception:
                logger.exception("metrics not found out in a way nobody foresaw", extra={"source": name})
                told = None
            failed.add_metric([name], told is None)
            yield from told or ()
        yield failed
