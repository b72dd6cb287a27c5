# SPDX-License-Identifier: Apache-2.0
"""What the PN532 says went wrong, as Faults; their text is the chip's own name for it.

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

    def __init__(self, status: int) -> None:
        super().__init__("the PN532 reports an error")
        self.status = status

    def __str__(self) -> str:
        """The names take more room than all else here, so they are there when they are read."""
        from drivers.pn532_names import name

        return name(self.status)


class AirFault(ChipFault):
    """Nothing usable came from the other side; it may be gone."""


class Released(ChipFault):
    """The poller has ended the activation, or its field is gone."""


class SyntaxFault(ChipFault):
    """The chip knows no such command, or not with these parameters."""


NOT_ACTIVE = 0x25
NOT_SELECTED = 0x27
RELEASED = 0x29
CARD_GONE = 0x2B
SYNTAX = 0x7F  # the error frame, which is no status

_AIR = b"\x01\x02\x03\x04\x05\x06\x09\x0a\x0b\x2a\x2b"


def check(status: int) -> None:
    """Raise the Fault that `status` names; zero, with or without b6, names none."""
    code = status & STATUS_BITS
    if not code:
        return
    if code == RELEASED:
        raise Released(code)
    if code in _AIR:
        raise AirFault(code)
    raise ChipFault(code)


def check_listening(status: int) -> None:
    """As `check`; without an active poller there is nobody to tell more about."""
    code = status & STATUS_BITS
    if code in (NOT_ACTIVE, CARD_GONE):
        raise Released(code)
    check(status)
