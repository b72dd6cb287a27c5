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

from duotap.errors import Fault
from port import late

if TYPE_CHECKING:
    from typing import Any, Callable, Generator, Protocol

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


UNASKED, ANSWERS, SILENT = 0, 1, 2  # what HELLO says of the chip (PROTOCOL.md §6)
IDLE_PAUSE_MS = 60  # an erase stops the board for 45 ms; a finger on a button must get through


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
        self.found = UNASKED  # what the chip did when it was last set up
        self._hushed = 0
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.job: Any = None
        self.interrupted = False
        self.left = False  # a poller has just let go: idle work would keep it waiting
        self.alone = 0  # turns of listening in which nobody came

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
        if self.job is not None:
            self.interrupted = True
            self.job.cancel()

    async def run(self) -> None:
        """For ever; ends by cancellation only."""
        while True:
            await self._resumed.wait()
            if not self.left and self.owner.idle():
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
            from drivers.nfc_setup import set_up

            await set_up(self)
            late.drop("drivers.nfc_setup", "drivers.pn532_setup")
        elif self.steps is not None:
            self.owner.get_ready()
            from drivers.nfc_polling import poll

            await poll(self)
        else:
            applet = self.owner.applet()
            from drivers.nfc_listening import listen

            await listen(self, applet)
