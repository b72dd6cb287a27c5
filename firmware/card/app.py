# SPDX-License-Identifier: Apache-2.0
"""The card: a wearable hardware wallet with three buttons (pay, up/receive, ok).

Normally it listens. "pay" arms it for 30 s up to a ceiling and each further press raises that;
"up" begins to receive: enter an amount, then it polls for 30 s. It shows what the applet and the
tap tell; it decides nothing about money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import amount, status, tap
from duotap.consent import ARMED_MS
from duotap.errors import Fault

from card import screens
from card.entry import AmountEntry

if TYPE_CHECKING:
    from typing import Any

    from port.unit import Unit

RECEIVE_MS = 30_000
SHOW_MS = 4_000  # a result stays on the screen this long
CHARGE_MIN = 5  # percent, 3.45 V at rest: nothing begins that the end of the cell could meet
TURN_MS = 50  # how often screen and timers are looked at

HOME, ARMED, ENTRY, RECEIVE, RESULT = "home", "armed", "entry", "receive", "result"


class Card:
    """Screens and presses of a card; `unit` has everything else."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.display = unit.parts.display
        self.mode = HOME
        self.until = 0
        self.entry: AmountEntry | None = None
        self.tap: tap.Tap | None = None
        self.wanted = 0
        self.armed_until = 0  # whatever is on the screen or in the field
        self.asked = b""  # hash of the offer that the confirm screen is about
        self.shown: tuple[Any, ...] = (screens.service, ("",))
        self.drawn: tuple[Any, ...] = ()
        unit.radio.on_outcome = self.outcome
        unit.radio.on_torn = self.torn

    async def run(self) -> None:
        """For ever."""
        self.unit.start()
        presses = self.unit.also(self._presses())
        try:
            while True:
                self._tell()
                self._expire()
                self._draw()
                await self.unit.feed()
                await self.unit.clock.sleep_ms(TURN_MS)
        finally:
            presses.cancel()

    async def _presses(self) -> None:
        while True:
            button, held = await self.unit.parts.buttons.next()
            self.press(button, held)

    def press(self, button: str, held: bool) -> None:
        """One press; "ok" held is the press for "sync"."""
        if self.unit.device.certificate is None:
            return
        if self.mode == RESULT:
            self._go(HOME)
        if button == "ok" and held:
            self.unit.press_sync()
            self._result(screens.service, "sync: connect the cable")
            return
        self.unit.link.dismiss()
        if self.mode == ENTRY:
            self._enter(button)
        elif button != "ok" and self.unit.parts.battery.percent() < CHARGE_MIN:
            self._refused(status.LOW_BATTERY)
        elif button == "pay":
            self._arm()
        elif button == "up" and self.mode == HOME:
            self.unit.device.consent.disarm()
            self.entry = AmountEntry()
            self._go(ENTRY)
        elif button == "ok":
            self._cancel()

    def _arm(self) -> None:
        limits = self.unit.device.effective
        self.unit.poll(None)
        self.unit.device.consent.arm(limits.ceiling, limits.step)
        self.armed_until = self.unit.deadline(ARMED_MS)
        self._go(ARMED, ARMED_MS)
        self.unit.sound("press")

    def _enter(self, button: str) -> None:
        entry = self.entry
        if entry is None or button == "pay":
            self._go(HOME)
        elif entry.press(button):
            wanted = entry.amount()
            if wanted:
                self._receive(wanted)
            else:
                self._refused(status.NO_AMOUNT)

    def _receive(self, wanted: int) -> None:
        self.wanted = wanted
        self.unit.device.consent.disarm()
        self.unit.poll(self._steps)
        self._go(RECEIVE, RECEIVE_MS)

    def _steps(self) -> Any:
        if self.tap is None:
            self.tap = self.unit.tap()
        return self.tap.collect(self.wanted)

    def _cancel(self) -> None:
        """Back to listening, and to nothing agreed."""
        self.unit.device.consent.disarm()
        self.unit.poll(None)
        self._go(HOME)

    def outcome(self, outcome: tap.Outcome) -> None:
        """What a tap that this card led came to."""
        if outcome.kind == tap.PAID:
            self.unit.poll(None)
            self.unit.sound("ok")
            self._result(screens.done, "RECEIVED", "+" + amount.text(outcome.amount), "")
        elif outcome.kind == tap.FINISHED:
            self.unit.poll(None)
            self.unit.sound("ok")
            self._result(screens.done, "RECEIVED EARLIER", "+" + amount.text(outcome.amount), "")
        elif outcome.kind == tap.REFUSED:
            self.unit.poll(None)
            self._refused(outcome.sw)

    def torn(self, fault: Fault) -> None:
        """The radio failed in the middle of something."""
        if self.mode == RECEIVE:
            if self.tap is not None and self.tap.paid is not None:
                self.outcome(self.tap.paid)
            self.unit.sound("torn")

    def _refused(self, sw: int) -> None:
        self.unit.sound("refused")
        self._result(screens.refused, *self.unit.reason(sw))

    def _tell(self) -> None:
        """Show what the applet did while somebody else led."""
        events = self.unit.events
        while events:
            kind, sw, value, peer = events.pop(0)
            if kind == "paid":
                self.unit.sound("ok")
                self._result(screens.done, "PAID", amount.text(value), self.unit.name_of(peer))
            elif kind == "returned":
                self._result(screens.done, "RETURNED", amount.text(value), "")
            elif kind == "refunded":
                self.unit.sound("ok")
                back = "+" + amount.text(value)
                self._result(screens.done, "REFUNDED", back, self.unit.name_of(peer))
            elif kind == "confirm":
                self._confirm()
            elif kind == "paying":
                self._result(screens.again, amount.text(value))
            else:
                self._refused(sw)

    def _confirm(self) -> None:
        """What is asked now, which may be newer than the event."""
        asked = self.unit.device.consent.asked
        if asked is not None:
            self.asked = asked[0]
            self._result(screens.confirm, amount.text(asked[1]), self.unit.name_of(asked[2]))

    def _result(self, screen: Any, *values: Any) -> None:
        self.shown = (screen, values)
        self._go(RESULT, ARMED_MS if screen is screens.confirm else SHOW_MS)

    def _go(self, mode: str, for_ms: int = 0) -> None:
        self.mode = mode
        if mode != RECEIVE:
            self.tap = None
        self.until = self.unit.deadline(for_ms) if for_ms else 0

    def _expire(self) -> None:
        """A screen stays while somebody is in the field; what was agreed does not."""
        if self.armed_until and self.unit.passed(self.armed_until):
            self.armed_until = 0
            self.unit.device.consent.disarm()
        if not self.until or not self.unit.passed(self.until) or self.unit.radio.in_session:
            return
        if self.mode in (ARMED, RESULT):
            self.unit.device.consent.disarm()
        self.unit.poll(None)
        self._go(HOME)

    def _draw(self) -> None:
        """Draw when something changed; never in the middle of a tap, a screen takes 25 ms."""
        if self.unit.radio.in_session:
            return
        want = self._picture()
        if want != self.drawn:
            self.drawn = want
            want[0](self.display, *want[1])
        shown = want[0] is screens.confirm and self.display.seen
        self.unit.device.consent.show(self.asked if shown else b"")

    def _picture(self) -> tuple[Any, ...]:
        unit = self.unit
        if unit.device.certificate is None:
            return screens.service, ("new card: provision me",)
        if unit.purse.stopped():
            return screens.service, (unit.purse.stopped() + ": have it replaced",)
        state = unit.purse.state
        if self.mode == ARMED:
            left = unit.left_ms(self.until) // 1000
            return screens.armed, (amount.text(unit.device.consent.ceiling), left)
        if self.mode == ENTRY and self.entry is not None:
            return screens.entry, (self.entry.text(), self.entry.cursor_column())
        if self.mode == RECEIVE:
            return screens.waiting, (amount.text(self.wanted),)
        if self.mode == RESULT:
            return self.shown
        percent = unit.purse.full_percent()
        return screens.home, (
            amount.text(state.balance()),
            len(state.open_payments),
            percent,
            unit.parts.battery.percent(),
        )
