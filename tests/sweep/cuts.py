# SPDX-License-Identifier: Apache-2.0
"""Where a story can be cut, as it goes on: each operation of a flash, each byte on the air or on a
cable. At each point that is chosen the process forks, and the child is cut there.

It knows what can befall hardware, and no protocol.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from duotap_host.virtual import isodep
from duotap_host.virtual.cable import FRAME_US, Cable
from duotap_host.virtual.mishaps import Fate, Lose, Passage, Tear
from duotap_host.virtual.nor import VirtualNor

from sweep.points import AIR, CABLE, FLASH, LINE, NONE, RADIO, TEARS, Point, cable_bytes, tear
from sweep.stories import Story
from sweep.town import Town

FATES = (LINE, "device")  # at the cable: it is pulled out, or the device has lost its power
Fork = Callable[[Point], bool]  # true in the process that is to be cut there


class Cuts:
    """Of one story in one town; `active` while it acts. `point` is set in a process that is cut
    there, and from then on nothing else is."""

    def __init__(self, town: Town, story: Story, seed: int, fork: Fork) -> None:
        self.town = town
        self.active = False
        self.point: Point | None = None
        self.unplugged = ""  # whose cable was pulled out
        self.same = 0  # cuts at the cable that are of the class of one that is lived through
        self._story = story.name
        self._seed, self._fork = seed, fork
        self._count: Counter[str] = Counter()
        town.stage.field.rules.append(self._radio)
        for side in town.kinds:
            self._watch(side, town.device(side).board.nor)
            self._listen(side, town.device(side).cable)

    def nothing(self) -> Point:
        """The point of a story that is not cut."""
        return Point(self._story, NONE, NONE, 0, 0, self._seed)

    def _is_here(self, kind: str, side: str, number: int, byte: int) -> Point | None:
        """The point, in the process that is cut there."""
        point = Point(self._story, kind, side, number, byte, self._seed)
        if self.point is None and self._fork(point):
            self.point = point
            return point
        return None

    def _number(self, what: str) -> int:
        self._count[what] += 1
        return self._count[what] - 1

    def _watch(self, side: str, nor: VirtualNor) -> None:
        def before(size: int) -> None:
            if not self.active or self.point is not None:
                return
            number = self._number(side)
            for byte in range(TEARS):
                point = self._is_here(FLASH, side, number, byte)
                if point is not None:
                    nor.plan_cut(0, tear(point, size))
                    return

        nor.before = before

    def _radio(self, passage: Passage) -> Fate | None:
        """A rule of the field: never spoils anything but in a process that is cut."""
        if not self.active or self.point is not None:
            return None
        number = self._number(RADIO)
        if passage.kind == "SELECT":  # anticollision: its bytes are not modelled
            return Lose() if self._is_here(RADIO, AIR, number, 0) else None
        size = len(passage.frame) + isodep.CRC_BYTES
        for byte in range(size + 1):
            if self._is_here(RADIO, AIR, number, byte):
                return Tear(byte if byte < size else None)
            for side in self.town.kinds:
                if self._is_here(RADIO, side, number, byte):
                    self._cut_later(side, byte * isodep.AIR_BYTE_NS // 1000)
                    return None
        return None

    def _listen(self, side: str, cable: Cable) -> None:
        def befall(chunk: bytes, by_host: bool) -> bytes:
            if self.unplugged == side:
                return b""
            if not self.active or self.point is not None:
                return chunk
            number = self._number(CABLE)
            chosen = cable_bytes(chunk)
            self.same += len(FATES) * (len(chunk) + 1 - len(chosen))
            for byte in chosen:
                if self._is_here(CABLE, LINE, number, byte):
                    self.unplugged = side
                    return chunk[:byte]
                if self._is_here(CABLE, side, number, byte):
                    self._cut_later(side, FRAME_US if by_host else 0)
                    return chunk[:byte]
            return chunk

        cable.befall = befall

    def _cut_later(self, side: str, us: int) -> None:
        self.town.stage.timeline.after(us, self.town.device(side).cut)
