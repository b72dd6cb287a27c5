# SPDX-License-Identifier: Apache-2.0
"""The PN532 as a poller: find cards, speak to one of them. Imported late: a card seldom polls.

A `Poller` exists while a target is selected. APDUs are bytes here. UM0701-02 §7.3.5 to §7.3.8.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

from duotap.errors import Fault

from drivers.pn532 import DATA_MAX, IN_RELEASE_ALL, RELEASE_MS, SEL_RES, status_of
from drivers.pn532_status import MORE_BIT, NOT_SELECTED, Released, check

if TYPE_CHECKING:
    from drivers.pn532 import Pn532

IN_DATA_EXCHANGE = 0x40
IN_LIST_PASSIVE_TARGET = 0x4A
TYPE_A_106 = 0x00
LIST_MS = 1000  # two cards, each with retries of its activation
EXCHANGE_MS = 5000  # a card may ask for 1.08 s more again and again; signing takes up to 1 s

# Tg; SENS_RES; SEL_RES; UID; ATS with its TL byte, empty without ISO 14443-4
Target = namedtuple("Target", ("tg", "sens_res", "sel_res", "uid", "ats"))


class Poller:
    """One selected ISO 14443-4 target, from `list_passive` until `close` or the first Fault."""

    def __init__(self, pn532: Pn532, target: Target) -> None:
        self.pn532 = pn532
        self.target = target
        self._selected = True

    async def transceive(self, apdu: bytes) -> bytes:
        """Exchange an APDU; any Fault ends the selection, and what the card did is unknown."""
        if not self._selected:
            raise Released(NOT_SELECTED)
        try:
            return await exchange(self.pn532, apdu, self.target.tg)
        except Fault:
            self._selected = False
            raise

    async def close(self) -> None:
        """Deselect the card and switch the field off."""
        self._selected = False
        await release(self.pn532)


async def list_passive(pn532: Pn532, targets_max: int = 2) -> tuple[Target, ...]:
    """Switch the field on and select whoever is there; empty when nobody is.

    With two, the last one is selected. The field stays on until `release`.
    """
    pn532.field_on, pn532.type_a_only = True, False
    head = bytes([IN_LIST_PASSIVE_TARGET, targets_max, TYPE_A_106])
    return _targets(bytes(await pn532.link.command(head, b"", LIST_MS)))


async def exchange(pn532: Pn532, apdu: bytes, tg: int = 1, timeout_ms: int = EXCHANGE_MS) -> bytes:
    """Send a C-APDU of any length to a selected target and return its whole R-APDU."""
    at = 0
    while len(apdu) - at > DATA_MAX:
        head = bytes([IN_DATA_EXCHANGE, tg | MORE_BIT])
        body = await pn532.link.command(head, apdu[at : at + DATA_MAX], timeout_ms)
        check(status_of(body))
        at += DATA_MAX
    head = bytes([IN_DATA_EXCHANGE, tg])
    body = await pn532.link.command(head, apdu[at:], timeout_ms)
    check(status_of(body))
    answer = bytes(body[1:])
    while body[0] & MORE_BIT:
        body = await pn532.link.command(head, b"", timeout_ms)
        check(status_of(body))
        answer += bytes(body[1:])
    return answer


async def release(pn532: Pn532) -> None:
    """Let go of every target, tell it, and switch the field off."""
    await pn532.link.command(IN_RELEASE_ALL, b"", RELEASE_MS)
    await pn532.field_off()


def _targets(body: bytes) -> tuple[Target, ...]:
    """Parse InListPassiveTarget's response for type A (UM0701-02 §7.3.5)."""
    found: tuple[Target, ...] = ()
    at = 1
    try:
        for _ in range(body[0]):
            uid_end = at + 5 + body[at + 4]
            sel_res = body[at + 3]
            end = uid_end
            if sel_res & SEL_RES and uid_end < len(body):
                end += body[uid_end]
            ats = body[uid_end:end]
            found += (
                Target(body[at], body[at + 1 : at + 3], sel_res, body[at + 5 : uid_end], ats),
            )
            at = end
    except IndexError:
        raise Fault("the PN532 lists targets unreadably") from None
    return found
