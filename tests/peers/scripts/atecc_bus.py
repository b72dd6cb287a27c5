# SPDX-License-Identifier: Apache-2.0
"""Adafruit's ATECC library on a bus that whoever started this plays, line by line.

Told: `write ADDRESS HEX`, `read ADDRESS COUNT`, `sleep MICROSECONDS`; asked for: `ack`, `nack` or
HEX. What the library found is told as `found NAME VALUE`.
"""

from __future__ import annotations

import time


def ask(*words: object) -> str:
    print(*words, flush=True)
    return input()


def nap(seconds: float) -> None:
    ask("sleep", round(seconds * 1_000_000))


time.sleep = nap  # before the library takes it

from adafruit_atecc.adafruit_atecc import ATECC  # noqa: E402


class Bus:
    """busio.I2C."""

    def try_lock(self) -> bool:
        return True

    def unlock(self) -> None:
        pass

    def writeto(self, address: int, buffer: bytes, *, start: int = 0, end: int) -> None:
        if ask("write", address, bytes(buffer[start:end]).hex() or "-") != "ack":
            raise OSError(5)

    def readfrom_into(self, address: int, buffer: bytearray, *, start: int = 0, end: int) -> None:
        answer = ask("read", address, end - start)
        if answer == "nack":
            raise OSError(5)
        buffer[start:end] = bytes.fromhex(answer)


def found(name: str, value: object) -> None:
    ask("found", name, value.hex() if isinstance(value, bytes | bytearray) else value)


def main() -> None:
    chip = ATECC(Bus())
    found("version", chip.version())
    found("serial", chip.serial_number)
    found("locked", chip.locked)
    found("digest", chip_sha(chip, b"a" * 64, b"b" * 63))
    found("counter", chip.counter(1, True))
    found("counter", chip.counter(1, True))
    found("random", chip.random(1, 1 << 30) > 0)
    digest = bytes(range(32))
    found("public", chip.gen_key(bytearray(64), 3, private_key=True))
    found("again", chip.gen_key(bytearray(64), 3))
    found("signature", chip.ecdsa_sign(3, bytearray(digest)))


def chip_sha(chip: ATECC, block: bytes, rest: bytes) -> bytearray:
    chip.sha_start()
    chip.sha_update(block)
    return chip.sha_digest(bytearray(rest))


main()
