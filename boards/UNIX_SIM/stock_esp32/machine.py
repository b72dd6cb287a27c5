# SPDX-License-Identifier: Apache-2.0
"""`machine` of the stock interpreter as a board file for the ESP32 uses it: lines have numbers,
buses are told theirs, and what the chip refuses is refused. Behind it: a virtual board.

`lines.py` beside it, made from the board's pins.csv, says what each number is called.
"""

import simulated
from lines import LINES

reset = simulated.reset
REFERENCE_UV = 3300000
FULL_SCALE = 65535
_OPENED = {"PN532_RSTPDN": "RADIO_RESET"}
_BUSES = ("PN532_", "DISPLAY_")
_FREQUENCIES = (20000000, 40000000, 80000000, 160000000, 240000000)


def freq(hz):
    if hz not in _FREQUENCIES:
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")


class Pin(simulated.Pin):
    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if id not in LINES:
            raise ValueError("nothing is wired there")
        self.name = LINES[id]
        if self.name in _OPENED:
            super().__init__(_OPENED[self.name], mode, pull, value=value)
        elif not self.name.startswith(_BUSES):
            super().__init__(self.name, mode, pull, value=value)


def _wired(pin, name):
    if pin.name != name:
        raise ValueError("invalid pin")


class UART(simulated.UART):
    def __init__(self, id, baudrate=115200, *, tx, rx, rxbuf):
        _wired(tx, "PN532_TX")
        _wired(rx, "PN532_RX")
        if id not in (1, 2):
            raise ValueError("that one is the console's")
        super().__init__(0, baudrate, rxbuf=rxbuf)


class I2C(simulated.I2C):
    def __init__(self, id, *, scl, sda, freq):
        _wired(scl, "DISPLAY_SCL")
        _wired(sda, "DISPLAY_SDA")
        super().__init__(id, freq=freq)


class ADC(simulated.ADC):
    ATTN_11DB = 3

    def __init__(self, id, *, atten):
        _wired(id, "BATTERY")
        super().__init__(id)

    def read_uv(self):
        return self.read_u16() * REFERENCE_UV // FULL_SCALE


class PWM(simulated.PWM):
    pass


class WDT(simulated.WDT):
    pass
