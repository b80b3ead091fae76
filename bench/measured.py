"""A small process that runs one program and writes down what it took.

The kernel counts a child's peak memory from that of the process it was forked from: this one has next to none.
"""

import json
import os
import sys
import time
from pathlib import Path


def main(report: str, *argv: str) -> int:
    """Run `argv`, write seconds, CPU seconds and peak memory into the file `report`, and return the exit code."""
    began = time.monotonic()
    child = os.posix_spawnp(argv[0], argv, os.environ)
    _, status, used = os.wait4(child, 0)
    taken = {
        "seconds": time.monotonic() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
    }
    Path(report).write_text(json.dumps(taken))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
