# SPDX-License-Identifier: Apache-2.0
"""Adafruit's PN532 library on I2C or SPI, on wires that whoever started this plays, line by line.

`adafruit_bus.py i2c|spi APDU...`. Told: `write HEX`, `read COUNT`, `select LEVEL`, `transfer HEX`,
`sleep MICROSECONDS`, and `found NAME VALUE`; asked for: `ack`, `nack` or HEX.
"""

from __future__ import annotations

import sys
import time


def ask(*words: object) -> str:
    print(*words, flush=True)
    return input()


def nap(seconds: float) -> None:
    ask("sleep", round(seconds * 1_000_000))


time.sleep = nap  # before the library takes it

from adafruit_pn532.adafruit_pn532 import _COMMAND_INDATAEXCHANGE, PN532  # noqa: E402

ANSWER_MAX = 32


class I2c:
    """busio.I2C."""

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def writeto(self, address: int, buffer: bytes, *, start: int = 0, end: int = 999) -> None:
        if ask("write", bytes(buffer[start:end]).hex() or "-") != "ack":
            raise OSError(5)

    def readfrom_into(
        self, address: int, buffer: bytearray, *, start: int = 0, end: int = 999
    ) -> None:
        end = min(end, len(buffer))
        answer = ask("read", end - start)
        if answer == "nack":
            raise OSError(5)
        buffer[start:end] = bytes.fromhex(answer)


class Spi:
    """busio.SPI; what the library sends it has reversed by itself."""

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def configure(self, **settings: int) -> None:
        pass

    def write(self, buffer: bytes, *, start: int = 0, end: int = 999) -> None:
        ask("transfer", bytes(buffer[start:end]).hex())

    def readinto(self, buffer: bytearray, *, start: int = 0, end: int = 999, **_: int) -> None:
        end = min(end, len(buffer))
        buffer[start:end] = bytes.fromhex(ask("transfer", bytes(end - start).hex()))

    def write_readinto(self, out: bytes, into: bytearray, **_: int) -> None:
        into[:] = bytes.fromhex(ask("transfer", bytes(out).hex()))


class Select:
    """digitalio.DigitalInOut at NSS."""

    def __init__(self) -> None:
        self._level = True

    def switch_to_output(self, value: bool = True, **_: object) -> None:
        self.value = value

    @property
    def value(self) -> bool:
        return self._level

    @value.setter
    def value(self, level: bool) -> None:
        self._level = level
        ask("select", int(level))


def made(bus: str) -> PN532:
    if bus == "i2c":
        from adafruit_pn532.i2c import PN532_I2C

        return PN532_I2C(I2c())
    from adafruit_pn532.spi import PN532_SPI

    return PN532_SPI(Spi(), Select())


def main(bus: str, *commands: str) -> None:
    pn532 = made(bus)
    ask("found", "version", bytes(pn532.firmware_version).hex())
    pn532.SAM_configuration()
    uid = pn532.read_passive_target(timeout=2)
    ask("found", "uid", uid.hex() if uid else None)
    for command in commands:
        answer = pn532.call_function(
            _COMMAND_INDATAEXCHANGE,
            params=[1, *bytes.fromhex(command)],
            response_length=ANSWER_MAX,
            timeout=2,
        )
        ask("found", command, answer.hex() if answer else None)


main(*sys.argv[1:])
