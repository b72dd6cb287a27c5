# SPDX-License-Identifier: Apache-2.0
"""What all points came to, as a table; kept in firmware/README.md between two marks.

A point may have several futures. Each future ends in one of four ways: nothing was open after the
cut, a touch ended it, a void did, or it was settled. It knows no story but by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sweep.aftermath import RETOUCH, SETTLEMENT, VOID, WHOLE, Result
from sweep.points import CABLE, FLASH, RADIO, parse

README = Path(__file__).parents[2] / "firmware" / "README.md"
BEGIN = "<!-- sweep: make sweep -->\n"
END = "<!-- end of sweep -->\n"
HEAD = (
    "story", "of all", "points", "flash", "radio", "cable", "same", "futures", "settled",
    "nothing open", "by re-touch", "by void", "at settlement", "lost", "created", "other faults",
)  # fmt: skip


class Row(NamedTuple):
    """Counts of one story, in the order of HEAD; `share` of all points in per cent."""

    story: str
    share: int
    points: int
    flash: int
    radio: int
    cable: int
    same: int
    futures: int
    settled: int
    whole: int
    retouch: int
    void: int
    settlement: int
    lost: int
    created: int
    others: int


def row(story: str, share: float, results: Iterable[Result], same: int) -> Row:
    """Of all results of one story. Two orders of deposits are one future, settled twice. `same`:
    cuts that are of the class of one that was lived through."""
    results = list(results)
    points = {each.point for each in results}
    kinds = [parse(point).kind for point in points]
    ends = {(each.point, each.way): each.end for each in results}
    wrong = [each.property for each in results if each.property]
    return Row(
        story,
        min(100, round(share * 100)),
        len(points),
        *(kinds.count(kind) for kind in (FLASH, RADIO, CABLE)),
        same,
        len(ends),
        sum(bool(each.order) for each in results),
        *(list(ends.values()).count(end) for end in (WHOLE, RETOUCH, VOID, SETTLEMENT)),
        wrong.count("lost"),
        wrong.count("created"),
        len([name for name in wrong if name not in ("lost", "created")]),
    )


def total(rows: Iterable[Row]) -> Row:
    rows = list(rows)
    counts = (sum(column) for column in zip(*(row[2:] for row in rows), strict=True))
    return Row("all", min(row.share for row in rows), *counts)


def markdown(rows: Iterable[Row]) -> str:
    """The table with its marks."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---" + "|---:" * (len(HEAD) - 1) + "|"]
    for row in rows:
        cells = [row.story, f"{row.share} %", *(f"{count:,}" for count in row[2:])]
        lines.append("| " + " | ".join(cells) + " |")
    return BEGIN + "\n".join(lines) + "\n" + END


def read(text: str) -> list[Row]:
    """The rows of a text that `markdown` wrote into. ValueError."""
    table = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    if tuple(cells[0]) != HEAD:
        raise ValueError("the table has other columns")
    return [
        Row(line[0], *(int(cell.strip(" %").replace(",", "")) for cell in line[1:]))
        for line in cells[2:]
    ]


def write(rows: Iterable[Row], names: Sequence[str], path: Path = README) -> None:
    """Put rows between the marks; those of `names` that were not played stay as they were."""
    text = path.read_text(encoding="utf-8")
    known = {row.story: row for row in [*read(text), *rows]}
    kept = [known[name] for name in names if name in known]
    before, after = text[: text.index(BEGIN)], text[text.index(END) + len(END) :]
    path.write_text(before + markdown([*kept, total(kept)]) + after, encoding="utf-8")
