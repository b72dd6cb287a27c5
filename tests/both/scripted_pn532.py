# SPDX-License-Identifier: Apache-2.0
"""A driver that plays against a scripted PN532 (scripted_uart.py), and scripts."""

import asyncio
from binascii import hexlify

from drivers.pn532_hsu import Hsu
from scripted_uart import Clock, ScriptedUart
from whole_pn532 import WholePn532


class Play:
    """A driver on a script; the script must have been used up in the end."""

    def __init__(self, *script, baudrate=115200):
        self.clock = Clock()
        self.uart = ScriptedUart(*script)
        self.pn532 = WholePn532(Hsu(self.uart, self.clock, baudrate), self.clock)

    def run(self, story):
        result = asyncio.run(story)
        assert not self.uart.lines, self.uart.lines
        assert self.pn532.quiet
        return result


async def ends_in(kind, story):
    """The error that `story` raises, which is of class `kind`."""
    try:
        await story
    except kind as error:
        return error
    raise AssertionError("no error")


def text(octets):
    return hexlify(octets).decode()
