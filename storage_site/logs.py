"""How log lines look: one line each, with the request and operation they belong to as fields."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# Set by the request middleware and by a worker's hold on an operation; every line below carries it.
context: ContextVar[dict[str, Any]] = ContextVar("log_context")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "data", "taskName"}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    extra = {key: value for key, value in vars(record).items() if key not in _STANDARD and not key.startswith("_")}
    return {**context.get({}), **extra}


# Libraries that write down, where they write down everything, with what they log in.
_TALKATIVE = ("amqp", "boto3", "botocore", "keystoneauth", "s3transfer")


class Discretion(logging.Filter):
    """Lets nothing through of what libraries say of credentials, whichever level somebody asks for at run time."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record may be written."""
        return record.levelno >= logging.INFO or record.name.partition(".")[0] not in _TALKATIVE


class LineFormatter(logging.Formatter):
    """Write a line for people: time, level, logger, text, then key=value fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, with a traceback below it where there is one."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        line = f"{moment} {record.levelname:<7} {record.name}: {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """Write one JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)
