# SPDX-License-Identifier: Apache-2.0
"""A stand on a Raspberry Pi Pico: which parts there are and how they are wired (pins.csv,
board.md).

Runs on the stock interpreter and on a build of its own. Knows no protocol.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import machine
import rp2
from drivers import ssd1306
from drivers.battery import Battery
from drivers.buzzer import Buzzer
from drivers.keypad import Keypad
from drivers.light import FREQUENCY_HZ, Light
from machine import Pin
from port import rp2040
from port.cipher import Aes
from port.clock import BoardClock
from port.console import usb_console
from port.entropy import Entropy
from port.files import Files, firmware_digest
from port.parts import DEVELOPMENT, STAND, Parts

if TYPE_CHECKING:
    from typing import Any, Callable

# GPIO numbers: the stock interpreter knows no names of ours.
PN532_TX, PN532_RX = 0, 1
DISPLAY_SDA, DISPLAY_SCL = 4, 5
KEY_ROW0, KEY_ROW1, KEY_ROW2, KEY_ROW3 = 6, 7, 8, 9
KEY_COL0, KEY_COL1, KEY_COL2, KEY_COL3 = 10, 11, 12, 13
BUZZER = 15
LIGHT = 16
BATTERY = 29  # the Pico's own divider of VSYS
BATTERY_DIVIDER = 3

# While a page of flash is programmed, 0.8 ms, the UART has but its 32 bytes: 2.8 ms at this speed,
# 0.3 ms at the PN532's highest.
RADIO_BAUDRATE = 115200
UART_RING_BYTES = 512  # a full answer of the PN532 is 271 bytes
WATCHDOG_MS = 8000  # the chip's longest is 8388


def build() -> Parts:
    """Parts of this board; the watchdog runs when this returns."""
    parts = Parts()
    parts.kind = STAND
    parts.console = usb_console()
    parts.clock = BoardClock()
    parts.files = Files("/")
    parts.firmware_digest = firmware_digest(parts.files)
    parts.journal_store = rp2040.journal(_reserved(), rp2.Flash(), parts.files)
    parts.entropy = Entropy(lambda purpose, nbytes: os.urandom(nbytes))
    parts.cipher = Aes
    parts.radio_bus = _radio_bus(parts.clock)
    bus = machine.I2C(0, sda=Pin(DISPLAY_SDA), scl=Pin(DISPLAY_SCL), freq=400_000)
    parts.display = ssd1306.found(bus)
    parts.battery = Battery(machine.ADC(Pin(BATTERY)), divider=BATTERY_DIVIDER)
    parts.buzzer = Buzzer(machine.PWM(Pin(BUZZER)), parts.clock)
    parts.light = Light(machine.PWM(Pin(LIGHT), freq=FREQUENCY_HZ), parts.clock)
    rows = (KEY_ROW0, KEY_ROW1, KEY_ROW2, KEY_ROW3)
    columns = (KEY_COL0, KEY_COL1, KEY_COL2, KEY_COL3)
    parts.keypad = Keypad(
        tuple([Pin(number, Pin.OUT, value=0) for number in rows]),
        tuple([Pin(number, Pin.IN, Pin.PULL_UP) for number in columns]),
        parts.clock,
    )
    parts.signer = rp2040.signer(parts.entropy)
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
    uart = machine.UART(0, RADIO_BAUDRATE, tx=tx, rx=rx, rxbuf=UART_RING_BYTES)

    def bus() -> Any:
        from drivers.pn532_hsu import Hsu

        return Hsu(uart, clock, RADIO_BAUDRATE)

    return bus


def _reserved() -> rp2.Flash | None:
    """What a build of its own has set aside for the journal (journal_flash.py)."""
    try:
        from journal_flash import journal
    except ImportError:
        return None
    return journal()
