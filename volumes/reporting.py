"""What a volume worker does beside its operations: tells schedulers about its back-end, tends its exports."""

import logging
import threading
import time
from typing import Any

from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.worker.control import control_command
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Sum
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from drivers.errors import DriverError, InvalidConfiguration
from drivers.types import BackendStats, Capabilities
from drivers.volume.base import VolumeDriver
from storage_site import queues
from storage_site.operations import broker
from storage_site.operations.heartbeat import host_of, zone_of
from volumes import backends
from volumes.models import Volume
from volumes.tending import tend

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 24 * 3600
BROKER_PATIENCE_S = 1.0

_asked = threading.Event()


@control_command()  # type: ignore[misc]
def send_report(_state: Any, **_kwargs: Any) -> None:
    """Answer a scheduler that has just started: report now instead of at the next turn."""
    _asked.set()


class Reporter(bootsteps.StartStopStep):  # type: ignore[misc]
    """Reports and tends in a thread of the worker's main process, so that a busy pool is still heard."""

    name = "volumes.reporting.Reporter"

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self._ended = False

    def start(self, worker: Any) -> None:
        """Check the back-end of each `volume-…` queue this worker consumes and begin to report it.

        :raises WorkerShutdown: if the back-end cannot work here; the log says why and what to do.
        """
        prefix = queues.of_backend("")
        keys = [queue.removeprefix(prefix) for queue in worker.app.amqp.queues.consume_from if queue.startswith(prefix)]
        if not keys:
            return
        for key in keys:
            _check(key)
        threading.Thread(target=self._report, args=(keys,), name="reporter", daemon=True).start()

    def stop(self, _worker: Any) -> None:
        """End the thread at its next turn."""
        self._ended = True
        _asked.set()

    def _report(self, keys: list[str]) -> None:
        check_again_at = time.monotonic() + CHECK_INTERVAL_S
        while not self._ended:
            _asked.clear()
            for key in keys:
                _take_a_turn(key)
            if time.monotonic() > check_again_at:
                check_again_at = time.monotonic() + CHECK_INTERVAL_S
                _tidy(keys)
            connection.close()
            _asked.wait(settings.REPORT_INTERVAL_S)


def _check(key: str) -> None:
    """Make sure the back-end can be served here; one that does not answer yet is served all the same.

    :raises WorkerShutdown: if its settings or this host have to be changed first; the log says how.
    """
    try:
        backends.driver(key).check()
    except InvalidConfiguration as error:
        logger.critical("back-end cannot be served here: %s", error, extra={"backend": key})
        raise WorkerShutdown from error
    except DriverError as error:
        logger.warning("back-end does not answer yet: %s", error, extra={"backend": key})


def _tidy(keys: list[str]) -> None:
    """Let the drivers clear up what crashes and time have left behind; checking does that."""
    for key in keys:
        try:
            backends.driver(key).check()
        except DriverError as error:
            logger.warning("back-end not tidied: %s", error, extra={"backend": key})


def _take_a_turn(key: str) -> None:
    driver = backends.driver(key)
    try:
        with broker.mailbox(BROKER_PATIENCE_S) as workers:
            workers.abcast("receive_report", {"report": report_of(key, driver)})
    except (DriverError, DatabaseError, BrokerError, OSError) as error:
        logger.warning("back-end not reported", extra={"backend": key, "reason": str(error)})
    except Exception:
        logger.exception("report failed in a way nobody foresaw", extra={"backend": key})
    try:
        tend(key, driver)
    except Exception:
        logger.exception("exports not looked after", extra={"backend": key})


def report_of(key: str, driver: VolumeDriver) -> dict[str, Any]:
    """Return what placement needs to know of a back-end (contract 07 section 8), as JSON values."""
    table = backends.table_of(key)
    # Before the measurement: what a scheduler gives away while it lasts is not in it yet.
    sent_at = timezone.now().isoformat()
    return {
        "backend": key,
        "host": host_of(key),
        "zone": zone_of(key),
        "pools": [_pool(key, table, driver.stats(), driver.capabilities, _promised_gib(key))],
        "sent_at": sent_at,
    }


def _promised_gib(key: str) -> int:
    """Return the sum of the volumes placed here, those included that are not made yet."""
    found: int | None = Volume.objects.filter(backend=key).aggregate(total=Sum("size_gib"))["total"]
    return found or 0


def _pool(key: str, table: Any, stats: BackendStats, can: Capabilities, promised_gib: int) -> dict[str, Any]:
    return {
        "pool_name": key,
        "volume_backend_name": table.get("volume_backend_name", key),
        "vendor_name": stats.vendor_name,
        "driver_version": stats.driver_version,
        "storage_protocol": stats.storage_protocol,
        "total_capacity_gb": "unknown" if stats.total_gib is None else round(stats.total_gib, 2),
        "free_capacity_gb": "unknown" if stats.free_gib is None else round(stats.free_gib, 2),
        "allocated_capacity_gb": round(stats.allocated_gib, 2),
        "provisioned_capacity_gb": round(max(stats.provisioned_gib, promised_gib), 2),
        "reserved_percentage": stats.reserved_percentage,
        "max_over_subscription_ratio": str(stats.max_over_subscription_ratio),
        "thin_provisioning_support": stats.is_thin,
        "thick_provisioning_support": not stats.is_thin,
        "QoS_support": can.qos,
        "multiattach": can.multi_attach,
        "online_extend_support": can.online_extend,
        "consistent_group_snapshot_enabled": can.group_snapshots,
        "backend_state": "up",
        "total_volumes": stats.volumes,
        "filter_function": table.get("filter_function"),
        "goodness_function": table.get("goodness_function"),
    }
