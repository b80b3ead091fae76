"""What is logged about an operation's work says so, in whichever thread."""

import json
import logging
import threading

from backups.engine.crew import Crew
from storage_site import logs
from storage_site.operations.claims import log_fields
from storage_site.operations.models import Operation


def test_a_line_of_a_helper_thread_carries_what_the_work_carries():
    lines: list[str] = []

    def say() -> None:
        record = logging.makeLogRecord({"msg": "said", "threadName": threading.current_thread().name})
        lines.append(logs.JsonFormatter().format(record))

    operation = Operation(fence=7, request_id="req-1")
    token = logs.context.set(log_fields(operation))
    crew = Crew(2, "crew")
    try:
        crew.submit(say)
        crew.drain()
    finally:
        crew.close()
        logs.context.reset(token)
    [line] = map(json.loads, lines)
    assert (line["operation_id"], line["fence"], line["request_id"]) == (str(operation.id), 7, "req-1")
