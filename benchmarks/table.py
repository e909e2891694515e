"""The figures as rows of one table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One figure: what was measured, what it is compared with, and what it should be."""

    figure: str
    measured: str
    compared_with: str
    result: str
    spread: str
    aim: str = ""


def render(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    titles = Row(*(field.replace("_", " ") for field in Row._fields))
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    lines = [_line(titles, widths), _line([width * "-" for width in widths], widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Between which two values the middle half of the values lies."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high
