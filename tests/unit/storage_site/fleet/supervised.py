"""A program for the tests: supervises the lines of a Procfile in a data directory, as `up` does, without Django."""

import os
import sys
from pathlib import Path

from storage_site.fleet import procfile
from storage_site.fleet.directory import Directory
from storage_site.fleet.errors import FleetError, StopAsked
from storage_site.fleet.supervisor import Supervisor


def main() -> None:
    """Keep the lines running until a signal comes."""
    directory = Directory(Path(sys.argv[1]))
    try:
        directory.make()
        with directory.held():
            _supervise(directory)
    except FleetError as error:
        sys.exit(str(error))


def _supervise(directory: Directory) -> None:
    supervisor = Supervisor(directory, dict(os.environ), _say, grace_s=float(sys.argv[3]))
    supervisor.listen()
    try:
        for line in procfile.read(Path(sys.argv[2])):
            if line.name == procfile.RELEASE:
                supervisor.run_once(line, directory.root, limit_s=5)
            else:
                supervisor.keep(line, directory.root)
        _say("fleet", "started")
        supervisor.run()
    except StopAsked:
        pass
    finally:
        supervisor.stop()


def _say(name: str, line: str) -> None:
    print(f"{name}|{line}", flush=True)  # noqa: T201 - what the tests read


if __name__ == "__main__":
    main()
