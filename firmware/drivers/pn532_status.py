# SPDX-License-Identifier: Apache-2.0
"""What the PN532 says went wrong, as Faults with the chip's own names for it.

Three things can follow from a status: the poller has let go (Released: listen again), the air
failed (AirFault: select again), or the chip refuses what it was told (ChipFault: set it up).
UM0701-02 §7.1, table of error codes.
"""

from __future__ import annotations

from duotap.errors import Fault

STATUS_BITS = 0x3F
MORE_BIT = 0x40  # b6: more information follows


class ChipFault(Fault):
    """A command ended with this status; `status` is the chip's byte."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class AirFault(ChipFault):
    """Nothing usable came from the other side; it may be gone."""


class Released(ChipFault):
    """The poller has ended the activation, or its field is gone."""


class SyntaxFault(ChipFault):
    """The chip knows no such command, or not with these parameters."""


NOT_ACTIVE = 0x25
RELEASED = 0x29
CARD_GONE = 0x2B

_AIR = b"\x01\x02\x03\x04\x05\x06\x09\x0a\x0b\x2a\x2b"
# One string, since a board keeps it in RAM: a dictionary of these takes 3 KiB more.
_NAMES = """\
01 time-out, the target has not answered
02 CRC error
03 parity error
04 erroneous bit count
05 framing error
06 bit collision
07 communication buffer too small
09 RF buffer overflow
0a RF field not switched on in time by the other side
0b RF protocol error
0d too hot, antenna drivers switched off
0e internal buffer overflow
10 invalid parameter
12 command of the initiator not supported
13 format of the data does not match
14 authentication error
23 wrong check byte of the UID
25 invalid device state
26 operation not allowed
27 command not acceptable in this context
29 released by the initiator
2a another card has taken the card's place
2b the card has gone
2c mismatch of the NFCID3
2d over-current
2e NAD missing
"""


def name(code: int) -> str:
    """The chip's name for a status."""
    begin = _NAMES.find(f"{code:02x} ")
    if begin < 0:
        return "unknown status"
    return _NAMES[begin + 3 : _NAMES.find("\n", begin)]


def check(status: int) -> None:
    """Raise the Fault that `status` names; zero, with or without b6, names none."""
    code = status & STATUS_BITS
    if not code:
        return
    if code == RELEASED:
        raise Released(code, name(code))
    if code in _AIR:
        raise AirFault(code, name(code))
    raise ChipFault(code, name(code))


def check_listening(status: int) -> None:
    """As `check`; without an active poller there is nobody to tell more about."""
    code = status & STATUS_BITS
    if code in (NOT_ACTIVE, CARD_GONE):
        raise Released(code, name(code))
    check(status)
