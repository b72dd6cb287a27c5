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

_AIR = {
    0x01: "time-out, the target has not answered",
    0x02: "CRC error",
    0x03: "parity error",
    0x04: "erroneous bit count",
    0x05: "framing error",
    0x06: "bit collision",
    0x09: "RF buffer overflow",
    0x0A: "RF field not switched on in time by the other side",
    0x0B: "RF protocol error",
    0x2A: "another card has taken the card's place",
    CARD_GONE: "the card has gone",
}
_CHIP = {
    0x07: "communication buffer too small",
    0x0D: "too hot, antenna drivers switched off",
    0x0E: "internal buffer overflow",
    0x10: "invalid parameter",
    0x12: "command of the initiator not supported",
    0x13: "format of the data does not match",
    0x14: "authentication error",
    0x23: "wrong check byte of the UID",
    NOT_ACTIVE: "invalid device state",
    0x26: "operation not allowed",
    0x27: "command not acceptable in this context",
    0x2C: "mismatch of the NFCID3",
    0x2D: "over-current",
    0x2E: "NAD missing",
}


def check(status: int) -> None:
    """Raise the Fault that `status` names; zero, with or without b6, names none."""
    code = status & STATUS_BITS
    if not code:
        return
    if code == RELEASED:
        raise Released(code, "released by the initiator")
    if code in _AIR:
        raise AirFault(code, _AIR[code])
    raise ChipFault(code, _CHIP.get(code, "unknown status"))


def check_listening(status: int) -> None:
    """As `check`; without an active poller there is nobody to tell more about."""
    code = status & STATUS_BITS
    if code == NOT_ACTIVE:
        raise Released(code, _CHIP[code])
    if code == CARD_GONE:
        raise Released(code, _AIR[code])
    check(status)
