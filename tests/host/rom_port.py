# SPDX-License-Identifier: Apache-2.0
"""A serial port as esptool takes it, with an ESP32's ROM at its end: no time passes."""

from __future__ import annotations

from typing import Any

from duotap_host.virtual.esp32_rom import Esp32Rom, Unplugged
from serial import SerialException


class RomPort:
    """The part of pyserial's Serial that esptool uses."""

    def __init__(self, rom: Esp32Rom) -> None:
        self.rom = rom
        self.baudrate = 115200
        self.timeout: Any = 3
        self.port = self.name = "rom"
        self._received = bytearray()

    def write(self, content: bytes) -> int:
        try:
            self._received += self.rom.feed(content)
        except Unplugged:
            raise SerialException("device disconnected") from None
        return len(content)

    def read(self, size: int = 1) -> bytes:
        chunk = bytes(self._received[:size])
        del self._received[:size]
        return chunk

    def inWaiting(self) -> int:
        return len(self._received)

    in_waiting = property(inWaiting)

    def reset_input_buffer(self) -> None:
        self._received.clear()

    flushInput = reset_input_buffer

    def flushOutput(self) -> None: ...

    reset_output_buffer = flush = flushOutput

    def close(self) -> None: ...
