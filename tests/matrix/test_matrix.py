"""The matrix itself: that nothing is missing from it, and that it sees what goes wrong.

Its cells are played by `./celinder faults`, and as the lane `faults` of `./celinder test`.
"""

import pytest

from storage_site.operations.models import Operation
from tests.matrix import cells, places
from tests.matrix.cells import Cell, Incomplete
from tests.matrix.conftest import TARGET
from tests.matrix.faults import DIED, HERE, PERMANENT
from tests.matrix.places import Place
from tests.matrix.stage import Stage
from tests.matrix.stories import Story
from volumes.services.volumes import create_volume

CREATE = "volumes.volume.create"
MADE = Place(CREATE, "volumes.tasks.create_volume", "after made")


def asks_for_a_volume(stage: Stage) -> None:
    with stage.asking(CREATE):
        create_volume(caller=stage.caller, size_gib=1)


def story(tell) -> Story:
    return Story(CREATE, tell.__name__, tell)


def test_every_kind_of_work_has_a_story_or_a_reason_why_not():
    assert {one.verb for one in cells.stories()} | places.left_out().keys() == places.known().keys()


def test_a_verb_without_a_story_stops_the_matrix():
    told_of = [one for one in cells.STORIES if one.verb != "volumes.volume.extend"]
    with pytest.raises(Incomplete, match=r"volumes\.volume\.extend"):
        cells.stories(told_of)


def test_a_story_that_comes_to_fewer_places_than_were_written_down_stops_the_matrix(workers, tmp_path):
    counts = tmp_path / "places.toml"
    counts.write_text(f'[places]\n"{story(asks_for_a_volume)}" = 99\n')
    workers.show_up()
    with pytest.raises(Incomplete, match="99"):
        cells.scouted(story(asks_for_a_volume), Stage(workers, workers.backend_keys, TARGET), counts)


def test_what_work_comes_to_is_found_by_doing_it(workers):
    workers.show_up()
    found = cells.scouted(story(asks_for_a_volume), Stage(workers, workers.backend_keys, TARGET))
    wanted = ["begun", "before hand over", "after hand over", "begun", "before made", "after made"]
    assert [one.boundary for one in found] == [*wanted, "before finish", "after finish"]


@pytest.mark.parametrize("fault", HERE, ids=lambda fault: fault.name)
def test_making_a_volume_survives_each_fault(workers, fault):
    place = MADE if fault.can_be_at(MADE) else Place(CREATE, MADE.task, "begun")
    played = cells.play_here(Cell(story(asks_for_a_volume), place, fault), workers, TARGET)
    assert played.problems == []
    assert played.outcomes == ["failed" if fault is PERMANENT or fault.name == "disk full" else "succeeded"]


def test_a_volume_that_is_left_on_the_storage_is_seen(workers):
    def leaves_one(stage: Stage) -> None:
        asks_for_a_volume(stage)
        stage.volumes().delete()

    played = cells.play_here(Cell(story(leaves_one), MADE, DIED), workers, TARGET)
    assert any("which has no row" in problem for problem in played.problems)
    assert any("left on the storage" in problem for problem in played.problems)


def test_work_that_is_lost_is_seen(workers):
    def gives_up(stage: Stage) -> None:
        asks_for_a_volume(stage)
        Operation.objects.filter(serial=stage.begun[0].serial).update(outcome="failed")
        stage.begun[0].refresh_from_db()

    played = cells.play_here(Cell(story(gives_up), MADE, DIED), workers, TARGET)
    assert any("without a reason" in problem for problem in played.problems)
    assert any(problem.startswith("lost: ") for problem in played.problems)


def test_a_place_that_is_not_reached_is_no_survivor(workers):
    elsewhere = Place(CREATE, MADE.task, "after nothing of the kind")
    played = cells.play_here(Cell(story(asks_for_a_volume), elsewhere, DIED), workers, TARGET)
    assert played.problems == ["the place was not reached"]
