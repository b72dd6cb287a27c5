# SPDX-License-Identifier: Apache-2.0
"""The PC as a board: which parts there are and how they are wired.

The same file builds the parts on the Unix port and, handed a `machine` and what else lies in the
host then, in process on CPython. One board is both products, as its virtual board was built.
Knows no protocol.
"""

from __future__ import annotations

from drivers.battery import Battery
from drivers.buzzer import Buzzer
from drivers.light import FREQUENCY_HZ, Light
from drivers.ssd1306 import Ssd1306
from port import late
from port.clock import BoardClock
from port.console import usb_console
from port.entropy import Entropy
from port.files import Files
from port.parts import DIGEST_FILE, STAND, Parts
from port.signer import KeylessSigner, SoftwareSigner

# A full answer of the PN532 is 271 bytes; the stock ring of 256 would lose the end of one.
UART_RING_BYTES = 512
# Longer than the longest computation without a feed (two portable verifications, RP2040).
WATCHDOG_MS = 8000
RADIO_BAUDRATE = 921600
RADIO_SPI_HZ = 1000000
# What a peer is told to expect; an RP2040 with portable signatures.
SIGN_MS = 130
VERIFY_MS = 675


def build(machine=None, clock=None, console=None, files=None, cipher=None, charged=None):
    """Parts of this board; what is not handed in is the Unix port's own.

    `parts.signer(secret)` makes the signer (0: before there is a key); `charged(signer)` puts
    modelled computing time around it.
    """
    is_own = machine is None
    if is_own:
        machine = _own_machine()
    parts = Parts()
    parts.kind = machine.kind()
    parts.clock = clock or BoardClock()
    parts.console = console or usb_console()
    parts.files = files or Files("/")
    parts.firmware_digest = parts.files.read(DIGEST_FILE)
    parts.entropy = Entropy(machine.entropy)
    parts.cipher = cipher or _own_cipher()
    parts.journal_store = machine.flash("journal")
    wires = machine.I2C(0, freq=400000)
    parts.radio_bus = _radio_bus(machine, parts.clock, wires)
    parts.display = Ssd1306(wires)
    parts.battery = Battery(machine.ADC(machine.Pin("BATTERY")))
    parts.buzzer = Buzzer(machine.PWM(machine.Pin("BUZZER")), parts.clock)
    parts.light = Light(machine.PWM(machine.Pin("LIGHT"), freq=FREQUENCY_HZ), parts.clock)
    if parts.kind == STAND:
        parts.keypad = _keypad(machine, parts.clock)
    else:
        parts.buttons = _buttons(machine, parts.clock)
    parts.wdt = machine.WDT(timeout=WATCHDOG_MS)
    parts.reset = machine.reset

    def signer(secret):
        plain = KeylessSigner(SIGN_MS, VERIFY_MS)
        if secret:
            plain = SoftwareSigner(secret, parts.entropy, SIGN_MS, VERIFY_MS)
        return charged(plain) if charged else plain

    parts.signer = signer
    if is_own:
        late.spend("board", _own_machine, _own_cipher, _radio_bus, _buttons, _keypad)
    return parts


def _radio_bus(machine, clock, wires):
    """What makes the bus of the PN532, as this board's is strapped; imported when it is used."""
    pin = machine.Pin
    if machine.radio() == "hsu":
        uart = machine.UART(0, 115200, rxbuf=UART_RING_BYTES)

        def bus():
            from drivers.pn532_hsu import Hsu

            return Hsu(uart, clock, RADIO_BAUDRATE, pin("RADIO_RESET", pin.OUT, value=1))

    elif machine.radio() == "i2c":

        def bus():
            from drivers.pn532_i2c import I2c

            return I2c(wires, clock, pin("RADIO_IRQ", pin.IN, pin.PULL_UP))

    else:
        spi = machine.SPI(0, RADIO_SPI_HZ)

        def bus():
            from drivers.pn532_spi import Spi

            select = pin("RADIO_SELECT", pin.OUT, value=1)
            return Spi(spi, select, clock, pin("RADIO_IRQ", pin.IN, pin.PULL_UP))

    return bus


def _buttons(machine, clock):
    from drivers.buttons import Buttons  # late: a stand has none

    pin = machine.Pin
    names = (("pay", "BUTTON_PAY"), ("up", "BUTTON_UP"), ("ok", "BUTTON_OK"))
    return Buttons([(name, pin(line, pin.IN, pin.PULL_UP)) for name, line in names], clock)


def _keypad(machine, clock):
    from drivers.keypad import Keypad  # late: a card has none

    pin = machine.Pin
    rows = [pin(f"KEY_ROW{i}", pin.OUT, value=0) for i in range(4)]
    columns = [pin(f"KEY_COL{i}", pin.IN, pin.PULL_UP) for i in range(4)]
    return Keypad(rows, columns, clock)


def _own_machine():
    import machine

    return machine


def _own_cipher():
    from port.cipher import Aes

    return Aes
