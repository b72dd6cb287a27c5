# SPDX-License-Identifier: Apache-2.0
"""A radio that polls (drivers.nfc.Radio): look for a card and lead a tap with it. Imported late
(port.late): a card seldom polls.

It knows APDUs as bytes and no amount of money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Crowded, Fault

from drivers.pn532_polling import Poller, list_passive, release

if TYPE_CHECKING:
    from typing import Any, Generator

    from drivers.nfc import Radio

POLL_PAUSE_MS = 60  # field off between two looks, so that a card starts anew


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


async def poll(radio: Radio) -> None:
    """Look for a card once, and lead a tap with one that is there."""
    steps = radio.steps
    targets = [target for target in await list_passive(radio.pn532) if target.ats]
    if steps is None or len(targets) != 1:
        await _away(radio, len(targets))
        return
    radio.in_session = True
    poller = Poller(radio.pn532, targets[0])
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
    await release(radio.pn532)
    if radio.owner.has_tag and not cards:
        from drivers.nfc_phones import be_found

        await be_found(radio)
    else:
        await radio.clock.sleep_ms(POLL_PAUSE_MS)
