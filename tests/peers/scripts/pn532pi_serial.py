# SPDX-License-Identifier: Apache-2.0
"""pn532pi on any serial port: the library itself knows two ports of a Raspberry Pi."""

from __future__ import annotations

from pn532pi import Pn532
from pn532pi.interfaces.pn532hsu import Pn532Hsu
from serial import Serial


class AnyHsu(Pn532Hsu):
    """Its HSU interface on a port given by path."""

    def __init__(self, path: str) -> None:
        self._serial = Serial(path, baudrate=115200, timeout=100)
        self._serial.close()
        self.command = 0


def chip_at(path: str) -> Pn532:
    """The chip, not begun yet."""
    return Pn532(AnyHsu(path))
