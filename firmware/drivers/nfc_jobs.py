# SPDX-License-Identifier: Apache-2.0
"""The jobs of a radio (drivers.nfc.Radio): set the chip up, listen for a reader, poll for a card.
Imported late (port.late): while a cable talks the radio is silent.

It knows APDUs as bytes and no amount of money.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from duotap.errors import Crowded, Fault, Timeout
from port import late

from drivers.pn532_status import Released

if TYPE_CHECKING:
    from typing import Any, Generator

    from drivers.nfc import Radio
    from drivers.pn532_session import Poller


POLL_PAUSE_MS = 60  # field off between two looks, so that a card starts anew
# Between two looks of a device that has a link to show: phones look every 0.3 to 0.5 s. The jitter
# keeps two such devices from looking at each other in step for ever.
PHONE_MS, JITTER_MS = 500, 200
# A poller that has let go probably comes again: phones and terminals look first and read then.
AGAIN_MS = 1_000
LISTEN_MS = 5_000  # then it is armed anew: a chip that was reset does not say so
# Alone for so many turns of LISTEN_MS, a chip that can tell of it by IRQ is powered down until a
# field appears. After DOZE_MS it is set up anew, as after a wake.
DOZE_AFTER, DOZE_MS = 6, 60_000
SILENCE_MS = 10_000  # of a poller that has activated this device; a phone may rest on it
RECOVER_MS = 250  # between two attempts to set the chip up

SELECT_BY_NAME = b"\x00\xa4\x04\x00"  # ISO 7816-4 §11.2.2
SELECT_TAG = SELECT_BY_NAME + b"\x07\xd2\x76\x00\x00\x85\x01\x01"  # NFC Forum Type 4 Tag


class Nobody:
    """What answers while there is no applet: nothing is here."""

    def begin(self) -> None: ...
    def work(self) -> None: ...
    def leave(self) -> None: ...

    def answer(self, command: bytes) -> bytes:
        """Unknown class, application or instruction."""
        if command[:1] != SELECT_BY_NAME[:1]:
            return b"\x6e\x00"
        return b"\x6a\x82" if command[1:2] == SELECT_BY_NAME[1:2] else b"\x6d\x00"


async def _lead(poller: Poller, clock: Any, steps: Generator[Any, Any, Any]) -> Any:
    """Carry a generator's commands to the selected card and return what it comes to."""
    answer: bytes | None = None
    try:
        while True:
            step = steps.send(answer)
            answer = None
            if isinstance(step, int):
                await clock.sleep_ms(step)
            else:
                answer = await poller.transceive(step)
    except StopIteration as stop:
        return stop.value


async def set_up(radio: Radio) -> None:
    """Bring the chip to where it can listen and poll, or pause until the next attempt."""
    if radio.pn532 is None:
        radio.pn532 = radio.owner.chip()
    try:
        await radio.pn532.setup()
        radio.ready = True
        late.drop("drivers.pn532_setup")
    except Fault:
        await radio.clock.sleep_ms(RECOVER_MS)


async def listen(radio: Radio, applet: Any) -> None:
    """Be a card: armed again at once when a poller has let go, asleep when nobody comes."""
    left, radio.left = radio.left, False
    if radio.alone >= DOZE_AFTER and radio.pn532.link.bus.irq is not None:
        await _doze(radio)
    elif await _be_card(radio, applet, AGAIN_MS if left else LISTEN_MS):
        radio.left = True
        radio.alone = 0
    else:
        radio.alone += 1


async def _be_card(radio: Radio, applet: Any, armed_ms: int) -> bool:
    """For one activation; whether there was one within `armed_ms`."""
    if not await _has_come(radio, radio.pn532.listen(armed_ms)):
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
            command = await radio.pn532.get_apdu(SILENCE_MS)
            if command[:4] == SELECT_BY_NAME:
                wants_tag = radio.owner.has_tag and command[:12] == SELECT_TAG
                answering = radio.owner.tag() if wants_tag else applet
            await radio.pn532.put_apdu(answering.answer(command))
            applet.work()
    except Released:
        pass
    finally:
        applet.leave()


async def poll(radio: Radio) -> None:
    """Look for a card once, and lead a tap with one that is there."""
    steps = radio.steps
    radio.owner.get_ready()
    targets = [target for target in await radio.pn532.list_passive() if target.ats]
    if steps is None or len(targets) != 1:
        await _away(radio, len(targets))
        return
    radio.in_session = True
    poller = radio.pn532.poller(targets[0])
    try:
        outcome = await _lead(poller, radio.clock, steps())
    except Fault as fault:
        await _let_go(radio, poller)
        radio.on_torn(fault)
        return
    radio.in_session = False
    radio.on_outcome(outcome)
    statement = await _news(radio, poller, outcome)
    await _let_go(radio, poller)
    if statement:
        radio.owner.learn(statement)


async def _news(radio: Radio, poller: Poller, outcome: Any) -> bytes:
    """What the card has to tell; nothing is lost when it leaves meanwhile."""
    steps = radio.owner.news(outcome)
    if steps is None:
        return b""
    try:
        return bytes(await _lead(poller, radio.clock, steps))
    except Fault:
        return b""


async def _let_go(radio: Radio, poller: Poller) -> None:
    try:
        await poller.close()
    except Fault:
        radio.ready = False


async def _away(radio: Radio, cards: int) -> None:
    """Field off; meanwhile a phone may find what it looks for."""
    if cards:
        radio.on_torn(Crowded("two cards: one at a time"))
    await radio.pn532.release()
    if radio.owner.has_tag and not cards:
        jitter_ms = radio.owner.nfcid1t()[0] * JITTER_MS // 255
        await _be_card(radio, Nobody(), PHONE_MS + jitter_ms)
    else:
        await radio.clock.sleep_ms(POLL_PAUSE_MS)
