# SPDX-License-Identifier: Apache-2.0
"""Adafruit's library, which nobody here wrote, on the virtual ATECC608.

It waits fixed times that are shorter than the chip's longest; the chip has the times that it
waits for.
"""

from __future__ import annotations

import hashlib
import subprocess

from duotap_host.issuer import es256
from duotap_host.virtual.atecc608_chip import TIMES_MS, VirtualAtecc608
from peers.running_field import script
from port import personal

HZ = 100_000
BITS_PER_BYTE = 9
SLOT = 3
# What CircuitPython itself takes around each of its waits: with them alone, 1 ms after a wake, it
# would be faster than the data sheet allows (tWHI, 1.5 ms).
INTERPRETER_US = 1_000


class Bench:
    """A chip that was configured and locked, with a key slot that its user may fill."""

    def __init__(self) -> None:
        self.now_us = 0
        times_ms = {opcode: min(took, 1) for opcode, took in TIMES_MS.items()}
        self.chip = VirtualAtecc608(lambda: self.now_us, b"adafruit", times_ms=times_ms)
        config = bytearray(self.chip.eeprom.config)
        config[16:84], config[88:] = personal.wanted()[16:84], personal.wanted()[88:]
        config[20 + 2 * SLOT : 22 + 2 * SLOT] = (0x2081).to_bytes(2, "little")
        config[96 + 2 * SLOT : 98 + 2 * SLOT] = (0x0033).to_bytes(2, "little")
        self.chip.eeprom.config[:] = config
        for at in (86, 87):
            self.chip.eeprom.lock(at)
        self.found: list[tuple[str, str]] = []

    def answer(self, word: str, *rest: str) -> str:
        if word == "sleep":
            self.now_us += int(rest[0]) + INTERPRETER_US
            return "ack"
        if word == "found":
            self.found.append((rest[0], rest[1]))
            return "ack"
        address = int(rest[0])
        content = b"" if rest[1] == "-" else bytes.fromhex(rest[1]) if word == "write" else b""
        count = len(content) if word == "write" else int(rest[1])
        self.now_us += (1 + count) * BITS_PER_BYTE * 1_000_000 // HZ
        if word == "write":
            return "ack" if self.chip.i2c_write(address, content, HZ) else "nack"
        return self.chip.i2c_read(address, count).hex() or "nack"


def test_it_reads_hashes_counts_and_signs() -> None:
    bench = Bench()
    command, environment = script("atecc_bus")
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        for line in peer.stdout:
            print(bench.answer(*line.split()), file=peer.stdin, flush=True)
    assert peer.returncode == 0
    found = dict(bench.found)
    serial = bench.chip.eeprom.serial.hex().upper()
    assert int(found["version"]) >> 8 == 0x60
    assert found["serial"] == serial
    assert found["locked"] == "True"
    assert found["digest"] == hashlib.sha256(b"a" * 64 + b"b" * 63).hexdigest()
    assert bench.chip.eeprom.counters == [2, 0]  # whichever counter it is asked for
    assert found["random"] == "True"
    assert found["again"] == found["public"]
    public = b"\x04" + bytes.fromhex(found["public"])
    es256.verify(public, bytes(range(32)), bytes.fromhex(found["signature"]))
    refused = [row for row in bench.chip.log if row[3]]
    assert not refused, refused
