"""The figures of all services as a table; of two, how many times better the first was."""

from collections.abc import Mapping
from typing import Any

_GROUPS = {"seconds": ("seconds", False), "rates": ("a second", True), "memory_mib": ("MiB", False)}
"""What a group is counted in, and whether more of it is better."""


def table(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Return it as text: a line for each figure, a column for each service."""
    names = list(measured)
    width = max(len(figure) for group in _GROUPS for figure in measured[names[0]][group]) + 2
    head = "".join(f"{name:>14}" for name in names) + (f"{'times better':>14}" if len(names) > 1 else "")
    lines = []
    for group, (unit, is_more_better) in _GROUPS.items():
        lines += ["", f"{unit:<{width}}{head}"]
        for figure in measured[names[0]][group]:
            found = [measured[name][group].get(figure) for name in names]
            cells = "".join(f"{'-' if one is None else f'{one:.3f}':>14}" for one in found)
            lines.append(f"{figure:<{width}}{cells}{_ratio(found, is_more_better=is_more_better)}")
    return "\n".join(lines)


def _ratio(found: list[float | None], *, is_more_better: bool) -> str:
    """Return how many times better the first is than the second."""
    first, *others = found
    if not first or not others or not others[0]:
        return ""
    ratio = first / others[0] if is_more_better else others[0] / first
    return f"{ratio:>14.2f}"
