# SPDX-License-Identifier: Apache-2.0
"""The PN532 as a listener: be an ISO 14443-4 card. Imported late: a stand seldom listens.

APDUs are bytes here. UM0701-02 §7.3.14 to §7.3.19.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from duotap.errors import Fault, Timeout

from drivers.pn532 import DATA_MAX, IN_RELEASE_ALL, RELEASE_MS, SEL_RES, status_of
from drivers.pn532_status import MORE_BIT, check_listening

if TYPE_CHECKING:
    from drivers.pn532 import Pn532

TG_GET_DATA = b"\x86"
TG_INIT_AS_TARGET = 0x8C
TG_SET_DATA = b"\x8e"
TG_SET_META_DATA = b"\x94"

# CIU_Mode 3Fh switches the mode detector off; else a phone may see FeliCa instead of type A
# (WriteRegister).
TYPE_A_ONLY = b"\x08\x63\x01\x3f"
PASSIVE_PICC_ONLY = 0x05
SENS_RES = b"\x04\x00"
# NFCID2 of a card that is none (01 FE), PAD, system code: never sent while TYPE_A_ONLY holds.
FELICA = b"\x01\xfe\xa2\xa3\xa4\xa5\xa6\xa7" + b"\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7" + b"\xff\xff"
NFCID3 = bytes(10)
MODE_PICC = 0x08

SEND_MS = 5000  # a lost grant of time alone holds an answer up for 1.08 s
LISTEN_STEP_MS = 2  # nobody waits for an activation to the millisecond


async def listen(pn532: Pn532, timeout_ms: int | None = None, historical: bytes = b"") -> bytes:
    """Be a type A card until a poller activates it; returns the RATS.

    Cancelled or timed out (Timeout) it can no longer be activated, also not by a poller
    that was just about to. `historical` are the ATS's historical bytes (Tk).
    """
    if pn532.field_on:
        await pn532.field_off()
    if not pn532.type_a_only:
        await pn532.link.command(TYPE_A_ONLY)
        pn532.type_a_only = True
    head = bytes([TG_INIT_AS_TARGET, PASSIVE_PICC_ONLY])
    body = await _listening(pn532, head, _identity(pn532, historical), timeout_ms, LISTEN_STEP_MS)
    if not status_of(body) & MODE_PICC:
        await stop_listening(pn532)
        raise Fault("activated otherwise than as an ISO 14443-4 card")
    return bytes(body[1:])


async def get_apdu(pn532: Pn532, timeout_ms: int | None = None) -> bytes:
    """The next C-APDU, whole; Released when the poller has ended it.

    Cancelled or timed out it ends the activation, as does `put_apdu`.
    """
    apdu = b""
    more = MORE_BIT
    while more:
        body = await _listening(pn532, TG_GET_DATA, b"", timeout_ms)
        check_listening(status_of(body))
        more = body[0] & MORE_BIT
        apdu += bytes(body[1:])
    return apdu


async def put_apdu(pn532: Pn532, answer: bytes) -> None:
    """Send the R-APDU; returns once its last block is out, which nobody confirms."""
    at = 0
    while len(answer) - at > DATA_MAX:
        part = answer[at : at + DATA_MAX]
        check_listening(status_of(await _listening(pn532, TG_SET_META_DATA, part, SEND_MS)))
        at += DATA_MAX
    check_listening(status_of(await _listening(pn532, TG_SET_DATA, answer[at:], SEND_MS)))


async def stop_listening(pn532: Pn532) -> None:
    """Fall silent in the middle of an activation: the poller finds out by itself.

    Whatever led here counts, not what the chip says to it.
    """
    try:
        await pn532.link.command(IN_RELEASE_ALL, b"", RELEASE_MS)
    except Fault:
        pass


async def _listening(
    pn532: Pn532, head: bytes, tail: bytes, timeout_ms: int | None, step_ms: int = 1
) -> memoryview:
    """A command of the listener; one that is given up must not leave the chip activated.

    An aborted TgInitAsTarget is over, unless a poller was faster than our ACK.
    """
    try:
        return await pn532.link.command(head, tail, timeout_ms, step_ms)
    except (asyncio.CancelledError, Timeout):
        await stop_listening(pn532)
        raise


def _identity(pn532: Pn532, historical: bytes) -> bytes:
    """TgInitAsTarget behind its mode: MifareParams, FeliCaParams, NFCID3t, no Gt, Tk."""
    uid = pn532.nfcid1t() if pn532.nfcid1t is not None else bytes(3)
    mifare = SENS_RES + uid + bytes([SEL_RES])
    return mifare + FELICA + NFCID3 + bytes([0, len(historical)]) + historical
