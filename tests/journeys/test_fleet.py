"""A fleet from its start to its end, as an operator sees it."""

import os
import signal
import socket
import stat

import pytest

from storage_site.fleet import demo_steps, leftovers
from storage_site.fleet.address import free_port
from tests.fleets import fleet, place
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(240)]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_up_prints_addresses_and_writes_private_credentials_and_down_leaves_nothing():
    with place() as here:
        started = here.manage("up", "--detach")
        assert started.returncode == 0, started.stderr
        for address in (f"{here.url}/v3", f"{here.url}/identity/v3", f"{here.url}/admin/"):
            assert address in started.stdout
        for name in ("openrc", "clouds.yaml", "demo-openrc"):
            path = here.root / name
            assert str(path) in started.stdout or name == "demo-openrc"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert here.answers()
        assert set(here.processes) >= {"broker", "web", "scheduler", "volume-local", "backup", "beat"}
        here.down()
        assert "no running fleet" in here.manage("down").stdout


def test_a_worker_that_is_killed_is_started_again_and_goes_on_working():
    with fleet() as here:
        stage = here.stage()
        demo_steps.create_type(stage)
        killed = here.processes["volume-local"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: not is_alive(killed), "the end of the worker")
        demo_steps.create_volume(stage)
        assert "volume-local ended (signal SIGKILL)" in here.directory.supervisor_log.read_text()
        assert is_alive(here.processes["volume-local"])
        here.down()


def test_exports_outlive_a_killed_supervisor_and_end_with_down():
    with fleet() as here:
        stage = here.stage()
        demo_steps.create_type(stage)
        demo_steps.create_volume(stage)
        demo_steps.attach(stage)
        children = here.processes.values()
        os.kill(here.supervisor, signal.SIGKILL)
        until(lambda: not any(map(is_alive, children)), "the end of the processes")
        demo_steps.write_random(stage)
        assert len(leftovers.processes(here.root)) == 1
        here.down()


def test_a_fleet_that_starts_again_serves_what_it_served_before():
    with fleet() as here:
        stage = here.stage()
        demo_steps.create_type(stage)
        demo_steps.create_volume(stage)
        demo_steps.attach(stage)
        demo_steps.write_random(stage)
        demo_steps.write_file_system(stage)
        here.down()
        here.up()
        demo_steps.detach(stage)
        demo_steps.attach(stage)
        demo_steps.compare(stage)
        here.down()


def test_two_fleets_with_other_backends_run_side_by_side_and_one_directory_holds_one():
    backends = '{"one": {"driver": "memory", "size_gib": 5}, "two": {"driver": "memory", "size_gib": 5}}'
    with fleet() as first, fleet(CELINDER_BACKENDS=backends) as second:
        assert "volume-local" in first.processes
        assert {"volume-one", "volume-two"} <= second.processes.keys()
        assert "volume-local" not in second.processes
        refused = second.manage("up")
        assert refused.returncode == 1
        assert f"already (process {second.supervisor})" in refused.stderr
        first.down()
        assert second.answers()
        second.down()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"CELINDER_BIND": "nowhere"}, "CELINDER_BIND must be host:port"),
        ({"CELINDER_BACKENDS": '{"odd": {"driver": "no-such"}}'}, "no-such"),
        ({"CELINDER_BACKENDS": "{"}, "CELINDER_BACKENDS must be a JSON object or the path of a TOML file"),
        ({"DATABASE_URL": "postgresql://celinder@127.0.0.1:1/none"}, "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("words", [("up",), ("up", "--detach")])
def test_a_wrong_setting_is_said_at_the_start_and_nothing_stays(variables, reason, words):
    with place(**variables) as here:
        refused = here.manage(*words)
        assert refused.returncode != 0
        assert reason in refused.stderr
        assert here.left() == []


def test_an_address_that_is_taken_is_said_at_the_start():
    with socket.create_server(("127.0.0.1", 0)) as server, place() as here:
        taken = f"127.0.0.1:{server.getsockname()[1]}"
        here.environment["CELINDER_BIND"] = taken
        refused = here.manage("up")
        assert refused.returncode == 1
        assert f"Nobody can listen on {taken}" in refused.stderr


def test_a_data_directory_too_deep_for_sockets_is_refused_before_it_is_made():
    with place() as here:
        deep = here.root / ("x" * 100)
        here.environment["CELINDER_DATA_DIR"] = str(deep)
        # What an installation makes for itself is given, so that nothing is made.
        here.environment["CELINDER_SECRET_KEY"] = "given"
        here.environment |= {"CELINDER_BACKUP_KEY_FILE": "none", "CELINDER_BACKUP_TARGETS": "{}"}
        refused = here.manage("up")
        assert "choose a shorter CELINDER_DATA_DIR" in refused.stderr
        assert not deep.exists()


def test_a_broker_that_does_not_answer_is_said_at_the_start_without_its_password():
    with place(CELERY_BROKER_URL=f"amqp://celinder:very-secret@127.0.0.1:{free_port()}//") as here:
        refused = here.manage("up")
        assert refused.returncode == 1
        assert "does not answer" in refused.stderr
        assert "very-secret" not in refused.stderr + refused.stdout


def test_a_back_end_that_cannot_work_here_is_said_at_the_start():
    with place(CELINDER_BACKENDS='{"far": {"driver": "local", "path": "/proc/far"}}') as here:
        refused = here.manage("up")
        assert refused.returncode == 1
        assert "The back-end far cannot work here" in refused.stderr


def test_a_process_that_ends_again_and_again_is_named_with_what_it_said():
    with place(GUNICORN_CMD_ARGS="--no-such-option") as here:
        refused = here.manage("up", "--detach")
        assert refused.returncode == 1
        assert "does not get ready, because of web" in refused.stderr
        assert "unrecognized arguments: --no-such-option" in refused.stderr
        assert here.left() == []
