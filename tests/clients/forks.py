"""Runs the commands `cinder` and `openstack`, each in a process of its own that has loaded the clients already.

A command started anew spends a second on loading Python and its plugins; there are hundreds to run. This process loads
the clients once, changes nothing of them, and forks for every command: with its own arguments, environment, output and
exit status, as a shell starts it, and nothing of one command is left to the next.

It is told what to run on its standard input, one JSON object per line, and answers each with the exit status.
"""

import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import cinderclient.shell
import openstackclient.shell

PROGRAMS = {"cinder": cinderclient.shell.main, "openstack": openstackclient.shell.main}


def main() -> None:
    """Run what is asked for until nobody asks any more."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _become(asked: Mapping[str, Any]) -> None:
    """Run one command, and end with its exit status."""
    os.environ.clear()
    os.environ.update(asked["environment"])
    for number, path in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, number)
    sys.argv = [asked["program"], *asked["words"]]
    logging.root.handlers.clear()
    warnings.simplefilter("ignore")
    code: object = 70
    try:
        code = PROGRAMS[asked["program"]]()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
