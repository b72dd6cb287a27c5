# SPDX-License-Identifier: Apache-2.0
"""One unplugging: its name says all that is needed to live through it again, and what came of it.

    <work>:<seed>:<number>

The number picks the byte, and what else the moment takes with it, from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple


class Point(NamedTuple):
    work: str
    seed: int
    number: int

    def __str__(self) -> str:
        return ":".join(map(str, self))

    def dice(self) -> random.Random:
        """What is random about it, the same whenever it is lived through."""
        return random.Random(str(self))


def parse(text: str) -> Point:
    """The point of a name. ValueError."""
    work, seed, number = text.split(":")
    return Point(work, int(seed), int(number))


class Result(NamedTuple):
    """`byte` of `whole` where the cable was pulled, `told` what the first run said (nothing where
    it was over by then), `fault` why the second did not end it, `named` the command that it told
    of instead."""

    point: Point
    byte: int
    whole: int
    told: str
    fault: str = ""
    named: str = ""


Live = Callable[[Point], Result]


def failing(work: Callable[[], object], *errors: type[Exception]) -> str:
    """What `work` fails with, "" where it does not."""
    try:
        work()
    except errors as error:
        return " ".join(str(error).split())
    return ""
