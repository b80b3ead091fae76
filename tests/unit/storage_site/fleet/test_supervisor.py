import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).parent / "supervised.py"
PROJECT = Path(__file__).parents[4]
SLEEPER = f"{sys.executable} -c 'import time; print(\"here\", flush=True); time.sleep(600)'"
STUBBORN = (
    f"{sys.executable} -c 'import signal, time; "
    'signal.signal(signal.SIGTERM, lambda *_: print("told", flush=True)); '
    'print("here", flush=True); [time.sleep(60) for _ in range(10)]\''
)
BUSY = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.5)"])
signal.signal(signal.SIGTERM, lambda *_: (print("tool ended with", child.wait(), flush=True), sys.exit()))
print("here", flush=True)
time.sleep(600)
"""


class Supervised:
    """A supervisor in a process of its own, and what it says."""

    def __init__(self, directory: Path, procfile: str, grace_s: float, variables: dict[str, str]) -> None:
        path = directory.parent / f"{directory.name}.procfile"
        path.write_text(procfile)
        self.directory = directory
        self.child = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(directory), str(path), str(grace_s)],
            env={**os.environ, "PYTHONPATH": str(PROJECT), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.child.stdout:
            self.said.append(line.strip())

    def wait_for(self, text: str, times: int = 1) -> None:
        until(lambda: sum(text in line for line in self.said) >= times, f"{text!r} in {self.said}")

    def end(self) -> None:
        self.child.terminate()
        self.child.wait(timeout=20)


def until(condition, what: str, limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.02)


def children(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def supervise(tmp_path):
    started = []

    def start(procfile: str, name: str = "data", grace_s: float = 5, **variables: str) -> Supervised:
        started.append(Supervised(tmp_path / name, procfile, grace_s, variables))
        return started[-1]

    yield start
    for supervised in started:
        supervised.child.kill()
        supervised.child.wait(timeout=10)
        supervised.child.stdout.close()
        supervised.child.stderr.close()


def test_a_line_of_output_carries_the_name_of_its_process_and_lies_in_its_log(supervise):
    supervised = supervise(f"one: {SLEEPER}\ntwo: {SLEEPER}\n")
    supervised.wait_for("one|here")
    supervised.wait_for("two|here")
    assert (supervised.directory / "log" / "one.log").read_text() == "here\n"


def test_what_dies_is_started_again_later_each_time(supervise):
    supervised = supervise("short: sh -c 'echo turn; exit 3'\n")
    supervised.wait_for("short|turn", times=3)
    endings = [line for line in supervised.said if line.startswith("fleet|short")]
    assert endings[:2] == [
        "fleet|short ended (exit code 3); starting it again in 1 s",
        "fleet|short ended (exit code 3); starting it again in 2 s",
    ]


def test_a_killed_process_comes_back_and_the_others_stay(supervise):
    supervised = supervise(f"one: {SLEEPER}\ntwo: {SLEEPER}\n")
    supervised.wait_for("|here", times=2)
    before = children(supervised.child.pid)
    killed, kept = sorted(before)
    os.kill(killed, signal.SIGKILL)
    supervised.wait_for("|here", times=3)
    after = children(supervised.child.pid)
    assert kept in after
    assert len(after) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(supervise, number):
    supervised = supervise(f"one: {SLEEPER}\n")
    supervised.wait_for("one|here")
    (child,) = children(supervised.child.pid)
    supervised.child.send_signal(number)
    assert supervised.child.wait(timeout=10) == 0
    assert not is_alive(child)


def test_who_does_not_end_in_time_is_killed(supervise):
    supervised = supervise(f"deaf: {STUBBORN}\n", grace_s=0.3)
    supervised.wait_for("deaf|here")
    (child,) = children(supervised.child.pid)
    supervised.end()
    supervised.wait_for("fleet|deaf does not end; killing it")
    assert not is_alive(child)


def test_asking_twice_cuts_the_grace_short(supervise):
    supervised = supervise(f"deaf: {STUBBORN}\n", grace_s=600)
    supervised.wait_for("deaf|here")
    supervised.child.send_signal(signal.SIGINT)
    supervised.wait_for("deaf|told")
    supervised.child.send_signal(signal.SIGINT)
    assert supervised.child.wait(timeout=10) == 0


def test_the_children_die_with_a_supervisor_that_is_killed(supervise):
    supervised = supervise(f"one: {SLEEPER}\ndeaf: {STUBBORN}\n")
    supervised.wait_for("|here", times=2)
    orphans = children(supervised.child.pid)
    assert len(orphans) == 2
    supervised.child.kill()
    until(lambda: not any(map(is_alive, orphans)), "the end of the children")


def test_a_tool_that_a_worker_runs_is_not_told_to_end(supervise):
    """Cut off by SIGTERM it would look like a storage that fails."""
    supervised = supervise(f'worker: {sys.executable} -c "$SOURCE"\n', SOURCE=BUSY)
    supervised.wait_for("worker|here")
    supervised.end()
    supervised.wait_for("worker|tool ended with 0")


def test_a_release_that_fails_says_how_and_starts_nothing_more(supervise):
    supervised = supervise(f"release: sh -c 'echo no such table; exit 4'\none: {SLEEPER}\n")
    assert supervised.child.wait(timeout=10) == 1
    told = supervised.child.stderr.read()
    assert "release failed (exit code 4)" in told
    assert "no such table" in told
    assert "one|here" not in supervised.said


def test_a_second_supervisor_on_the_same_directory_is_refused(supervise):
    first = supervise(f"one: {SLEEPER}\n")
    first.wait_for("one|here")
    second = supervise(f"one: {SLEEPER}\n")
    assert second.child.wait(timeout=10) == 1
    assert f"already (process {first.child.pid})" in second.child.stderr.read()


def test_two_supervisors_run_side_by_side_on_two_directories(supervise):
    first = supervise(f"one: {SLEEPER}\n", name="first")
    second = supervise(f"one: {SLEEPER}\n", name="second")
    first.wait_for("one|here")
    second.wait_for("one|here")
    first.end()
    assert second.child.poll() is None
