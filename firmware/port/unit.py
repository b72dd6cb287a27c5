# SPDX-License-Identifier: Apache-2.0
"""What every device is apart from its buttons and screens: purse, roles, radio and cable, tied to
the parts of one board.

It decides when flash may be programmed: the cable hushes the radio first, and idle work waits
until both are quiet. It knows no product.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from duotap import amount, certificate
from duotap.device import Device
from duotap.errors import Broken, Refusal
from duotap.journal import Journal
from duotap.purse import Purse
from duotap.rights import Standing

from port import late
from port.link import Link

if TYPE_CHECKING:
    from typing import Any, Callable

RADIO = (
    "drivers.nfc_listening",
    "drivers.nfc_phones",
    "drivers.nfc_polling",
    "drivers.nfc_setup",
    "drivers.pn532",
    "drivers.pn532_hsu",
    "drivers.pn532_i2c",
    "drivers.pn532_spi",
)
# What is never needed at the same time as another of these.
ROLES = (
    "duotap.base",
    "duotap.carrying",
    "duotap.p256_making",
    "port.paying",
    "port.receiving",
    "port.sending",
    "duotap.factory",
    "duotap.notices",
    "duotap.refunding",
    "duotap.refunds",
    "duotap.reserved",
    "duotap.statements",
    "duotap.unload",
    "port.keyfile",
)
POLLING = (
    "port.receiving",
    "duotap.refunding",
    "duotap.refunds",
    "duotap.reserved",
    "drivers.nfc_polling",
    "drivers.nfc_phones",
)
LISTENING = ("port.paying", "duotap.refunds", "drivers.nfc_listening")
URI_FILE = "tag.uri"  # the link that this device shows to phones; without it, none
SYNC_MS = 60_000  # how long a press for "sync" lasts


class Unit:
    """`parts` as boards/X/modules/board.py builds them; `radio` is handed over before `start`."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts
        self.clock = parts.clock
        from port.keyfile import KeyFile

        secret = KeyFile(parts.files).read()
        self.purse = Purse(_journal(parts.journal_store, bool(secret)))
        self.purse.boot()
        late.drop("duotap.base", "duotap.recovery", "port.keyfile")
        signer = parts.signer(int.from_bytes(secret, "big"))
        self.device = Device(self.purse, signer, parts.firmware_digest, self.sets)
        late.drop("duotap.p256_making")
        self.standing = Standing()
        self.events: list[tuple[Any, ...]] = []  # what the applet did, for the screen
        self.link = Link(parts.console, parts.clock, self)
        self.has_tag: bool = parts.files.has(URI_FILE)
        self._applet: Any = None
        self._led: Any = None  # what leads the touches for the last amount
        self.radio: Any = None
        self._sync_until = 0
        self._tasks: list[Any] = []

    def start(self) -> None:
        """Begin what runs beside the product: radio and cable."""
        self.parts.display.start()
        self.also(self.radio.run())
        self.also(self.link.run())

    def also(self, coroutine: Any) -> Any:
        """A task without which the device is none: when it ends, `feed` ends the firmware."""
        task = asyncio.create_task(coroutine)
        self._tasks.append(task)
        return task

    async def feed(self) -> None:
        """Once a turn of the product's loop: the watchdog, and the end of a press for "sync".

        Raises what ended a task; the board is reset then, and the journal knows all."""
        for task in self._tasks:
            if task.done():
                await task
                raise Broken("a task of the firmware has ended")
        self.parts.wdt.feed()
        if self._sync_until and self.passed(self._sync_until):
            self._sync_until = 0
            self.standing.pressed = False

    def press_sync(self) -> None:
        """The holder lets the cable read for SYNC_MS."""
        self.standing.pressed = True
        self._sync_until = self.deadline(SYNC_MS)

    # What is imported when it is needed (port.late): see Radio and Link for when that is

    def sets(self) -> Any:
        """What keeps sets of deny lists."""
        from port.sets import Sets

        return Sets(self.parts.files.folder)

    def chip(self) -> Any:
        """The radio chip, not set up yet."""
        late.drop()
        from drivers.pn532 import Pn532

        return Pn532(self.parts.radio_bus(), self.clock, self.nfcid1t)

    def applet(self) -> Any:
        """What answers a payee; from now on this device leads no tap."""
        if self._applet is None:
            self._led = None
            late.drop(*POLLING, "duotap.notices")
            from port.paying import applet

            self._applet = applet(self.device, self.events)
        return self._applet

    def tag(self) -> Any:
        """What answers phones, with the link of URI_FILE."""
        from duotap.type4 import Tag

        return Tag(self.parts.files.read(URI_FILE))

    def get_ready(self) -> None:
        """From now on this device leads taps and answers nobody."""
        if self._applet is not None:
            self._applet = None
            late.drop(*LISTENING, "duotap.notices")
        from port.receiving import tap  # noqa: F401  (there when a card comes)

    def tap(self) -> Any:
        """What leads the touches for one amount."""
        from port.receiving import tap

        self._led = tap(self.device)
        return self._led

    def refund(self) -> Any:
        """What leads the touches for one amount that is given back."""
        from port.receiving import refund

        self._led = refund(self.device)
        return self._led

    def news(self, outcome: Any) -> Any:
        """The steps of what may be told once a card has paid; None: nothing."""
        return self._led.news() if outcome.kind == "paid" else None

    def learn(self, statement: bytes) -> None:
        """Take what a card told, with the radio quiet."""
        from duotap.notices import take

        try:
            take(self.device, statement)
        except Refusal:
            pass  # known, or not for us: nobody waits for an answer

    async def open_cable(self) -> Any:
        """Silence the radio and make a session at the cable."""
        if self.radio is not None:
            await self.radio.hush()
        self.forget(*RADIO, "duotap.type4")
        from port.cable import session

        return session(self)

    def forget(self, *modules: str) -> None:
        """Drop what serves one purpose at a time, and these modules."""
        self._applet = self._led = None
        late.drop(*ROLES, *modules)

    def close_cable(self) -> None:
        """That session is over."""
        self.forget("port.cable")
        if self.radio is not None:
            self.radio.resume()

    def idle(self) -> bool:
        """One step of idle work, if the cable is quiet too. False: there was nothing to do, or no
        room to do it in: the radio goes on in any case."""
        try:
            return self.link.is_quiet() and self.purse.tidy()
        except Refusal:
            return False

    def poll(self, steps: Callable[[], Any] | None) -> None:
        """Lead taps with these steps from now on; None: listen."""
        self.radio.steps = steps
        self.radio.interrupt()

    def deadline(self, ms: int) -> int:
        """The tick `ms` from now; never 0, which means none."""
        return int(self.clock.ticks_ms() + ms) or 1

    def left_ms(self, deadline: int) -> int:
        """How long until a deadline, 0 when it has passed."""
        return int(max(0, self.clock.diff(deadline, self.clock.ticks_ms())))

    def passed(self, deadline: int) -> bool:
        """Whether a deadline has come."""
        return self.left_ms(deadline) == 0

    def sound(self, name: str) -> None:
        """A tune, and the light's sign of the same name if it has one."""
        self.parts.buzzer.sound(name)
        if name in ("ok", "refused"):
            self.parts.light.show(name)

    def name_of(self, peer: bytes) -> str:
        """What the screen calls another device: a stand's certified name, a card's id."""
        known = self.device.peers.by_id(peer)
        if known is not None and known.role == certificate.ROLE_STAND:
            return str(known.name_en)
        return "card " + "".join([f"{byte:02x}" for byte in peer[:4]])

    def reason(self, sw: int) -> tuple[str, bytes]:
        """What a refusal means to the person in front: English, and glyphs of Chinese."""
        from drivers.hanzi import glyphs
        from duotap.reasons import text

        words, zh = text(sw)
        drawn: bytes = glyphs(zh)
        late.drop("duotap.reasons", "drivers.hanzi")
        return words, drawn

    def balance(self) -> str:
        """All that the purse holds, for the screen."""
        return amount.text(self.purse.state.balance())

    def nfcid1t(self) -> bytes:
        """Three random bytes of a UID, new at each activation."""
        return bytes(self.parts.entropy.read("uid", 3))


def _journal(store: Any, has_key: bool) -> Journal:
    """The journal in its flash. Before there is a key nothing in it can be worth anything: what is
    not blank is erased."""
    journal = Journal(store)
    if not has_key:
        journal.recover(lambda sequence, kind, body, record_hash: None)
        if journal.damaged or journal.torn or journal.next_sequence > 1:
            journal.format()
    return journal
