# SPDX-License-Identifier: Apache-2.0
"""A virtual PN532: its sleep, and the life of a command, whatever link its host uses.

Frames come in by `receive` and go out through the `HostLink` that is attached: `pn532_hsu`, or
another one, as the straps of a real chip choose. Commands are in `pn532_basic`,
`pn532_initiator` and `pn532_target`. UM0701-02 §6.2 (frames, abort), §7.2 (commands); timings as
quoted from it: an ACK well within 15 ms, about 1 ms of the chip's own time for a command.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from duotap_host.virtual import pn532_autopoll, pn532_basic, pn532_initiator, pn532_target
from duotap_host.virtual.field import Card, Field
from duotap_host.virtual.pn532_command import Command, Entry
from duotap_host.virtual.pn532_frame import (
    ACK,
    CHIP_TO_HOST,
    HOST_TO_CHIP,
    Frame,
    encode,
    error_frame,
)
from duotap_host.virtual.timeline import Timeline

ACK_US = 200
EXECUTE_US = 1_000  # from the last byte of a command to its effect
REPLY_US = 750  # from a result to the first byte of the response
STARTUP_US = 2_000  # "up to 2 ms" from what wakes it until it understands
POWER_DOWN_US = 1_000

# WakeUpEnable of PowerDown (UM0701-02 §7.2.11)
WAKE_BY_I2C = 0x80
WAKE_BY_SPI = 0x20
WAKE_BY_HSU = 0x10
WAKE_BY_RF = 0x08
WAKE_BY_HOST = WAKE_BY_I2C | WAKE_BY_SPI | WAKE_BY_HSU

COMMANDS: dict[int, Entry] = {
    **pn532_basic.COMMANDS,
    **pn532_initiator.COMMANDS,
    **pn532_autopoll.COMMANDS,
    **pn532_target.COMMANDS,
}


class HostLink(Protocol):
    """What stands between the chip and its host; it hands frames over by `chip.receive`.

    While `chip.asleep` it hands over nothing: what comes asks `chip.wakes_by(wake_bit)`, calls
    `chip.wake()` and is lost or held up until `chip.startup_us` have passed.
    """

    wake_bit: int

    def say(self, frame: bytes) -> None:
        """A frame is ready for the host: an ACK, a response, the error frame."""

    def slept(self) -> None:
        """The chip has gone to sleep: what was half received is forgotten."""

    def woken(self) -> None:
        """A field has woken the chip, which was to tell its host by IRQ."""

    def powered(self) -> None:
        """Power on, or RSTPDN released: as at the first moment."""

    def speed(self, baudrate: int) -> None:
        """The baud rate of the HSU from now on."""


class NoLink:
    """A chip whose host pins hang in the air."""

    wake_bit = 0

    def say(self, frame: bytes) -> None:
        """Nobody hears it."""

    def slept(self) -> None:
        """Nothing was half received."""

    def woken(self) -> None:
        """Nobody sees the line."""

    def powered(self) -> None:
        """Nothing to reset."""

    def speed(self, baudrate: int) -> None:
        """No bytes pass at any speed."""


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
        self.startup_us = startup_us
        self.link: HostLink = NoLink()
        self.initiator = pn532_initiator.Initiator(self)
        self.target = pn532_target.Target(self)
        self._power_up()

    # Its host and its power

    def attach(self, link: HostLink) -> None:
        """Strap the chip for `link`; it knows the chip already."""
        self.link = link
        link.powered()

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
        self.asleep = True
        self._wakers = WAKE_BY_HOST
        self._tells_wake = False
        self._running: Command | None = None
        self._last_response = b""
        self.next_baudrate = 0
        self.initiator.power_up()
        self.target.power_up()
        self.link.powered()

    def sleep(self, wakers: int = WAKE_BY_HOST) -> None:
        """From now on it only wakes, and that by nothing but `wakers` (WAKE_BY_...)."""
        self.asleep = True
        self._wakers = wakers
        self._tells_wake = False
        self.link.slept()

    def wakes_by(self, source: int) -> bool:
        """Whether it sleeps and `source` may wake it."""
        return self.asleep and bool(self._wakers & source)

    def wake(self) -> None:
        self.asleep = False

    # The life of a command

    def receive(self, frame: Frame) -> None:
        """A frame from the host, whole and valid."""
        if frame.kind == "ack":
            self._acknowledged()
        elif frame.kind == "nack":
            self.link.say(self._last_response)
        elif len(frame.body) >= 2 and frame.body[0] == HOST_TO_CHIP:
            self._begin(Command(self, frame.body[1], frame.body[2:]))

    def _acknowledged(self) -> None:
        """An ACK aborts what runs; after SetSerialBaudRate's response it changes the speed."""
        if self._running is not None:
            self._abort()
        elif self.next_baudrate:
            self.link.speed(self.next_baudrate)
            self.next_baudrate = 0

    def _begin(self, command: Command) -> None:
        self._drop()
        self.next_baudrate = 0
        self._running = command
        self.timeline.after(ACK_US, self.link.say, ACK)
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
        self.link.say(frame)
        then()
        if self.low_vbat:
            self.sleep()

    def expect_baudrate(self, baudrate: int) -> None:
        """Switch at the next ACK of the host."""
        self.next_baudrate = baudrate

    def power_down(self, wakers: int, *, tells: bool = False) -> None:
        self.initiator.power_off()
        self.timeline.after(POWER_DOWN_US, self._down, wakers, tells)

    def _down(self, wakers: int, tells: bool) -> None:
        if self._running is None:
            self.sleep(wakers)
            self._tells_wake = tells
            if self.field.powers(self):
                self.outside_carrier(True)

    # What the field sees

    def outside_carrier(self, present: bool) -> None:
        if present and self.wakes_by(WAKE_BY_RF):
            self.wake()
            if self._tells_wake:
                self.link.woken()
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
