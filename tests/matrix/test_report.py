"""What is printed of the matrix: counts, what was wrong, and whether that is a success."""

import json

from tests.matrix.report import Lane, page

GOOD = {
    "cell": "volumes.volume.create · create_volume · after made [blank] + SIGKILL",
    "verb": "volumes.volume.create",
    "fault": "SIGKILL",
    "outcomes": ["succeeded"],
    "problems": [],
    "took_over_s": 3.9,
}


def lane(*told: dict, has_ended: bool = True) -> Lane:
    return Lane.of("sqlite-valkey", map(json.dumps, told), seconds=1, lease_s=3, has_ended=has_ended)


def test_cells_that_survived_are_counted_and_take_over_is_told_with_the_times_of_production():
    found = lane(GOOD, {"left": []})
    assert (found.is_good, found.played, round(found.worst_take_over_s, 1)) == (True, 1, 40.4)
    assert "1 cells, 1 survived, worst take-over 40.4 s" in page([found])


def test_a_cell_that_did_not_survive_is_told_with_what_was_wrong():
    found = lane(GOOD, {**GOOD, "problems": ["lost: create"]})
    assert not found.is_good
    assert "1 of 2" in page([found])
    assert "after made [blank] + SIGKILL: lost: create" in page([found])


def test_an_empty_matrix_is_no_success():
    assert not lane().is_good


def test_what_was_not_played_in_time_is_no_success():
    found = lane(GOOD, {"left_out": "one"})
    assert not found.is_good
    assert "1 not played" in page([found])


def test_what_all_cells_left_is_no_success():
    assert not lane(GOOD, {"left": ["process 1: qemu-storage-daemon"]}).is_good


def test_a_run_that_broke_off_is_no_success():
    assert not lane(GOOD, has_ended=False).is_good


def test_a_take_over_that_lasts_too_long_is_no_success():
    assert not lane({**GOOD, "took_over_s": 9.0}).is_good
