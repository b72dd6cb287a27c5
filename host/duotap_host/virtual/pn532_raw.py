# SPDX-License-Identifier: Apache-2.0
"""Frames of ISO/IEC 14443-3 type A as a host builds them itself: CRC_A, REQA, anticollision.

Hosts switch the chip's own CRC off (CIU_TxMode, CIU_RxMode) and put on the air what they like.
The field carries frames without their CRC, so it is checked and stripped here, or put back.
ISO/IEC 14443-3 §6.2.3, §6.3, §6.5; every listener here has a single-size UID.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING

from duotap_host.virtual import pn532_basic

if TYPE_CHECKING:
    from duotap_host.virtual.field import Card, Station
    from duotap_host.virtual.pn532_chip import VirtualPn532

CRC_A_INITIAL = 0x6363
CRC_A_POLYNOMIAL = 0x8408  # x^16 + x^12 + x^5 + 1, LSB first
REQA, WUPA = b"\x26", b"\x52"
SHORT_FRAME_BITS = 7
BIT_FRAMING = 0x633D  # b2-0: bits of the last byte that are sent
ANTICOLLISION = b"\x93\x20"  # cascade level 1, no bit of the UID known
SELECT = b"\x93\x70"


def crc_a(frame: bytes) -> bytes:
    """The two bytes of CRC_A behind `frame`, as they are sent."""
    crc = CRC_A_INITIAL
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (CRC_A_POLYNOMIAL if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def bcc(uid: bytes) -> bytes:
    """The check byte behind a part of the UID."""
    return bytes([reduce(xor, uid)])


def outgoing(chip: VirtualPn532, frame: bytes) -> bytes | None:
    """What `frame` is to who hears it: without CRC; None when it has a wrong one."""
    if chip.registers.get(pn532_basic.TX_MODE, 0) & pn532_basic.CRC_ON:
        return frame
    return frame[:-2] if len(frame) > 2 and frame[-2:] == crc_a(frame[:-2]) else None


def incoming(chip: VirtualPn532, frame: bytes) -> bytes:
    """What the host is told of a frame: with its CRC if the chip is not to check it."""
    if chip.registers.get(pn532_basic.RX_MODE, 0) & pn532_basic.CRC_ON:
        return frame
    return frame + crc_a(frame)


class Caller:
    """A poller that goes through the selection of type A frame by frame, at its host's hands."""

    def __init__(self, chip: VirtualPn532) -> None:
        self._chip = chip
        self._answered: list[tuple[Card, Station]] = []

    def answer(self, frame: bytes) -> bytes | None:
        """What comes back if `frame` (as its host gave it) belongs to a selection, else None.

        An empty answer is silence. Of several listeners the one with the lowest UID is heard.
        """
        bits = self._chip.registers.get(BIT_FRAMING, 0) & 0x07
        if frame in (REQA, WUPA) and bits == SHORT_FRAME_BITS:
            self._answered = self._chip.field.callers(self._chip, wake=frame == WUPA)
            return self._answered[0][0].sens_res[::-1] if self._answered else b""
        if frame == ANTICOLLISION:
            return b"".join(card.uid + bcc(card.uid) for card, _ in self._answered[:1])
        if frame[:2] == SELECT and len(frame) in (7, 9):
            return self._select(outgoing(self._chip, frame) or b"")
        return None

    def _select(self, frame: bytes) -> bytes:
        """SELECT, four bytes of UID and their check byte: SAK with its CRC."""
        for card, station in self._answered:
            if frame[2:] == card.uid + bcc(card.uid):
                self._answered = []
                if self._chip.field.select(self._chip, station, card.uid):
                    return incoming(self._chip, bytes([card.sel_res]))
        return b""
