# SPDX-License-Identifier: Apache-2.0
"""`machine` of the stock interpreter as a board file for the RP2040 uses it: lines have numbers,
buses are told theirs, and what the chip refuses is refused. Behind it: a virtual board.

`lines.py` beside it, made from the board's pins.csv, says what each number is called.
"""

import simulated
from lines import LINES

RP2040_WDT_MAX_MS = 8388

reset = simulated.reset
_BUSES = ("PN532_", "DISPLAY_")


class Pin(simulated.Pin):
    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if id not in LINES:
            raise ValueError("nothing is wired there")
        self.name = LINES[id]
        if not self.name.startswith(_BUSES):
            super().__init__(self.name, mode, pull, value=value)


def _wired(pin, name):
    if pin.name != name:
        raise ValueError("bad pin")


class UART(simulated.UART):
    def __init__(self, id, baudrate=115200, *, tx, rx, rxbuf):
        _wired(tx, "PN532_TX")
        _wired(rx, "PN532_RX")
        super().__init__(id, baudrate, rxbuf=rxbuf)


class I2C(simulated.I2C):
    def __init__(self, id, *, scl, sda, freq):
        _wired(scl, "DISPLAY_SCL")
        _wired(sda, "DISPLAY_SDA")
        super().__init__(id, freq=freq)


class ADC(simulated.ADC):
    def __init__(self, id):
        _wired(id, "BATTERY")
        super().__init__(id)


class PWM(simulated.PWM):
    pass


class WDT(simulated.WDT):
    def __init__(self, id=0, timeout=5000):
        if timeout > RP2040_WDT_MAX_MS:
            raise ValueError("timeout exceeds 8388")
        super().__init__(id, timeout)
