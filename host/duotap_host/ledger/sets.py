# SPDX-License-Identifier: Apache-2.0
"""Rows as one statement: lists of values with their parameters, in parts that databases take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing import Any

T = TypeVar("T")

ROWS_MAX = 500  # of one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in runs of at most ROWS_MAX."""
    for start in range(0, len(items), ROWS_MAX):
        yield items[start : start + ROWS_MAX]


def names(items: Sequence[object]) -> str:
    """For IN (...)."""
    return ", ".join(f":p{i}" for i in range(len(items)))


def values(items: Sequence[Any]) -> dict[str, Any]:
    """The parameters of `names`."""
    return {f"p{i}": item for i, item in enumerate(items)}


def rows(found: Sequence[Sequence[Any]]) -> tuple[str, dict[str, Any]]:
    """For VALUES ...: the list and its parameters. All rows have the same number of columns."""
    width = len(found[0])
    marks = []
    for number in range(len(found)):
        columns = (f":p{number * width + column}" for column in range(width))
        marks.append("(" + ", ".join(columns) + ")")
    return ", ".join(marks), values([value for row in found for value in row])
