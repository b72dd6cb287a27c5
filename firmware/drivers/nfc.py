# SPDX-License-Identifier: Apache-2.0
"""What a device does with its radio: listen for a payee, or poll for a payer.

`Radio` owns the PN532. Who wants to program flash for another reason than a tap asks it to `hush`
first, so that no frame of the chip can arrive meanwhile. A radio job can end in five ways: the tap
has an outcome; nobody came; it was hushed; the card left (torn); the chip failed (set up again).
It knows APDUs as bytes and no amount of money.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from duotap.errors import Crowded, Fault, Timeout
from port import late

from drivers.pn532_status import Released

if TYPE_CHECKING:
    from typing import Any, Callable, Generator, Protocol

    from drivers.pn532_session import Poller

    class Owner(Protocol):
        """Who has what a radio needs, made when it is needed."""

        has_tag: bool

        def chip(self) -> Any: ...
        def applet(self) -> Any: ...
        def tag(self) -> Any: ...
        def nfcid1t(self) -> bytes: ...
        def get_ready(self) -> None: ...
        def news(self, outcome: Any) -> Any: ...
        def learn(self, statement: bytes) -> None: ...
        def idle(self) -> bool: ...


POLL_PAUSE_MS = 60  # field off between two looks, so that a card starts anew
# Between two looks of a device that has a link to show: phones look every 0.3 to 0.5 s. The jitter
# keeps two such devices from looking at each other in step for ever.
PHONE_MS, JITTER_MS = 500, 200
LISTEN_MS = 5_000  # then it is armed anew: a chip that was reset does not say so
SILENCE_MS = 10_000  # of a poller that has activated this device; a phone may rest on it
IDLE_PAUSE_MS = 60  # an erase stops the board for 45 ms; a finger on a button must get through
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


async def lead(poller: Poller, clock: Any, steps: Generator[Any, Any, Any]) -> Any:
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


class Radio:
    """One job at a time. `steps()` makes the generator of a tap, or is None while listening.

    A device with a link to show looks for cards and lets phones find it in turn (`owner.tag()`).
    `owner.idle()` is called between jobs with the radio quiet and says whether it did something;
    `owner.get_ready()` before it polls for a tap. While it is hushed it has no chip.
    """

    def __init__(self, owner: Owner, clock: Any) -> None:
        self.owner = owner
        self.clock = clock
        self.pn532: Any = None
        self.steps: Callable[[], Generator[Any, Any, Any]] | None = None
        self.on_outcome: Callable[[Any], None] = lambda outcome: None
        self.on_torn: Callable[[Fault], None] = lambda fault: None
        self.in_session = False
        self.ready = False
        self._hushed = 0
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._job: Any = None
        self._interrupted = False

    async def hush(self) -> None:
        """Return when the radio is quiet and stays so until `resume`; a tap ends first."""
        self._hushed += 1
        self._resumed.clear()
        self.interrupt()
        await self._quiet.wait()
        self.pn532 = None
        self.ready = False

    def resume(self) -> None:
        """Undo one `hush`."""
        self._hushed -= 1
        if not self._hushed:
            self._resumed.set()

    def interrupt(self) -> None:
        """Stop waiting for somebody; what is under way with a card goes on."""
        if self._job is not None:
            self._interrupted = True
            self._job.cancel()

    async def run(self) -> None:
        """For ever; ends by cancellation only."""
        while True:
            await self._resumed.wait()
            if self.owner.idle():
                await self.clock.sleep_ms(IDLE_PAUSE_MS)
                continue
            self._quiet.clear()
            try:
                await self._once()
            except Fault as fault:
                self.ready = False
                self.on_torn(fault)
            finally:
                self.in_session = False
                self._quiet.set()

    async def _once(self) -> None:
        if not self.ready:
            await self._set_up()
        elif self.steps is not None:
            await self._poll()
        else:
            await self._listen(self.owner.applet(), LISTEN_MS)

    async def _set_up(self) -> None:
        if self.pn532 is None:
            self.pn532 = self.owner.chip()
        try:
            await self.pn532.setup()
            self.ready = True
            late.drop("drivers.pn532_setup")
        except Fault:
            await self.clock.sleep_ms(RECOVER_MS)

    async def _listen(self, applet: Any, armed_ms: int) -> None:
        if await self._activated(armed_ms):
            self.in_session = True
            await self._serve(applet)

    async def _activated(self, armed_ms: int) -> bool:
        """Whether a poller has come. False: nobody, or somebody interrupted."""
        self._interrupted = False
        self._job = asyncio.create_task(self.pn532.listen(armed_ms))
        try:
            await self._job
        except Timeout:
            return False
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
            return False
        finally:
            self._job = None
        return True

    async def _serve(self, applet: Any) -> None:
        """Answer one activation until the reader lets go; a SELECT says who answers from then."""
        applet.begin()
        answering = applet
        try:
            while True:
                command = await self.pn532.get_apdu(SILENCE_MS)
                if command[:4] == SELECT_BY_NAME:
                    wants_tag = self.owner.has_tag and command[:12] == SELECT_TAG
                    answering = self.owner.tag() if wants_tag else applet
                await self.pn532.put_apdu(answering.answer(command))
                applet.work()
        except Released:
            pass
        finally:
            applet.leave()

    async def _poll(self) -> None:
        steps = self.steps
        self.owner.get_ready()
        targets = [target for target in await self.pn532.list_passive() if target.ats]
        if steps is None or len(targets) != 1:
            await self._away(len(targets))
            return
        self.in_session = True
        poller = self.pn532.poller(targets[0])
        try:
            outcome = await lead(poller, self.clock, steps())
        except Fault as fault:
            await self._let_go(poller)
            self.on_torn(fault)
            return
        self.in_session = False
        self.on_outcome(outcome)
        statement = await self._news(poller, outcome)
        await self._let_go(poller)
        if statement:
            self.owner.learn(statement)

    async def _news(self, poller: Poller, outcome: Any) -> bytes:
        """What the card has to tell; nothing is lost when it leaves meanwhile."""
        steps = self.owner.news(outcome)
        if steps is None:
            return b""
        try:
            return bytes(await lead(poller, self.clock, steps))
        except Fault:
            return b""

    async def _let_go(self, poller: Poller) -> None:
        try:
            await poller.close()
        except Fault:
            self.ready = False

    async def _away(self, cards: int) -> None:
        """Field off; meanwhile a phone may find what it looks for."""
        if cards:
            self.on_torn(Crowded("two cards: one at a time"))
        await self.pn532.release()
        if self.owner.has_tag and not cards:
            jitter_ms = self.owner.nfcid1t()[0] * JITTER_MS // 255
            await self._listen(Nobody(), PHONE_MS + jitter_ms)
        else:
            await self.clock.sleep_ms(POLL_PAUSE_MS)
