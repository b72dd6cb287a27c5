# SPDX-License-Identifier: Apache-2.0
"""A virtual PN532: its host link, its sleep, and the life of a command.

Bytes come in by `feed`, go out by the callback given to `on_output`; what carries them (a
`UartLine`, a PTY) is not known here. Commands are in `pn532_basic`, `pn532_initiator` and
`pn532_target`. UM0701-02 §6.2 (frames, abort), §7.2 (commands); timings as quoted from it: an
ACK well within 15 ms, about 1 ms of the chip's own time for a command.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

from duotap_host.virtual import pn532_basic, pn532_initiator, pn532_target
from duotap_host.virtual.field import Card, Field
from duotap_host.virtual.pn532_command import Command, Entry
from duotap_host.virtual.pn532_frame import (
    ACK,
    CHIP_TO_HOST,
    HOST_TO_CHIP,
    Frame,
    FrameParser,
    encode,
    error_frame,
)
from duotap_host.virtual.timeline import Timeline

ACK_US = 200
EXECUTE_US = 1_000  # from the last byte of a command to its effect
REPLY_US = 750  # from a result to the first byte of the response
STARTUP_US = 2_000  # "up to 2 ms" from the waking edge until bytes are understood
POWER_DOWN_US = 1_000
WAKING_EDGES = 5  # rising edges on the receive line
RESET_BAUDRATE = 115200

COMMANDS: dict[int, Entry] = {
    **pn532_basic.COMMANDS,
    **pn532_initiator.COMMANDS,
    **pn532_target.COMMANDS,
}


def rising_edges(byte: int) -> int:
    """How often the line goes high while `byte` is sent: start bit, LSB first, stop bit."""
    levels = [0, *((byte >> bit) & 1 for bit in range(8)), 1]
    return sum(after > before for before, after in pairwise(levels))


EDGES = bytes(rising_edges(byte) for byte in range(256))


class VirtualPn532:
    """One chip in one field; a `Station` there. `seed` is for what it chooses by itself."""

    initiator: pn532_initiator.Initiator
    target: pn532_target.Target

    def __init__(
        self,
        timeline: Timeline,
        field: Field,
        name: str,
        *,
        seed: int = 0,
        startup_us: int = STARTUP_US,
    ) -> None:
        self.timeline = timeline
        self.field = field
        self.name = name
        self.random = random.Random(seed)
        self._startup_us = startup_us
        self._parser = FrameParser()
        self._output: Callable[[bytes], object] = lambda _chunk: None
        self._switch: Callable[[int], object] = lambda _baudrate: None
        self.initiator = pn532_initiator.Initiator(self)
        self.target = pn532_target.Target(self)
        self._power_up()

    # Its pins

    def on_output(self, output: Callable[[bytes], object]) -> None:
        """Have `output(chunk)` called as the chip begins to send it: one call, one frame."""
        self._output = output

    def on_baudrate(self, switch: Callable[[int], object]) -> None:
        """Have `switch(baudrate)` called when the chip changes its speed."""
        self._switch = switch

    def reset(self) -> None:
        """RSTPDN low and high again, or power gone and back: nothing is kept."""
        self._abort()
        self.initiator.power_off()
        self.target.stop()
        self._power_up()

    def _power_up(self) -> None:
        self.registers = dict(pn532_basic.RESET_REGISTERS)
        self.flags = pn532_basic.RESET_FLAGS
        self.bare_frames = False
        self.low_vbat = True
        self._asleep = True
        self._woken_by_host = True
        self._edges = 0
        self._hears_from_us = 0
        self._running: Command | None = None
        self._last_response = b""
        self._next_baudrate = 0
        self._parser.clear()
        self.initiator.power_up()
        self.target.power_up()
        self._switch(RESET_BAUDRATE)

    def feed(self, chunk: bytes, byte_us: float = 0.0) -> None:
        """Bytes of which the last has just arrived, `byte_us` apart."""
        if self._asleep or self._hears_from_us:
            chunk = self._awake_for(chunk, byte_us)
        for frame in self._parser.push(chunk):
            self._received(frame)

    def _awake_for(self, chunk: bytes, byte_us: float) -> bytes:
        """The bytes that come once the chip is awake; the others only wake it."""
        now_us = self.timeline.now_us()
        for at, byte in enumerate(chunk):
            end_us = now_us - (len(chunk) - 1 - at) * byte_us
            if not self._asleep and end_us - byte_us >= self._hears_from_us:
                self._hears_from_us = 0
                return chunk[at:]
            if self._asleep:
                self._edges += EDGES[byte]
                if self._edges >= WAKING_EDGES and self._woken_by_host:
                    self.wake()
                    self._hears_from_us = int(end_us) + self._startup_us
        return b""

    def sleep(self, *, woken_by_host: bool = True) -> None:
        """From now on bytes only wake it, or, if not `woken_by_host`, do nothing at all."""
        self._asleep = True
        self._woken_by_host = woken_by_host
        self._edges = 0
        self._hears_from_us = 0
        self._parser.clear()

    def wake(self) -> None:
        self._asleep = False

    # The life of a command

    def _received(self, frame: Frame) -> None:
        if frame.kind == "ack":
            self._acknowledged()
        elif frame.kind == "nack":
            self._output(self._last_response)
        elif len(frame.body) >= 2 and frame.body[0] == HOST_TO_CHIP:
            self._begin(Command(self, frame.body[1], frame.body[2:]))

    def _acknowledged(self) -> None:
        """An ACK aborts what runs; after SetSerialBaudRate's response it changes the speed."""
        if self._running is not None:
            self._abort()
        elif self._next_baudrate:
            self._switch(self._next_baudrate)
            self._next_baudrate = 0

    def _begin(self, command: Command) -> None:
        self._drop()
        self._next_baudrate = 0
        self._running = command
        self.timeline.after(ACK_US, self._output, ACK)
        self.timeline.after(EXECUTE_US, self._execute, command)

    def _abort(self) -> None:
        """End what runs on the host's word. After listening the chip sleeps again."""
        dropped = self._drop()
        if dropped is not None and dropped.code == pn532_target.TG_INIT_AS_TARGET:
            self.sleep()

    def _drop(self) -> Command | None:
        command, self._running = self._running, None
        if command is not None:
            command.abort()
        return command

    def _execute(self, command: Command) -> None:
        if command.alive:
            entry = COMMANDS.get(command.code)
            if entry is None or not entry.least <= len(command.params) <= entry.most:
                self.refuse(command)
            else:
                entry.run(command)

    def respond(self, command: Command, body: bytes, then: Callable[[], None]) -> None:
        """Send the response of `command`, then do `then`."""
        head = bytes([CHIP_TO_HOST, command.code + 1])
        self._answer(command, encode(head + body, bare=self.bare_frames), then)

    def refuse(self, command: Command) -> None:
        self._answer(command, error_frame(bare=self.bare_frames), _nothing)

    def _answer(self, command: Command, frame: bytes, then: Callable[[], None]) -> None:
        self.timeline.after(REPLY_US, self._emit, command, frame, then)

    def _emit(self, command: Command, frame: bytes, then: Callable[[], None]) -> None:
        if not command.alive:
            return
        command.alive = False
        self._running = None
        self._last_response = frame
        self._output(frame)
        then()
        if self.low_vbat:
            self.sleep()

    def expect_baudrate(self, baudrate: int) -> None:
        """Switch at the next ACK of the host."""
        self._next_baudrate = baudrate

    def power_down(self, *, woken_by_host: bool) -> None:
        self.initiator.power_off()
        self.timeline.after(POWER_DOWN_US, self._down, woken_by_host)

    def _down(self, woken_by_host: bool) -> None:
        if self._running is None:
            self.sleep(woken_by_host=woken_by_host)

    # What the field sees

    def outside_carrier(self, present: bool) -> None:
        self.target.outside_carrier(present)

    def answers(self, wake: bool) -> Card | None:
        return self.target.answers(wake)

    def answers_felica(self) -> bytes | None:
        return self.target.answers_felica()

    def selected(self) -> None:
        self.target.selected()

    def hear(self, frame: bytes | None) -> None:
        if self.field.has_carrier(self):
            self.initiator.hear(frame)
        else:
            self.target.hear(frame)


def _nothing() -> None:
    """A response after which the chip is as before."""
