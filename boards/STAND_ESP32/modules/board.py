# SPDX-License-Identifier: Apache-2.0
"""A stand on an ESP32 board: which parts there are and how they are wired (pins.csv, board.md).

Runs on the stock interpreter and on a build of its own, both with the partition table of this
folder. Knows no protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import machine
from drivers import ssd1306
from drivers.battery import Battery
from drivers.buzzer import Buzzer
from drivers.keypad import Keypad
from drivers.light import FREQUENCY_HZ, Light
from machine import Pin
from port import esp32_chip
from port.cipher import Aes
from port.clock import BoardClock
from port.console import usb_console
from port.files import Files, firmware_digest
from port.parts import DEVELOPMENT, STAND, Parts

if TYPE_CHECKING:
    from typing import Any, Callable

# GPIO numbers: the stock interpreter knows no names of ours.
PN532_TX, PN532_RX = 17, 16
PN532_RSTPDN = 23
DISPLAY_SDA, DISPLAY_SCL = 21, 22
KEY_ROW0, KEY_ROW1, KEY_ROW2, KEY_ROW3 = 13, 14, 27, 26
KEY_COL0, KEY_COL1, KEY_COL2, KEY_COL3 = 25, 33, 32, 4
BUZZER = 18
LIGHT = 19
BATTERY = 35
BATTERY_DIVIDER = 2

RADIO_BAUDRATE = 115200  # after power-on
RADIO_BAUDRATE_MAX = 921600
UART_RING_BYTES = 512  # a full answer of the PN532 is 271 bytes
WATCHDOG_MS = 8000
CPU_HZ = 240_000_000


def build() -> Parts:
    """Parts of this board; the watchdog runs when this returns."""
    machine.freq(CPU_HZ)
    parts = Parts()
    parts.kind = STAND
    parts.console = usb_console()
    parts.clock = BoardClock()
    parts.files = Files("/")
    parts.firmware_digest = firmware_digest(parts.files)
    parts.journal_store = esp32_chip.journal(_partition(), parts.files)
    parts.entropy = esp32_chip.entropy()
    parts.cipher = Aes
    parts.radio_bus = _radio_bus(parts.clock)
    bus = machine.I2C(0, sda=Pin(DISPLAY_SDA), scl=Pin(DISPLAY_SCL), freq=400_000)
    parts.display = ssd1306.found(bus)
    adc = machine.ADC(Pin(BATTERY), atten=machine.ADC.ATTN_11DB)
    parts.battery = Battery(esp32_chip.Calibrated(adc), divider=BATTERY_DIVIDER)
    parts.buzzer = Buzzer(machine.PWM(Pin(BUZZER), duty_u16=0), parts.clock)
    parts.light = Light(machine.PWM(Pin(LIGHT), freq=FREQUENCY_HZ, duty_u16=0), parts.clock)
    rows = (KEY_ROW0, KEY_ROW1, KEY_ROW2, KEY_ROW3)
    columns = (KEY_COL0, KEY_COL1, KEY_COL2, KEY_COL3)
    parts.keypad = Keypad(
        tuple([Pin(number, Pin.OUT, value=0) for number in rows]),
        tuple([Pin(number, Pin.IN, Pin.PULL_UP) for number in columns]),
        parts.clock,
    )
    parts.signer = esp32_chip.signer(parts.entropy)
    parts.reset = machine.reset
    if parts.firmware_digest.startswith(DEVELOPMENT):
        from port.development import open_up

        open_up(parts)
    else:
        parts.wdt = machine.WDT(timeout=WATCHDOG_MS)
    return parts


def _radio_bus(clock: BoardClock) -> Callable[[], Any]:
    """What makes the bus of the PN532; imported when it is used."""
    tx, rx = Pin(PN532_TX), Pin(PN532_RX)
    uart = machine.UART(2, RADIO_BAUDRATE, tx=tx, rx=rx, rxbuf=UART_RING_BYTES)

    def bus() -> Any:
        from drivers.pn532_hsu import Hsu

        return Hsu(uart, clock, RADIO_BAUDRATE_MAX, Pin(PN532_RSTPDN, Pin.OUT, value=1))

    return bus


def _partition() -> list[Any]:
    from esp32 import Partition

    return Partition.find(Partition.TYPE_DATA, label="journal")
