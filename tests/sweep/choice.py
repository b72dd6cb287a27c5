# SPDX-License-Identifier: Apache-2.0
"""Which points of a story are lived through, and what is tried after each."""

from __future__ import annotations

from collections.abc import Sequence

from sweep.aftermath import AGAIN, GIVE_UP, NEVER, TWICE
from sweep.points import FLASH, NONE, Point
from sweep.stories import Story

RARE_EVERY = 16  # bytes of a frame: what is tried there only


class Choice:
    """`share` of all points at random by their names (1: all), of some kinds and tried in some
    ways; or one point."""

    def __init__(
        self,
        share: float = 1.0,
        kinds: Sequence[str] = (),
        point: str = "",
        ways: Sequence[str] = (),
    ) -> None:
        self._share, self._kinds, self._point, self._ways = share, kinds, point, ways
        self.single = bool(point)

    def chosen(self, point: Point) -> bool:
        if self._point:
            return str(point) == self._point
        if point.kind == NONE:
            return True
        if self._kinds and point.kind not in self._kinds:
            return False
        return self._share >= 1 or point.dice().random() < self._share

    def ways(self, story: Story, point: Point) -> tuple[str, ...]:
        """Touching again comes last: it needs no process of its own."""
        ways: tuple[str, ...] = (NEVER, AGAIN)
        if point.kind == FLASH or point.byte % RARE_EVERY == 0:
            ways = (TWICE, *ways) if story.again else (GIVE_UP, TWICE, *ways)
        return tuple(way for way in ways if way in self._ways) if self._ways else ways
