# SPDX-License-Identifier: Apache-2.0
"""A virtual board: what is soldered on it, its power, and what a person does to it.

PN532 on one of its buses, NOR flash, display, buttons or keypad, buzzer, light, battery, watchdog,
hardware generator. The operations below `As the microcontroller sees it` are what `machine` has,
in process (virtual/machine.py) and over the channel (virtual/channel.py) alike. Runs no firmware:
whoever does is told by `on_power_lost` and `on_reset`; `drawn` is set when the panel changes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from port.parts import CARD, STAND

from duotap_host.virtual import glass
from duotap_host.virtual.atecc608_chip import VirtualAtecc608
from duotap_host.virtual.clock import FLASH, VirtualClock
from duotap_host.virtual.field import Field
from duotap_host.virtual.nor import VirtualNor
from duotap_host.virtual.pins import (
    BUTTONS,
    KEY_OF,
    NAMES,
    RADIO_IRQ,
    RADIO_RESET,
    RADIO_SELECT,
    Pins,
)
from duotap_host.virtual.pn532_chip import VirtualPn532
from duotap_host.virtual.pn532_hsu import HsuPort
from duotap_host.virtual.pn532_i2c import ADDRESS as RADIO_ADDRESS
from duotap_host.virtual.pn532_i2c import I2cPort
from duotap_host.virtual.pn532_spi import FLIPPED, SpiPort
from duotap_host.virtual.region import Region
from duotap_host.virtual.ssd1306_chip import ADDRESS, Ssd1306Chip
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.uart import UartLine

# 512 KiB of files and 1.25 MiB of journal: a stand keeps 1,000 payments of four pages, four to a
# sector, and its reserve; with a megabyte for the program a 2 MiB chip would be too small.
FILES_BLOCKS = 128
JOURNAL_BLOCKS = 320

PRESS_MS = 200  # a short press of a finger, seen by a process that waits for its turn too
GAP_MS = 80  # and the pause before the next one
BUS_BITS_PER_BYTE = 9
BUS_HZ = 400_000

HSU, I2C, SPI = "hsu", "i2c", "spi"  # how the PN532 is strapped

# A lithium cell over a divider of two equal resistors, against 3.3 V.
DIVIDER = 2
REFERENCE_MV = 3300

PWRON_RESET, HARD_RESET, WDT_RESET = 1, 2, 3


@dataclass(frozen=True)
class Event:
    """Something that a person beside the board could notice."""

    t_us: int
    what: str
    value: int | str = 0


class VirtualBoard:
    """One board with its antenna in `field`; put `chip` into it and take it out.

    `seed` and `name` fix its entropy, its chips' noise and its unique id; `bus` is the PN532's.
    `element`: whether an ATECC608 is soldered on too.
    """

    def __init__(
        self,
        timeline: Timeline,
        field: Field | None = None,
        *,
        kind: str = CARD,
        name: str = "",
        seed: bytes = b"",
        bus: str = HSU,
        element: bool = False,
        files_blocks: int = FILES_BLOCKS,
        journal_blocks: int = JOURNAL_BLOCKS,
    ) -> None:
        if kind not in (CARD, STAND):
            raise ValueError(f"a board is a {CARD} or a {STAND}, not {kind!r}")
        if bus not in (HSU, I2C, SPI):
            raise ValueError(f"a PN532 is on {HSU}, {I2C} or {SPI}, not {bus!r}")
        self.kind = kind
        self.name = name or kind
        self.timeline = timeline
        self.clock = VirtualClock(timeline)
        self.seed = hashlib.sha256(b"duotap board" + seed + name.encode()).digest()
        self.unique_id = self.seed[:8]
        self.nor = VirtualNor(files_blocks + journal_blocks, self._flash_busy)
        self.files = Region(self.nor, 0, files_blocks)
        self.journal = Region(self.nor, files_blocks, journal_blocks)
        self.line = UartLine(timeline, self.clock)
        self.field = field or Field(timeline)
        self.chip = VirtualPn532(timeline, self.field, self.name, seed=self.seed[1])
        self.pins = Pins()
        self.pins.on_change = self._pin_changed
        self.pins.on_drive = self._pin_driven
        self.bus = bus
        self.port = self._strapped()
        self.screen = Ssd1306Chip(self.seed[0])
        self.element = VirtualAtecc608(self.clock.now_us, self.seed) if element else None
        self.battery_mv = 3950
        self.powered = False
        self.reset_cause = PWRON_RESET
        self.events: list[Event] = []
        self.on_pin: Callable[[str, int], object] = lambda _name, _level: None
        self.on_power_lost: Callable[[], object] = lambda: None
        self.on_reset: Callable[[], object] = lambda: None
        self.drawn = asyncio.Event()
        self._driven: dict[str, int] = {}
        self._drawn: dict[str, int] = {}
        self._watchdog = _Watchdog(self)

    def _strapped(self) -> HsuPort | I2cPort | SpiPort:
        """The PN532's end of its bus."""
        if self.bus == HSU:
            port = HsuPort(self.chip)
            self.line.far.on_receive(self._chip_hears)
            port.on_output(self._chip_says)
            port.on_baudrate(self.line.far.set_baudrate)
            return port
        kind: type[I2cPort] | type[SpiPort] = I2cPort if self.bus == I2C else SpiPort
        wired = kind(self.chip, self.clock)
        wired.on_irq(lambda level: self.pins.pull(RADIO_IRQ, level))
        return wired

    # Power

    def power_on(self, cause: int = PWRON_RESET) -> None:
        """Every part wakes as it does on power; the flash keeps what it holds."""
        self.powered = True
        self.reset_cause = cause
        self.nor.power_on()
        self.screen.power_on()
        if self.element is not None:
            self.element.power_on()
        self.pins.power_on()
        self.note("power", "on")

    def cut(self) -> None:
        """The battery is pulled: at once, whatever was going on."""
        if self.powered:
            self.powered = self.nor.powered = False
            self._watchdog.stop()
            self._driven.clear()
            self.screen.power_on()
            self.chip.reset()
            self.note("power", "cut")
            self.on_power_lost()

    def reset(self, cause: int = HARD_RESET) -> None:
        """The microcontroller begins anew; the other parts keep their power."""
        if self.powered:
            self._watchdog.stop()
            self.reset_cause = cause
            self.note("reset", "watchdog" if cause == WDT_RESET else "asked for")
            self.on_reset()

    # A person beside it

    def enter(self) -> None:
        """Hold the board into the field, where all that are in it touch."""
        self.field.enter(self.chip)

    def leave(self) -> None:
        """Take it away."""
        self.field.leave(self.chip)

    def press(self, button: str, ms: int = PRESS_MS) -> None:
        """Hold a card's button or a stand's key down for `ms`, beginning now.

        A key goes by its legend or by its name: "#" is "ok". ValueError if there is none.
        """
        if self.kind == STAND:
            contact = KEY_OF.get(button, button)
        elif button in BUTTONS:
            contact = button
        else:
            raise ValueError(f"a card has no button {button!r}")
        self.pins.hold(contact)
        self.note("press", button)
        self.timeline.after(ms * 1000, self.pins.release, contact)

    def screen_png(self, path: Path, scale: int = 4) -> None:
        glass.save_png(self.screen, path, scale)

    def screen_lines(self) -> tuple[str, ...]:
        return glass.lines(self.screen)

    def note(self, what: str, value: int | str = 0) -> None:
        self.events.append(Event(self.timeline.now_us(), what, value))

    # As the microcontroller sees it

    def i2c_write(self, address: int, transfer: bytes, hz: int = BUS_HZ) -> bool:
        """A write on the bus of the display; False when nobody acknowledges."""
        if address == RADIO_ADDRESS and isinstance(self.port, I2cPort) and self.powered:
            return self.port.write(transfer)
        self._bus_time(1 + len(transfer), hz)
        if self.element is not None and self.powered and address != ADDRESS:
            return self.element.i2c_write(address, transfer, hz)
        if address != ADDRESS or not self.powered:
            return False
        self.screen.write(transfer)
        self.drawn.set()
        return True

    def i2c_read(self, address: int, nbytes: int, hz: int = BUS_HZ) -> bytes:
        """A read on the bus of the display; empty when nobody acknowledges."""
        if address == RADIO_ADDRESS and isinstance(self.port, I2cPort) and self.powered:
            return self.port.read(nbytes)
        self._bus_time(1 + nbytes, hz)
        if self.element is not None and self.powered and address != ADDRESS:
            return self.element.i2c_read(address, nbytes)
        return self.screen.read(nbytes) if address == ADDRESS and self.powered else b""

    def spi_transfer(self, octets: bytes) -> bytes:
        """Bytes out and in on the radio's bus, most significant bit first as an RP2040 sends."""
        if not isinstance(self.port, SpiPort) or not self.powered:
            return b"\xff" * len(octets)
        return self.port.transfer(octets.translate(FLIPPED)).translate(FLIPPED)

    def set_pwm(self, pin: str, freq: int, duty_u16: int) -> None:
        """Buzzer and light: noted when what is heard or seen changes."""
        heard = freq if pin == "BUZZER" and duty_u16 else duty_u16
        if self._driven.get(pin, 0) != heard:
            self._driven[pin] = heard
            self.note({"BUZZER": "tone", "LIGHT": "light"}.get(pin, pin), heard)

    def read_adc(self, pin: str) -> int:
        if pin != "BATTERY":
            return 0
        return min(65535, self.battery_mv * 65535 // (DIVIDER * REFERENCE_MV))

    def watchdog_start(self, timeout_ms: int) -> None:
        self._watchdog.start(timeout_ms)

    def watchdog_feed(self) -> None:
        self._watchdog.feed()

    def entropy(self, purpose: str, nbytes: int) -> bytes:
        """The next bytes of the generator's stream for this purpose; goes on over a reset."""
        stream = b""
        while len(stream) < nbytes:
            count = self._drawn[purpose] = self._drawn.get(purpose, 0) + 1
            block = self.seed + purpose.encode() + b"\0" + count.to_bytes(8, "big")
            stream += hashlib.sha256(block).digest()
        return stream[:nbytes]

    def _chip_hears(self, chunk: bytes, byte_us: float) -> None:
        if self.powered and isinstance(self.port, HsuPort):
            self.port.feed(chunk, byte_us)

    def _chip_says(self, chunk: bytes) -> None:
        if self.powered:
            self.line.far.send(chunk)

    def _pin_changed(self, name: str, level: int) -> None:
        self.clock.kick()
        self.on_pin(name, level)

    def _pin_driven(self, name: str, level: int) -> None:
        if name == RADIO_RESET and not level:
            self.chip.reset()
        elif name == RADIO_SELECT and isinstance(self.port, SpiPort):
            self.port.select(level)

    def _flash_busy(self, us: int) -> None:
        self.clock.charge(us, FLASH)

    def _bus_time(self, nbytes: int, hz: int) -> None:
        self.clock.charge(nbytes * BUS_BITS_PER_BYTE * 1_000_000 // hz, "bus")


def pin_name(name: str) -> str:
    """`name` if the board has such a line; ValueError otherwise, as `machine.Pin` raises it."""
    if name not in NAMES:
        raise ValueError(f"unknown pin {name!r}")
    return name


class _Watchdog:
    """Resets the board when `timeout_ms` pass without food; cannot be stopped by firmware."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self._timeout_ms = 0
        self._fed_us = 0
        self._armed = 0

    def start(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._armed += 1
        self.feed()
        self._look(self._armed)

    def feed(self) -> None:
        self._fed_us = self._board.clock.now_us()

    def stop(self) -> None:
        self._timeout_ms = 0
        self._armed += 1

    def _look(self, armed: int) -> None:
        """Wake at the time-out of the last feed seen: one timer, however often it is fed."""
        if armed != self._armed:
            return
        due_us = self._fed_us + self._timeout_ms * 1000
        if due_us <= self._board.timeline.now_us():
            self._board.reset(WDT_RESET)
        else:
            self._board.timeline.at(due_us, self._look, armed)
