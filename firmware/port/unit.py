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
from duotap.applet import Applet
from duotap.deposit import Deposit, Gauges
from duotap.device import Device
from duotap.errors import Broken, Refusal
from duotap.factory import Factory
from duotap.journal import Journal
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.purse import Purse
from duotap.rights import Rights
from duotap.sync import SyncApplet

from port.keyfile import KeyFile
from port.link import Link

if TYPE_CHECKING:
    from typing import Any, Callable

SYNC_MS = 60_000  # how long a press for "sync" lasts
PIN_FILE = "shift.pin"


class Unit:
    """`parts` as boards/X/modules/board.py builds them; `radio` is handed over before `start`."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts
        self.clock = parts.clock
        keyfile = KeyFile(parts.files)
        secret = keyfile.read()
        self.purse = Purse(_journal(parts.journal_store, bool(secret)))
        self.purse.boot()
        signer = parts.signer(int.from_bytes(secret, "big"))
        self.device = Device(self.purse, signer, parts.firmware_digest)
        self.payer, self.payee = Payer(self.device), Payee(self.device)
        self.applet = Applet(self.payer)
        pin = parts.files.read(PIN_FILE) if parts.files.has(PIN_FILE) else b""
        gauges = Gauges(parts.battery.percent, lambda: 0)
        self.sync = SyncApplet(
            self.payer,
            self.payee,
            Factory(self.device, parts.entropy, keyfile, parts.signer),
            Rights(self.device, parts.entropy, pin),
            Deposit(self.device, parts.entropy, parts.cipher, gauges),
        )
        self.link = Link(parts.console, parts.clock, self.sync)
        self.radio: Any = None
        self._sync_until = 0
        self._tasks: list[Any] = []

    def start(self) -> None:
        """Begin what runs beside the product: radio and cable."""
        self.parts.display.start()
        self.link.hush, self.link.resume = self.radio.hush, self.radio.resume
        self.also(self.radio.run())
        self.also(self.link.run())

    def also(self, coroutine: Any) -> Any:
        """A task without which the device is none: when it ends, `feed` ends the firmware."""
        task = asyncio.create_task(coroutine)
        self._tasks.append(task)
        return task

    def feed(self) -> None:
        """Once a turn of the product's loop: the watchdog, and the end of a press for "sync".

        Raises Broken when a task has ended; the board is reset then, and the journal knows all."""
        for task in self._tasks:
            if task.done():
                raise Broken("a task of the firmware has ended")
        self.parts.wdt.feed()
        if self._sync_until and self.passed(self._sync_until):
            self._sync_until = 0
            self.sync.sync_over()

    def press_sync(self) -> None:
        """The holder lets the cable read for SYNC_MS."""
        self.sync.pressed_sync()
        self._sync_until = self.deadline(SYNC_MS)

    def idle(self) -> bool:
        """One step of idle work, if the cable is quiet too. False: there was nothing to do, or no
        room to do it in: the radio goes on in any case."""
        try:
            return self.link.is_quiet() and not self.purse.journal.damaged and self.purse.tidy()
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
