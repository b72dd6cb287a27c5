# SPDX-License-Identifier: Apache-2.0
"""The listener's half of ISO/IEC 14443-4: block numbers, chaining, repeats, S(WTX), DESELECT.

Rules C to E and 9 to 13 of §7.5.4. Knows no chip command and no application: a whole C-APDU goes
out by `deliver`, the answer comes in by `answer`, whenever the host is ready. While the host
works it asks for more time by itself, as a PN532 was captured doing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from duotap_host.virtual import isodep
from duotap_host.virtual.isodep import Block
from duotap_host.virtual.timeline import Timeline

WTX_AFTER_US = 1_800  # measured: the host was late for that long when S(WTX) came
FWI = 9
EXTENSION_US = isodep.WTXM * isodep.fwt_us(FWI)
# When a PN532 renews is not known; here it asks again with a tenth of the extension left.
RENEW_US = EXTENSION_US * 9 // 10


class Picc:
    """One activation. `send` puts a frame on the air and returns its microseconds."""

    def __init__(
        self,
        timeline: Timeline,
        frame_max: int,
        send: Callable[[bytes], int],
        deliver: Callable[[bytes], None],
        deselected: Callable[[], None],
    ) -> None:
        self._timeline = timeline
        self._inf_max = frame_max - isodep.CRC_BYTES - 1
        self._send_frame = send
        self._deliver = deliver
        self._deselected = deselected
        self._open = True
        self._number = 1
        self._cid: int | None = None
        self._last: Block | None = None
        self._command = bytearray()
        self._pieces: list[bytes] = []
        self._more = False
        self._sent: Callable[[], None] = _nothing
        self._asked = False
        self._alarm: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """The activation is over: nothing is sent any more."""
        self._open = False
        self._quiet()

    def answer(self, inf: bytes, more: bool, sent: Callable[[], None]) -> None:
        """Send (a part of, if `more`) the R-APDU; `sent()` once its last block is out.

        The last block of a part is out when the poller has acknowledged it.
        """
        self._pieces = isodep.pieces(inf, self._inf_max - (self._cid is not None))
        self._more, self._sent = more, sent
        if not self._asked:
            self._quiet()
            self._next_piece()

    def hear(self, frame: bytes | None) -> None:
        """A frame from the poller; garbled ones are not answered (§7.5.5)."""
        block = isodep.parse(frame) if frame is not None else None
        if block is None or not self._open:
            return
        if block.kind == "I":
            self._command_block(block)
        elif block.kind in ("R(ACK)", "R(NAK)"):
            self._receipt(block)
        elif block.kind == "S(WTX)":
            self._granted()
        elif block.kind == "S(DESELECT)":
            self._end(block)
        else:
            self._reply(Block("PPS", inf=b""), frame)

    def _command_block(self, block: Block) -> None:
        """Rule D: the number toggles whatever the block's own number is."""
        self._quiet()
        self._pieces, self._last, self._asked = [], None, False
        self._number ^= 1
        self._cid = block.cid
        self._command += block.inf
        if block.chaining:
            self._last = Block("R(ACK)", self._number, cid=block.cid)
            self._reply(self._last)
            return
        command, self._command = bytes(self._command), bytearray()
        self._alarm = self._timeline.after(WTX_AFTER_US, self._ask)
        self._deliver(command)

    def _receipt(self, block: Block) -> None:
        """Rules 11, 12 and E: repeat the last block, say what is missing, or go on."""
        if block.number == self._number:
            if self._last is not None:
                self._reply(self._last)
        elif block.kind == "R(NAK)":
            self._reply(Block("R(ACK)", self._number, cid=block.cid))
        elif self._last is not None and self._last.chaining:
            self._number ^= 1
            self._last = None
            if self._pieces:
                self._timeline.after(isodep.TURNAROUND_US, self._next_piece)
            else:
                self._alarm = self._timeline.after(WTX_AFTER_US, self._ask)
                self._all_sent()

    def _next_piece(self) -> None:
        if not self._open or not self._pieces:
            return
        piece = self._pieces.pop(0)
        chaining = self._more or bool(self._pieces)
        self._last = Block("I", self._number, chaining, self._cid, piece)
        out_us = self._send(self._last)
        if not chaining:
            self._timeline.after(out_us, self._all_sent)

    def _all_sent(self) -> None:
        if self._open and not self._pieces:
            sent, self._sent = self._sent, _nothing
            sent()

    def _ask(self) -> None:
        self._alarm = None
        self._asked = True
        self._last = Block("S(WTX)", cid=self._cid, inf=bytes([isodep.WTXM]))
        self._send(self._last)

    def _granted(self) -> None:
        if not self._asked:
            return
        self._asked = False
        self._last = None
        if self._pieces:
            self._timeline.after(isodep.TURNAROUND_US, self._next_piece)
        else:
            self._alarm = self._timeline.after(RENEW_US, self._ask)

    def _end(self, block: Block) -> None:
        self.close()
        self._timeline.after(
            isodep.TURNAROUND_US, self._send_frame, Block(block.kind, cid=block.cid).encode()
        )
        self._deselected()

    def _reply(self, block: Block, frame: bytes | None = None) -> None:
        self._timeline.after(isodep.TURNAROUND_US, self._send, block, frame)

    def _send(self, block: Block, frame: bytes | None = None) -> int:
        """Send `block`; PPS is answered by its own first byte, given as `frame`."""
        if not self._open:
            return 0
        return self._send_frame(block.encode() if frame is None else frame[:1])

    def _quiet(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def _nothing() -> None:
    """The host waits for nothing."""
