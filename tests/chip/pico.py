# SPDX-License-Identifier: Apache-2.0
"""A virtual board whose microcontroller is an emulated RP2040 with the interpreter of its UF2.

Everything around the chip is the virtual board's: PN532 on the UART, display on the I2C bus,
buttons or keypad at the pins, cell at the divider. The console is the chip's USB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from duotap_host.flash import stock
from duotap_host.flash.geometry import BLOCK_BYTES, RP2040
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.clock import FLASH
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.nor import ERASE_US, PAGE, PAGE_US, SECTOR
from duotap_host.virtual.pins import BUTTONS, COLUMNS, ROWS
from duotap_host.virtual.ssd1306_chip import ADDRESS
from duotap_host.virtual.uart import MISMATCH, garble
from upy.stock import board_name, lines_of

from chip.coupled import CoupledLoop
from chip.emulated import Emulated
from chip.setting import setting
from chip.usb import Usb

FIRST_GPIO_OF_ADC = 26
DIVIDER, REFERENCE_MV, ADC_MAX = 3, 3300, 4095  # board.md: the Pico's own, at VSYS
TXBUF_BYTES = 65536  # the chip's own buffers are in the emulator
TRACEBACK = b"Traceback (most recent call last)"
TRACEBACK_S = 0.2  # until all of it has been said


class PicoDevice(VirtualDevice):
    """`flash` is a file with what the chip's flash holds; the emulator reads it once."""

    def __init__(self, board: VirtualBoard, flash: Path) -> None:
        super().__init__(board)
        assert isinstance(board.timeline.loop, CoupledLoop)
        self._loop = board.timeline.loop
        self.chip = Emulated(setting().packages, setting().bootrom, flash)
        self.console = self.usb = Usb(self.chip)
        self.overruns = 0  # bytes that found the UART's FIFO full
        self._baudrate = 0
        self._gpio = {name: gpio for gpio, name in lines_of(board_name(board.kind)).items()}
        board.line.device.on_coming(self._coming)
        board.on_pin = self._pin_changed
        board.on_power_lost = self._power_lost
        self._told: dict[str, Callable[..., None]] = {
            "connected": lambda: None,
            "uart": self._sent,
            "overrun": self._overrun,
            "i2c": self._i2c,
            "console": self._said,
            "flash": self._flash,
            "reboot": self._reboot,
        }

    # Power

    async def boot(self) -> None:
        self.ended.clear()
        self.crash_text = ""
        self.board.power_on()
        for row in ROWS:
            self.board.pins.drive(row, 0)  # which of them the chip drives is looked at there
        self.chip.order("seed", int.from_bytes(self.board.seed[:4], "big"))
        self.chip.order("power")
        self.chip.order("at", self.board.timeline.now_us())
        self._wire()
        self._loop.runners.append(self)

    def _wire(self) -> None:
        """What a chip that begins anew finds around it."""
        self.chip.order("answers", ADDRESS)
        for name in (*BUTTONS.values(), *COLUMNS):
            self._pin_changed(name, self.board.pins.level(name))
        level = self.board.battery_mv * ADC_MAX // (DIVIDER * REFERENCE_MV)
        self.chip.order("adc", self._gpio["BATTERY"] - FIRST_GPIO_OF_ADC, min(ADC_MAX, level))

    def _power_lost(self) -> None:
        self._loop.runners.remove(self)
        self.ended.set()

    async def close(self) -> None:
        self.cut()
        self.chip.close()

    # Time

    def run(self, until_us: int) -> int:
        """As coupled.Runner: what left the chip happens once the loop has come there."""
        now_us, told = self.chip.advance(until_us)
        for what, *values in told:
            self._loop.call_soon(self._told[what], *values)
        return now_us

    # What leaves the chip

    def _sent(self, values: list[int], baudrate: int) -> None:
        if baudrate != self._baudrate:
            self._baudrate = baudrate
            self.board.line.device.init(baudrate, txbuf=TXBUF_BYTES)
        self.board.line.device.write(bytes(values))

    def _overrun(self) -> None:
        self.overruns += 1

    def _i2c(self, address: int, content: str) -> None:
        self.board.i2c_write(address, bytes.fromhex(content))

    def _said(self, content: str) -> None:
        self.usb.said(bytes.fromhex(content))
        if TRACEBACK in self.usb.heard and not self.crash_text:
            self._loop.call_later(TRACEBACK_S, self._crashed)

    def _crashed(self) -> None:
        _, _, text = bytes(self.usb.heard).partition(TRACEBACK)
        self.crash_text = (TRACEBACK + text).decode(errors="replace")

    def _flash(self, kind: str, _at: int, nbytes: int) -> None:
        us = nbytes // SECTOR * ERASE_US if kind == "erase" else nbytes // PAGE * PAGE_US
        self.board.clock.charge(us, FLASH)

    def _reboot(self, reason: str) -> None:
        self.board.note("reset", reason)
        self._wire()

    # What comes to it

    def _coming(self, chunk: bytes, start_us: int, end_us: int, baudrate: int) -> None:
        if abs(baudrate - self._baudrate) > MISMATCH * self._baudrate:
            chunk = garble(chunk)
        byte_us = (end_us - start_us) / len(chunk)
        self.chip.order("uart", chunk.hex(), start_us + byte_us, byte_us)

    def _pin_changed(self, name: str, level: int) -> None:
        if name in BUTTONS.values() and name in self._gpio:
            self.chip.order("pin", self._gpio[name], level)
        elif name in COLUMNS and name in self._gpio:
            closed = [[self._gpio[row], self._gpio[at]] for row, at in self.board.pins.closed()]
            self.chip.order("keys", [self._gpio[column] for column in COLUMNS], closed)

    # What lies in it

    def journal_bytes(self) -> bytes:
        files = self.chip.flash(RP2040.files_at, RP2040.files_blocks * BLOCK_BYTES)
        return stock.journal(files, RP2040)
