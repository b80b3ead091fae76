"""The program that real workers come from: it has loaded what they need, and forks one for each line it reads.

A line is `NAME QUEUES LOG`; the answer is the worker's process id. What it forks is a Celery worker like any other,
except that it listens to boundaries, and dies or stands still where it was ordered to. All end with this process.
"""

import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

import django
from celery.signals import task_postrun

from storage_site.celery import app

PR_SET_PDEATHSIG = 1
_standing = threading.local()


def main() -> None:
    """Fork until there is nothing more to read."""
    django.setup()
    app.loader.import_default_modules()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that were killed
    for line in sys.stdin:
        name, queues, log = line.split()
        pid = os.fork()
        if pid == 0:
            _become_worker(name, queues, Path(log))
        print(pid, flush=True)  # noqa: T201 - the answer


def _become_worker(name: str, queues: str, log: Path) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(source, target)
    _listen()
    app.worker_main(["worker", "-Q", queues, "-n", f"{name}@%h", "-c", "1", "--without-gossip", "--without-mingle"])
    os._exit(0)


def _listen() -> None:
    from storage_site.operations.boundaries import BEGUN, reached
    from tests.matrix.orders import FOLDER, KILL, Orders
    from tests.matrix.places import Counting

    counting, folder = Counting(), Path(os.environ[FOLDER])

    def come_to(operation, boundary, **_rest) -> None:
        orders = Orders(folder, operation.project_id or str(operation.resource_id))
        place = counting.place(operation, boundary)
        wanted = orders.wanted()
        if boundary == BEGUN:
            orders.note_begun()
        if wanted is None or wanted[0] != place or not orders.meet():
            return
        if wanted[1] == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        _standing.orders = orders
        orders.stand_still()

    def end(**_rest) -> None:
        orders = getattr(_standing, "orders", None)
        if orders is not None:
            _standing.orders = None
            orders.note_over()

    reached.connect(come_to, weak=False)
    task_postrun.connect(end, weak=False)


if __name__ == "__main__":
    main()
