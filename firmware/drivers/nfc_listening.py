# SPDX-License-Identifier: Apache-2.0
"""A radio that listens (drivers.nfc.Radio): be a card until a reader lets go, doze when nobody
comes. Imported late (port.late): while a cable talks the radio is silent, and a stand seldom
listens.

It knows APDUs as bytes and no amount of money.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from duotap.errors import Timeout
from port import late

from drivers.pn532_listening import get_apdu, put_apdu
from drivers.pn532_listening import listen as be_activated
from drivers.pn532_status import Released

if TYPE_CHECKING:
    from typing import Any

    from drivers.nfc import Radio

# A poller that has let go probably comes again: phones and terminals look first and read then.
AGAIN_MS = 1_000
LISTEN_MS = 5_000  # then it is armed anew: a chip that was reset does not say so
# Alone for so many turns of LISTEN_MS, a chip that can tell of it by IRQ is powered down until a
# field appears. After DOZE_MS it is set up anew, as after a wake.
DOZE_AFTER, DOZE_MS = 6, 60_000
SILENCE_MS = 10_000  # of a poller that has activated this device; a phone may rest on it

SELECT_BY_NAME = b"\x00\xa4\x04\x00"  # ISO 7816-4 §11.2.2
SELECT_TAG = SELECT_BY_NAME + b"\x07\xd2\x76\x00\x00\x85\x01\x01"  # NFC Forum Type 4 Tag


async def listen(radio: Radio, applet: Any) -> None:
    """Be a card: armed again at once when a poller has let go, asleep when nobody comes."""
    left, radio.left = radio.left, False
    if radio.alone >= DOZE_AFTER and radio.pn532.link.bus.irq is not None:
        await _doze(radio)
    elif await be_card(radio, applet, AGAIN_MS if left else LISTEN_MS):
        radio.left = True
        radio.alone = 0
    else:
        radio.alone += 1


async def be_card(radio: Radio, applet: Any, armed_ms: int) -> bool:
    """For one activation; whether there was one within `armed_ms`."""
    if not await _has_come(radio, be_activated(radio.pn532, armed_ms)):
        return False
    radio.in_session = True
    await _serve(radio, applet)
    return True


async def _doze(radio: Radio) -> None:
    """Powered down; whoever comes first finds a chip that is being set up."""
    from drivers.pn532_doze import doze

    radio.ready = False
    if await _has_come(radio, doze(radio.pn532, DOZE_MS)):
        radio.alone = 0
    late.drop("drivers.pn532_doze")


async def _has_come(radio: Radio, waiting: Any) -> bool:
    """Whether what is waited for has come. False: nothing, or somebody interrupted."""
    radio.interrupted = False
    radio.job = asyncio.create_task(waiting)
    try:
        await radio.job
    except Timeout:
        return False
    except asyncio.CancelledError:
        if not radio.interrupted:
            raise
        radio.alone = 0
        return False
    finally:
        radio.job = None
    return True


async def _serve(radio: Radio, applet: Any) -> None:
    """Answer one activation until the reader lets go; a SELECT says who answers from then."""
    applet.begin()
    answering = applet
    try:
        while True:
            command = await get_apdu(radio.pn532, SILENCE_MS)
            if command[:4] == SELECT_BY_NAME:
                wants_tag = radio.owner.has_tag and command[:12] == SELECT_TAG
                answering = radio.owner.tag() if wants_tag else applet
            await put_apdu(radio.pn532, answering.answer(command))
            applet.work()
    except Released:
        pass
    finally:
        applet.leave()
