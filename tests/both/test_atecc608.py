# SPDX-License-Identifier: Apache-2.0
"""The ATECC608 driver and the signer of class bound, replayed against what a virtual chip said."""

from drivers.atecc608 import Atecc608, crc16
from duotap.errors import Fault
from element_lines import LINES
from element_talk import talk
from raising import raises


class Replay:
    """machine.I2C of a bus on which everything was said before."""

    def __init__(self, lines):
        self.lines = lines
        self.at = 0
        self.waited_us = 0

    def _next(self):
        end = self.lines.index("\n", self.at)
        line = self.lines[self.at : end]
        self.at = end + 1
        return line

    def writeto(self, address, buf):
        line = self._next()
        said = f"w {address:02x} " + "".join([f"{byte:02x}" for byte in bytes(buf)])
        assert line.rstrip("!") == said, (line, said)
        if line[-1] == "!":
            raise OSError(5)
        return len(buf)

    def readfrom(self, address, nbytes):
        line = self._next()
        assert line[:5] == f"r {address:02x} ", line
        if line[-1] == "!":
            raise OSError(5)
        return bytes([int(line[at : at + 2], 16) for at in range(5, len(line), 2)])

    def wait(self, us):
        self.waited_us += us


def test_all_that_the_signer_does():
    replay = Replay(LINES)
    talk(Atecc608(lambda hz: replay, replay.wait))
    assert replay.at == len(LINES)
    assert replay.waited_us > 10_000


def test_another_answer_is_not_taken():
    """The first byte of what the chip told of its configuration is another."""
    at = LINES.index("r 60 ", LINES.index("w 60 0307028000"))  # the count
    at = LINES.index("r 60 ", at + 5) + 5
    other = LINES[:at] + ("f" if LINES[at] != "f" else "0") + LINES[at + 1 :]
    replay = Replay(other)
    # It wakes the chip and asks again, which was not said.
    assert raises(AssertionError, talk, Atecc608(lambda hz: replay, replay.wait))


def test_nobody_there():
    class Empty:
        def writeto(self, address, buf):
            raise OSError(5)

        readfrom = writeto

    driver = Atecc608(lambda hz: Empty(), lambda us: None)
    assert raises(Fault, driver.run, driver.revision)


def test_crc():
    assert crc16(b"\x04\x11") == b"\x33\x43"
    assert crc16(b"") == bytes(2)
