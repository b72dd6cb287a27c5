# SPDX-License-Identifier: Apache-2.0
"""A serial port as a line: USB of a board, or a pseudo-terminal. Knows no frame."""

from __future__ import annotations

import asyncio
from types import TracebackType

import serial

from duotap_host.device.errors import NoLine

BAUDRATE = 115200  # USB ignores it
LOOK_S = 0.002  # a frame over USB takes as long
WRITE_S = 2.0


class SerialLine:
    """An open port; `with` closes it. NoLine if it cannot be opened, or goes away."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._port = serial.Serial(path, BAUDRATE, timeout=0, write_timeout=WRITE_S)
        except (OSError, ValueError) as error:
            raise NoLine(f"cannot open {path}: {_why(error)}") from None

    def __enter__(self) -> SerialLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._port.close()

    async def read(self, nbytes: int = 4096) -> bytes:
        while True:
            chunk = self._try_read(nbytes)
            if chunk:
                return chunk
            await asyncio.sleep(LOOK_S)

    async def write(self, chunk: bytes) -> None:
        try:
            self._port.write(chunk)
        except serial.SerialTimeoutException:
            await asyncio.sleep(LOOK_S)  # nobody reads there: the answer will not come either
        except OSError as error:
            raise NoLine(f"{self.path} is gone: {_why(error)}") from None

    def _try_read(self, nbytes: int) -> bytes:
        try:
            chunk: bytes = self._port.read(nbytes)
        except OSError as error:
            raise NoLine(f"{self.path} is gone: {_why(error)}") from None
        return chunk


def _why(error: Exception) -> str:
    """The system's words, which pyserial wraps in its own and, at times, in a tuple's text."""
    told = str(getattr(error, "strerror", None) or error)
    return told.rpartition("] ")[2].partition(": '")[0].removesuffix("')").rpartition("'")[2]
