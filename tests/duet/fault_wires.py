# SPDX-License-Identifier: Apache-2.0
"""The wires between a board and its PN532, on any bus, and what can befall one frame on them.

Frames are counted from power-on, in each direction for itself; waking bytes count as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from duotap_host.virtual.pn532_hsu import HsuPort

from duet.radio_pair import Side

TO_CHIP, TO_HOST = "to chip", "to host"
FLIPPED, LOST, DOUBLED, CUT, LATE, RESET = "flipped", "lost", "doubled", "cut", "late", "reset"


class Mischief(NamedTuple):
    """`where`: the byte that is flipped, the bytes that are left of a frame that is cut, the ms by
    which it and all behind it are late, or the us at which the chip is reset."""

    side: str
    direction: str
    kind: str
    frame: int = 0
    where: int = 0


class Wires:
    """One board's; `seen` are the lengths of the frames that passed; `struck_us` is when it
    happened, 0 while it has not."""

    def __init__(self, side: Side, mischief: Mischief | None) -> None:
        self.seen: dict[str, list[int]] = {TO_CHIP: [], TO_HOST: []}
        self.struck_us = 0
        self._timeline = side.chip.timeline
        self._mischief = mischief if mischief and mischief.side == side.name else None
        self._free_us = {TO_CHIP: 0, TO_HOST: 0}
        say = side.port.say
        side.port.say = lambda frame: self._pass(TO_HOST, frame, say)  # type: ignore[method-assign]  # a wire tap
        self._take_over_sending(side)
        if self._mischief and self._mischief.kind == RESET:
            self._timeline.at(self._mischief.where, self._reset, side)

    def _take_over_sending(self, side: Side) -> None:
        port = side.port
        if isinstance(port, HsuPort):
            feed = port.feed
            side.line.far.on_receive(
                lambda chunk, byte_us: self._pass(
                    TO_CHIP, chunk, lambda octets: feed(octets, byte_us)
                )
            )
            return
        hear = port.hear
        port.hear = lambda octets: self._pass(TO_CHIP, octets, hear)  # type: ignore[method-assign]  # a wire tap

    def _reset(self, side: Side) -> None:
        self.struck_us = self._timeline.now_us()
        side.chip.reset()

    def _pass(self, direction: str, octets: bytes, onward: Callable[[bytes], object]) -> None:
        number = len(self.seen[direction])
        self.seen[direction].append(len(octets))
        mischief = self._mischief
        if mischief and (mischief.direction, mischief.frame) == (direction, number):
            self.struck_us = self._timeline.now_us()
            octets = self._spoil(mischief, octets)
        if octets:
            at_us = max(self._timeline.now_us(), self._free_us[direction])
            if at_us > self._timeline.now_us():
                self._timeline.at(at_us, onward, octets)
            else:
                onward(octets)

    def _spoil(self, mischief: Mischief, octets: bytes) -> bytes:
        kind, where = mischief.kind, mischief.where
        if kind == FLIPPED:
            bit = 1 << (mischief.frame + where) % 8
            return octets[:where] + bytes((octets[where] ^ bit,)) + octets[where + 1 :]
        if kind == LATE:
            self._free_us[mischief.direction] = self._timeline.now_us() + where * 1000
        return {LOST: b"", DOUBLED: octets * 2, CUT: octets[:where]}.get(kind, octets)
