"""The page about lifecycles is what the tables say."""

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from storage_site.operations import diagram
from storage_site.operations.lifecycle import ANY, BACK, GONE, KEEP, NEW, Lifecycle, verb

MODELS = [model for model in apps.get_models() if hasattr(model, "lifecycle")]
MADE_UP = Lifecycle(
    verb("make", {NEW}, during="being-made", after="there", on_error="broken", task="a.task", queue=lambda row: row.at),
    verb("move", {"there"}, during="moving", after=BACK, task="a.task", queue=lambda row: row.place.at, deadline_s=60),
    verb("look", ANY, after=KEEP),
    verb("drop", {"there", "broken"}, after=GONE),
)


def test_the_page_is_current():
    call_command("lifecycle", check=True)


def test_a_page_that_is_out_of_date_is_refused_with_what_to_do(settings, tmp_path, capsys):
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(CommandError, match="lifecycle --write"):
        call_command("lifecycle", check=True)
    call_command("lifecycle", write=True)
    call_command("lifecycle", check=True)
    call_command("lifecycle")
    assert capsys.readouterr().out == (tmp_path / "docs" / "lifecycle.md").read_text()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_diagram_of_each_resource_tells_of_every_verb(model):
    told = diagram.mermaid(model.lifecycle).replace(",", " ").split()
    assert {verb.name for verb in model.lifecycle} <= set(told)
    assert f"## {model.__name__}\n" in diagram.page()


def test_a_diagram_has_an_edge_for_everything_that_can_happen_to_a_status():
    assert diagram.mermaid(MADE_UP).splitlines() == [
        "```mermaid",
        "stateDiagram-v2",
        '    state "being-made" as being_made',
        '    state "any status" as _any_',
        "    [*] --> being_made: make",
        "    being_made --> there: make done",
        "    being_made --> broken: make failed",
        "    there --> moving: move",
        "    moving --> there: move done, move failed",
        "    _any_ --> _any_: look",
        "    broken --> [*]: drop",
        "    there --> [*]: drop",
        "```",
    ]


def test_a_table_has_a_row_for_every_verb():
    assert diagram.rows(MADE_UP).splitlines()[2:] == [
        "| make | *new* | being-made | there | broken | `a.task` | `<backend>` | 3600 s |",
        "| move | there | moving | *prior* | *prior* | `a.task` | `<backend>` | 60 s |",
        "| look | *any* |  | *kept* |  |  |  |  |",
        "| drop | broken, there |  | *gone* |  |  |  |  |",
    ]
