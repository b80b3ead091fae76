"""The lifecycle tables as a page for people: a diagram and a table for each kind of resource."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.apps import apps

from storage_site.operations.lifecycle import ANY, BACK, GIVEN, GONE, KEEP, NEW, Lifecycle, Verb

HEADER = """\
# Lifecycles

Made from the tables in the code by `./celinder lifecycle --write`; a test fails while it is out of date. A verb takes
a resource from a status that admits it to the one *during* its work, then to *after* or *on failure*; a verb without
a task is instant. *Kept*: the status stays; *prior*: the one before the verb began; *given*: whoever asks says which.
Work that nobody holds when its *limit* is over, counted from its acceptance or from when it last advanced, has
failed.
"""
COLUMNS = ("verb", "admitted in", "during", "after", "on failure", "task", "queue", "limit")
SOMEWHERE = {next(iter(ANY)): "any status", GIVEN: "the status given"}


class _Anything:
    """Stands for a resource whose columns are not known, so that a table's queue can be told without a row."""

    def __getattr__(self, _name: str) -> "_Anything":
        return self

    def __str__(self) -> str:
        return "<backend>"


def page() -> str:
    """Return the page: all lifecycles, in the order of the names of their resources."""
    found = ((model.__name__, getattr(model, "lifecycle", None)) for model in apps.get_models())
    tables = sorted((name, table) for name, table in found if isinstance(table, Lifecycle))
    return HEADER + "".join(f"\n## {name}\n\n{mermaid(table)}\n{rows(table)}" for name, table in tables)


def mermaid(table: Lifecycle) -> str:
    """Return the lifecycle as a Mermaid state diagram; edges between the same two statuses are one."""
    labels: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for source, target, label in (edge for verb in table for edge in _edges(verb)):
        labels[source, target][label] = None
    ends = dict.fromkeys(end for edge in labels for end in edge)
    lines = [f'    state "{SOMEWHERE.get(end, end)}" as {_id(end)}' for end in ends if _id(end) not in {end, "[*]"}]
    lines += [f"    {_id(source)} --> {_id(target)}: {', '.join(told)}" for (source, target), told in labels.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def rows(table: Lifecycle) -> str:
    """Return the lifecycle as a Markdown table."""
    cells: Iterable[Iterable[str]] = [COLUMNS, ["---"] * len(COLUMNS), *map(_cells, table)]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _cells(verb: Verb) -> list[str]:
    admitted = ", ".join(map(_word, sorted(verb.admits)))
    if verb.queue is None:
        return [verb.name, admitted, "", _word(verb.after), "", "", "", ""]
    work = [f"`{verb.task}`", f"`{verb.queue(_Anything())}`", f"{verb.deadline_s} s"]
    return [verb.name, admitted, _word(verb.during), _word(verb.after), _word(verb.on_error), *work]


def _edges(verb: Verb) -> Iterator[tuple[str, str, str]]:
    """Yield (from, to, label) for everything that the verb can do to a status."""
    for source in sorted(verb.admits):
        if verb.is_instant:
            yield source, _target(verb.after, source), verb.name
            continue
        during = _target(verb.during, source)
        if during != source:
            yield source, during, verb.name
        yield during, _target(verb.after, source), f"{verb.name} done"
        yield during, _target(verb.on_error, source), f"{verb.name} failed"


def _target(target: str, source: str) -> str:
    return source if target in {KEEP, BACK} else target


def _id(end: str) -> str:
    return "[*]" if end in {NEW, GONE} else re.sub(r"\W", "_", end)


def _word(status: str) -> str:
    return f"*{status.strip('()')}*" if status.startswith("(") else status
