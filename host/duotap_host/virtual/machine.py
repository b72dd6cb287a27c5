# SPDX-License-Identifier: Apache-2.0
"""`machine` of a virtual board for firmware that runs in this very Python.

The same classes and signatures as boards/UNIX_SIM/modules/machine.py, without a channel. One
object lives from a boot to the next: once the power is gone everything that was handed out raises
PowerCut, so that no task of that boot has any effect afterwards. Runs no firmware.
"""

from __future__ import annotations

from typing import Any

from duotap_host.virtual.board import VirtualBoard, pin_name
from duotap_host.virtual.nor import PowerCut
from duotap_host.virtual.region import Region


class Reset(BaseException):
    """The firmware asked for a reset: nothing of this boot goes on."""


class VirtualMachine:
    """The module: `machine.Pin(...)`, `machine.Pin.IN`, `machine.UART(...)` and so on."""

    PWRON_RESET = 1
    HARD_RESET = 2
    WDT_RESET = 3

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self.alive = True
        self.Pin = _PinClass(self)
        self._regions = {"files": board.files, "journal": board.journal}

    def check(self) -> VirtualBoard:
        """The board. Raises PowerCut when this boot is over."""
        if not self.alive or not self.board.powered:
            raise PowerCut
        return self.board

    def UART(self, id: int, baudrate: int = 115200, **settings: Any) -> Uart:
        uart = Uart(self)
        uart.init(baudrate, **settings)
        return uart

    def I2C(self, id: int, *, freq: int = 400_000, **settings: Any) -> I2c:
        return I2c(self, freq)

    def SPI(self, id: int, baudrate: int = 1_000_000, **settings: Any) -> Spi:
        return Spi(self)

    def PWM(self, dest: Pin, *, freq: int = 0, duty_u16: int = 0) -> Pwm:
        return Pwm(self, dest.name, freq, duty_u16)

    def ADC(self, id: Pin) -> Adc:
        return Adc(self, id.name)

    def WDT(self, id: int = 0, timeout: int = 5000) -> Wdt:
        self.check().watchdog_start(timeout)
        return Wdt(self)

    def reset(self) -> None:
        self.check().reset()
        raise Reset

    def unique_id(self) -> bytes:
        return self.check().unique_id

    def reset_cause(self) -> int:
        return self.check().reset_cause

    def kind(self) -> str:
        return self.check().kind

    def radio(self) -> str:
        return self.check().bus

    def flash(self, region: str) -> Flash:
        return Flash(self, self._regions[region])

    def entropy(self, purpose: str, nbytes: int) -> bytes:
        return self.check().entropy(purpose, nbytes)


class Pin:
    """One line of the board, by its name."""

    def __init__(self, machine: VirtualMachine, name: str) -> None:
        self._machine = machine
        self.name = pin_name(name)

    def value(self, x: int | None = None, /) -> int:
        board = self._machine.check()
        if x is not None:
            board.pins.drive(self.name, x)
        return board.pins.level(self.name)

    def __call__(self, *x: int) -> int:
        return self.value(*x)

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)


class _PinClass:
    """What `machine.Pin` is: called it makes a Pin, and it has the stock constants."""

    IN = 0
    OUT = 1
    PULL_UP = 1
    PULL_DOWN = 2

    def __init__(self, machine: VirtualMachine) -> None:
        self._machine = machine

    def __call__(
        self, id: str, mode: int = -1, pull: int = -1, *, value: int | None = None
    ) -> Pin:
        pin = Pin(self._machine, id)
        if value is not None:
            pin.value(value)
        return pin


class Uart:
    """The board's end of its line to the PN532."""

    def __init__(self, machine: VirtualMachine) -> None:
        self._machine = machine

    def init(self, baudrate: int = 115200, **settings: Any) -> None:
        self._machine.check().line.device.init(baudrate, **settings)

    def deinit(self) -> None:
        self._machine.check().line.device.deinit()

    def any(self) -> int:
        return self._machine.check().line.device.any()

    def read(self, nbytes: int = -1, /) -> bytes | None:
        return self._machine.check().line.device.read(nbytes)

    def readinto(self, buf: bytearray | memoryview, nbytes: int = -1, /) -> int | None:
        return self._machine.check().line.device.readinto(buf, nbytes)

    def write(self, buf: bytes | bytearray | memoryview, /) -> int | None:
        return self._machine.check().line.device.write(buf)


class Spi:
    """The bus of the radio, with the hardware of an RP2040: most significant bit first."""

    def __init__(self, machine: VirtualMachine) -> None:
        self._machine = machine

    def write(self, buf: bytes | bytearray | memoryview, /) -> None:
        self._machine.check().spi_transfer(bytes(buf))

    def read(self, nbytes: int, write: int = 0x00, /) -> bytes:
        return self._machine.check().spi_transfer(bytes((write,)) * nbytes)

    def readinto(self, buf: bytearray | memoryview, write: int = 0x00, /) -> None:
        buf[:] = self.read(len(buf), write)

    def write_readinto(self, write_buf: bytes, read_buf: bytearray | memoryview, /) -> None:
        read_buf[:] = self._machine.check().spi_transfer(bytes(write_buf))


class I2c:
    """The bus of the display and of a secure element, and of the radio where it is on I2C. A cut
    that was planned inside the element takes the board's power with it."""

    def __init__(self, machine: VirtualMachine, hz: int) -> None:
        self._machine = machine
        self._hz = hz

    def writeto(self, addr: int, buf: bytes | bytearray | memoryview, stop: bool = True, /) -> int:
        board = self._machine.check()
        try:
            heard = board.i2c_write(addr, bytes(buf), self._hz)
        except PowerCut:
            board.cut()
            raise
        if not heard:
            raise OSError(5, "no acknowledge")
        return len(buf)

    def readfrom(self, addr: int, nbytes: int, stop: bool = True, /) -> bytes:
        answer = self._machine.check().i2c_read(addr, nbytes, self._hz)
        if len(answer) != nbytes:
            raise OSError(5, "no acknowledge")
        return answer

    def readfrom_into(self, addr: int, buf: bytearray | memoryview, stop: bool = True, /) -> None:
        buf[:] = self.readfrom(addr, len(buf))

    def writeto_mem(self, addr: int, memaddr: int, buf: bytes, /) -> None:
        self.writeto(addr, bytes((memaddr,)) + bytes(buf))

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, /) -> bytes:
        self.writeto(addr, bytes((memaddr,)), False)
        return self.readfrom(addr, nbytes)


class Pwm:
    """Buzzer or light."""

    def __init__(self, machine: VirtualMachine, pin: str, freq: int, duty_u16: int) -> None:
        self._machine = machine
        self._pin = pin
        self._freq = freq
        self._duty = duty_u16
        self._set()

    def freq(self, value: int | None = None, /) -> int:
        if value is not None:
            self._freq = value
            self._set()
        return self._freq

    def duty_u16(self, value: int | None = None, /) -> int:
        if value is not None:
            self._duty = value
            self._set()
        return self._duty

    def deinit(self) -> None:
        self.duty_u16(0)

    def _set(self) -> None:
        self._machine.check().set_pwm(self._pin, self._freq, self._duty)


class Adc:
    """The battery's divider."""

    def __init__(self, machine: VirtualMachine, pin: str) -> None:
        self._machine = machine
        self._pin = pin

    def read_u16(self) -> int:
        return self._machine.check().read_adc(self._pin)


class Wdt:
    """The watchdog, running."""

    def __init__(self, machine: VirtualMachine) -> None:
        self._machine = machine

    def feed(self) -> None:
        self._machine.check().watchdog_feed()


class Flash:
    """A region of the flash; a planned cut takes the board's power with it."""

    def __init__(self, machine: VirtualMachine, region: Region) -> None:
        self._machine = machine
        self._region = region

    def readblocks(self, n: int, buf: bytearray | memoryview, off: int = 0, /) -> None:
        self._machine.check()
        self._region.readblocks(n, buf, off)

    def writeblocks(
        self, n: int, buf: bytes | bytearray | memoryview, off: int | None = None, /
    ) -> None:
        board = self._machine.check()
        try:
            self._region.writeblocks(n, buf, off)
        except PowerCut:
            board.cut()
            raise

    def ioctl(self, op: int, arg: int, /) -> int | None:
        board = self._machine.check()
        try:
            return self._region.ioctl(op, arg)
        except PowerCut:
            board.cut()
            raise
