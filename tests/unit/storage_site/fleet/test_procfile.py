from pathlib import Path

import pytest

from storage_site.fleet import procfile
from storage_site.fleet.errors import FleetError
from storage_site.fleet.procfile import Line

PROJECT = Path(__file__).parents[4]


def test_names_and_commands_are_read_in_order_without_comments_and_blank_lines():
    lines = procfile.parse("# fleet\nweb: gunicorn app\n\n  beat: celery beat\n")
    assert lines == [Line("web", "gunicorn app"), Line("beat", "celery beat")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no process"),
        ("web gunicorn", "line 1: expected 'name: command'"),
        ("web: a\n\nweb: b", "line 3: there is a web above already"),
        ("web: sh -c 'open", "line 1: No closing quotation"),
        ("web: a && b", "line 1: a line is one command"),
        ("web: a&", "line 1: a line is one command"),
    ],
)
def test_a_line_that_is_none_is_named(text, reason):
    with pytest.raises(FleetError, match=reason):
        procfile.parse(text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FleetError, match="no-file"):
        procfile.read(tmp_path / "no-file")


def test_what_is_generated_is_what_is_parsed():
    lines = procfile.parse(procfile.generate(["fast", "slow"]))
    names = [line.name for line in lines]
    assert names == ["release", "web", "scheduler", "volume-fast", "volume-slow", "backup", "beat"]
    assert [line.name for line in lines if line.is_worker] == ["scheduler", "volume-fast", "volume-slow", "backup"]


def test_a_node_is_called_as_its_line_so_that_readiness_can_ask_for_it():
    line = procfile.worker("volume-fast")
    assert "-n volume-fast@%h" in line.command
    assert "-Q volume-fast " in line.command


def test_the_projects_procfile_is_the_generated_one():
    assert (PROJECT / "Procfile").read_text() == procfile.generate(["local"])


def test_a_fleet_has_a_volume_worker_for_each_of_its_backends_and_no_other():
    lines = procfile.parse("web: w\nvolume-local: own command\nvolume-old: o\n")
    found = procfile.for_backends(lines, ["local", "new"])
    assert [line.name for line in found] == ["web", "volume-local", "volume-new"]
    assert found[1].command == "own command"
