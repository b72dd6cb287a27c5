# SPDX-License-Identifier: Apache-2.0
"""One PN532 command after another: ACK, repeats, response, abort.

Knows no command's meaning and no bus. A command can end in five ways:
1. its response comes;
2. the chip answers with the error frame (SyntaxFault);
3. no ACK, however often it is sent (Fault): the chip is asleep, reset or not there;
4. no response in the time allowed (Timeout), or no readable one (Fault): aborted;
5. the task is cancelled: aborted. An answer that is already on its way is read and dropped.
UM0701-02 §6.2.1 (ACK within 15 ms; an ACK of the host aborts; NACK asks for the response again).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from duotap.errors import Fault, Timeout

from drivers.pn532_frame import (
    ACK,
    ACK_FRAME,
    BAD,
    ERROR,
    FRAME,
    FRAME_MAX,
    MORE,
    NACK_FRAME,
    FrameReader,
    encode,
)
from drivers.pn532_status import SYNTAX, SyntaxFault

if TYPE_CHECKING:
    from typing import Protocol

    from port.clock import Clock
    from port.wiring import Pin

    class Bus(Protocol):
        """HSU, I2C or SPI: bytes or whole frames to the chip, and whatever it says to a reader."""

        irq: Pin | None
        wake_bit: int
        nacks: int  # sent by itself so far
        baudrate: int  # 0 where the bus has a clock line
        baudrate_max: int

        def duration_ms(self, count: int) -> int: ...
        async def wake(self) -> None: ...
        async def send(self, view: memoryview | bytes) -> None: ...
        async def receive(
            self, reader: FrameReader, need: int, timeout_ms: int | None, step_ms: int
        ) -> None: ...
        def flush(self) -> None: ...
        def set_baudrate(self, baudrate: int) -> None: ...
        async def restart(self) -> bool: ...


ACK_MS = 15  # the manual's; our own sending time is added
SENDS_MAX = 3
# InDataExchange, TgSetData, TgSetMetaData: whose ACK is lost has perhaps been done.
ONCE = b"\x40\x8e\x94"
ABORTS = 2
NACKS_MAX = 3
GAP_MS = 10  # a frame whose bytes stay away for longer, and their time on the wire, is broken
LATE_MS = 8  # until the answer that crossed an abort has begun; a chip takes 1 ms
LATE_FRAMES_MAX = 4  # an ACK and a response; a line that babbles on does not hold us up
STEP_MS = 1
ACK_BYTES = 6


class Link:
    """`quiet` is true while no byte of the chip can arrive."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.bus = bus
        self.quiet = True
        self.clock = clock
        self._frame = bytearray(FRAME_MAX)
        self._view = memoryview(self._frame)
        self._reader = FrameReader()
        self._busy = False
        self._asleep = True
        self._astray = False
        self._last_found = 0
        self._repeats = False  # older responses may come

    async def command(
        self,
        head: bytes,
        tail: bytes | memoryview = b"",
        timeout_ms: int | None = 100,
        step_ms: int = STEP_MS,
    ) -> memoryview:
        """Run the command `head[0]`; returns its response without TFI and code.

        The view stands until the next command. `timeout_ms` counts from the ACK.
        """
        await self._turn()
        try:
            if self._astray:
                await self._abort()
            self.quiet = False
            self._astray = True
            try:
                await self._send(head, tail)
                kind = await self._response(head[0] + 1, timeout_ms, step_ms)
            except (asyncio.CancelledError, Fault):
                if await self._give_up():
                    raise asyncio.CancelledError from None
                raise
            self._settled()
            if kind == ERROR:
                raise SyntaxFault(SYNTAX)
            return self._reader.body()[2:]
        finally:
            self._busy = False

    async def _turn(self) -> None:
        """Wait until no other task's command runs; one that was cancelled is being aborted."""
        while self._busy:
            await self.clock.sleep_ms(STEP_MS)
        self._busy = True

    async def recover(self) -> None:
        """Whatever the chip is at, end it: awake, idle, nothing in the buffers."""
        await self._turn()
        try:
            await self._abort()
        finally:
            self._busy = False

    def sleeps(self) -> None:
        """The chip is powered down: wake it before the next command."""
        self._asleep = True

    async def confirm(self) -> None:
        """The ACK of the host that some commands wait for."""
        await self.bus.send(ACK_FRAME)
        await self.clock.sleep_ms(self.bus.duration_ms(ACK_BYTES) + 1)

    def _settled(self) -> None:
        self._astray = False
        self.quiet = True

    async def _send(self, head: bytes, tail: bytes | memoryview) -> None:
        """Until the chip shows that it has the command; what must not be done twice, once."""
        count = encode(self._frame, head, tail)
        ack_ms = ACK_MS + self.bus.duration_ms(count + ACK_BYTES)
        self.bus.flush()
        self._reader.clear()
        self._repeats = False
        nacks = self.bus.nacks
        for attempt in range(1 if head[0] in ONCE else SENDS_MAX):
            if self._asleep or attempt:
                await self.bus.wake()
            await self.bus.send(self._view[:count])
            if await self._acknowledged(head[0] + 1, ack_ms):
                self._asleep = False
                self._repeats = self._repeats or self.bus.nacks != nacks
                return
        self._asleep = True
        raise Fault("the PN532 gives no ACK")

    async def _acknowledged(self, code: int, timeout_ms: int) -> bool:
        """Whether the ACK comes; an older frame before it is dropped.

        A chip is silent until it has received a command, so a broken frame and the response itself
        tell as much as an ACK does.
        """
        began = self.clock.ticks_ms()
        left_ms = timeout_ms
        while left_ms > 0:
            try:
                kind = await self._next(left_ms, STEP_MS)
            except Timeout:
                return False
            if kind in (ACK, BAD):
                return True
            if kind == FRAME and self._reader.body()[1] == code:
                if not self._is_older(code):
                    self._reader.put_back()
                    return True
                self._repeats = True
            left_ms = timeout_ms - self.clock.diff(self.clock.ticks_ms(), began)
        return False

    async def _response(self, code: int, timeout_ms: int | None, step_ms: int) -> int:
        """FRAME or ERROR; what is neither the response nor readable is asked for again.

        If the chip was still at work NACK brings the response of the command before: one like it
        is passed over where that matters.
        """
        nacks = 0
        began = self.clock.ticks_ms()
        left_ms = timeout_ms
        while left_ms is None or left_ms > 0:
            kind = await self._next(left_ms, step_ms)
            if kind == ERROR:
                return kind
            is_ours = kind == FRAME and self._reader.body()[1] == code
            if is_ours and not (self._repeats and self._is_older(code)):
                self._last_found = self._reader.fingerprint()
                return kind
            if kind == BAD:
                nacks += 1
                self._repeats = True
                if nacks > NACKS_MAX:
                    raise Fault("the PN532 sends no readable frame")
                self._reader.clear()
                self.bus.flush()
                await self.bus.send(NACK_FRAME)
            if timeout_ms is not None:
                left_ms = timeout_ms - self.clock.diff(self.clock.ticks_ms(), began)
        raise Timeout("the PN532 gives no response")

    def _is_older(self, code: int) -> bool:
        """Whether this is perhaps the last response again, where that matters."""
        return code - 1 in ONCE and self._reader.fingerprint() == self._last_found

    async def _next(self, timeout_ms: int | None, step_ms: int) -> int:
        """The next frame of any kind, or BAD when one has stopped half-way."""
        reader = self._reader
        kind = reader.scan()
        while kind == MORE:
            begun = reader.begun()
            try:
                if begun:
                    gap_ms = GAP_MS + self.bus.duration_ms(reader.need)
                    await self.bus.receive(reader, reader.need, gap_ms, STEP_MS)
                else:
                    await self.bus.receive(reader, 1, timeout_ms, step_ms)
                kind = reader.scan()
            except Timeout:
                if not begun:
                    raise
                reader.clear()
                return BAD
        return kind

    async def _give_up(self) -> bool:
        """Abort, whatever happens; whether the task was cancelled meanwhile.

        Whoever cancels twice still gets a chip that is quiet.
        """
        cancelled = False
        while True:
            try:
                await self._abort()
                return cancelled
            except asyncio.CancelledError:
                cancelled = True

    async def _abort(self) -> None:
        """Wake it, send ACK, and read what had already been sent.

        Twice: a command that was still on the wire may have put the chip to sleep between our
        waking bytes and the ACK, which then only woke it.
        """
        self.quiet = False
        self._astray = True
        self._reader.clear()
        for _ in range(ABORTS):
            await self.bus.wake()
            await self.bus.send(ACK_FRAME)
        try:
            for _ in range(LATE_FRAMES_MAX):
                await self._next(LATE_MS, STEP_MS)
        except Timeout:
            pass
        self._asleep = True
        self._settled()
