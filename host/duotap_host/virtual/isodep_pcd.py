# SPDX-License-Identifier: Apache-2.0
"""The poller's half of ISO/IEC 14443-4: block numbers, chaining, waiting times and retries.

Rules A, B and 1 to 8 of §7.5.4. Knows no chip command and no application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from duotap_host.virtual import isodep
from duotap_host.virtual.isodep import Ats, Block
from duotap_host.virtual.timeline import Timeline

OK, TIMEOUT, CRC, PROTOCOL = 0x00, 0x01, 0x02, 0x0B  # status bytes, UM0701-02 table 14
# Of one question, and of one block; each costs a frame waiting time. The standard leaves the
# number open.
RETRIES_MAX = 2
# How a PN532 says S(WTX) is refused is not known; it grants what is asked, up to the standard's
# longest frame waiting time.
DESELECT_US = 9_000  # FWT of an activation, 65536/fc, and the turnaround at both ends

Done = Callable[[int, bytes], None]


class Pcd:
    """One activated listener. `send` puts a frame on the air and returns its microseconds."""

    def __init__(self, timeline: Timeline, ats: Ats, send: Callable[[bytes], int]) -> None:
        self._timeline = timeline
        self._send = send
        self._inf_max = ats.frame_max - isodep.CRC_BYTES - 1
        self._fwt_us = ats.fwt_us
        self._number = 0
        self._pieces: list[bytes] = []
        self._more = False
        self._received = bytearray()
        self._last = Block("I")
        self._tries = 0
        self._resends = 0
        self._done: Done | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def exchange(self, inf: bytes, more: bool, done: Done) -> None:
        """Send (a part of, if `more`) a C-APDU; `done(status, R-APDU)` ends it."""
        self.cancel()
        self._pieces = isodep.pieces(inf, self._inf_max)
        self._more, self._done = more, done
        self._received = bytearray()
        self._next_piece()

    def deselect(self, done: Done) -> None:
        self.cancel()
        self._done = done
        self._begin(Block("S(DESELECT)"), DESELECT_US)

    def cancel(self) -> None:
        """Forget what is under way; an answer that still comes is not expected."""
        self._done = None
        self._quiet()

    def hear(self, frame: bytes | None) -> None:
        if self._done is None:
            return
        self._quiet()
        block = isodep.parse(frame) if frame is not None else None
        if block is None:
            self._trouble(CRC)
        elif self._last.kind == "S(DESELECT)":
            self._deselected(block)
        elif block.kind == "S(WTX)":
            self._grant(block)
        elif block.kind == "I":
            self._answer_block(block)
        elif block.kind == "R(ACK)":
            self._receipt(block)
        else:
            self._trouble(PROTOCOL)

    def _next_piece(self) -> None:
        if self._done is None:
            return
        piece = self._pieces.pop(0)
        chaining = self._more or bool(self._pieces)
        self._begin(Block("I", self._number, chaining, inf=piece), self._fwt_us)

    def _begin(self, block: Block, wait_us: int) -> None:
        """Send a block that is new, not a repeat of one."""
        self._last, self._tries, self._resends = block, 0, 0
        self._put(block, wait_us)

    def _put(self, block: Block, wait_us: int) -> None:
        if self._done is not None:
            self._quiet()
            out_us = self._send(block.encode())
            self._alarm = self._timeline.after(out_us + wait_us, self._trouble, TIMEOUT)

    def _reply(self, block: Block, wait_us: int) -> None:
        self._quiet()
        self._alarm = self._timeline.after(isodep.TURNAROUND_US, self._put, block, wait_us)

    def _answer_block(self, block: Block) -> None:
        if block.number != self._number or self._pieces or self._more:
            self._trouble(PROTOCOL)
            return
        self._number ^= 1
        self._tries = 0
        self._received += block.inf
        if block.chaining:
            self._reply(Block("R(ACK)", self._number), self._fwt_us)
        else:
            self._finish(OK, bytes(self._received))

    def _receipt(self, block: Block) -> None:
        """Rules 6 and 7: an R(ACK) asks for the last I-block again, or for the next one."""
        if block.number != self._number:
            self._resend()
        elif not self._last.chaining or self._received:
            self._trouble(PROTOCOL)
        else:
            self._number ^= 1
            self._tries = 0
            if self._pieces:
                self._alarm = self._timeline.after(isodep.TURNAROUND_US, self._next_piece)
            else:
                self._finish(OK, b"")

    def _grant(self, block: Block) -> None:
        wtxm = block.inf[0] & 0x3F if block.inf else 1
        wait_us = min(max(1, wtxm) * self._fwt_us, isodep.FWT_MAX_US)
        self._reply(block, wait_us)

    def _deselected(self, block: Block) -> None:
        if block.kind == "S(DESELECT)":
            self._finish(OK, b"")
        else:
            self._trouble(PROTOCOL)

    def _trouble(self, status: int) -> None:
        """Rules 4, 5 and 8: ask again in the way that fits what was going on."""
        if self._last.kind == "S(DESELECT)":
            self._retry(status, self._last, DESELECT_US)
        elif self._received:
            self._retry(status, Block("R(ACK)", self._number), self._fwt_us)
        else:
            self._retry(status, Block("R(NAK)", self._number), self._fwt_us)

    def _resend(self) -> None:
        """The last block has not arrived, which is news: questions may be asked anew."""
        if self._resends >= RETRIES_MAX:
            self._finish(TIMEOUT, b"")
            return
        self._resends += 1
        self._tries = 0
        self._reply(self._last, self._fwt_us)

    def _retry(self, status: int, block: Block, wait_us: int) -> None:
        if self._tries >= RETRIES_MAX:
            self._finish(status, b"")
            return
        self._tries += 1
        self._reply(block, wait_us)

    def _finish(self, status: int, answer: bytes) -> None:
        done, self._done = self._done, None
        self._quiet()
        if done is not None:
            done(status, answer)

    def _quiet(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
