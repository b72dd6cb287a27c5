# SPDX-License-Identifier: Apache-2.0
"""The stand: the merchant types an amount, the customer touches, both see and hear the result.

While an amount is asked for it polls for cards; otherwise it listens. It shows what the tap tells
and decides nothing about money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers import font
from duotap import amount, status, tap
from duotap.errors import Crowded, Fault

from stand import screens
from stand.entry import AmountEntry

if TYPE_CHECKING:
    from typing import Any

    from port.unit import Unit

ASK_MS = 60_000  # a customer looks for the card this long
SHOW_MS = 4_000
UNSURE_MS = 20_000  # a card that missed its receipt can come back for it
TURN_MS = 50

ENTRY, ASK, RESULT = "entry", "ask", "result"


class Stand:
    """Screens and keys of a stand; `unit` has everything else."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.display = unit.parts.display
        self.mode = ENTRY
        self.until = 0
        self.entry = AmountEntry()
        self.tap: tap.Tap | None = None
        self.led: tap.Tap | None = None  # with a card now; the merchant may have typed on
        self.wanted = 0
        self.gives = False  # the amount goes back to the card
        self.shown: tuple[Any, ...] = (screens.message, "", [])
        self.drawn: tuple[Any, ...] = ()
        unit.radio.on_outcome = self.outcome
        unit.radio.on_torn = self.torn

    async def run(self) -> None:
        """For ever."""
        self.unit.start()
        presses = self.unit.also(self._presses())
        try:
            while True:
                self._expire()
                self._draw()
                await self.unit.feed()
                await self.unit.clock.sleep_ms(TURN_MS)
        finally:
            presses.cancel()

    async def _presses(self) -> None:
        while True:
            self.press(await self.unit.parts.keypad.next())

    def press(self, key: str) -> None:
        """One key: a digit, ".", "back", "cancel", "sync", "menu" (sale or refund) or "ok"."""
        if self.unit.device.certificate is None:
            return
        if self.mode == RESULT:
            self._clear()
        if key == "sync":
            self.unit.press_sync()
            self._show(screens.message, "SYNC", ["connect the cable"])
            return
        self.unit.link.dismiss()
        if key == "cancel":
            self._cancel()
        elif self.mode == ENTRY and key == "ok":
            self._ask(self.entry.amount())
        elif self.mode == ENTRY and key == "menu":
            self.gives = not self.gives
        elif self.mode == ENTRY:
            self.entry.press(key)

    def _ask(self, wanted: int) -> None:
        if not wanted:
            self._refused(status.NO_AMOUNT)
            return
        self.wanted = wanted
        self.tap = None
        self.unit.poll(self._steps)
        self._show(screens.touch, amount.text(wanted), False, self.gives)
        self._go(ASK, ASK_MS)

    def _steps(self) -> Any:
        if self.tap is None:
            self.tap = self.unit.refund() if self.gives else self.unit.tap()
        self.led = self.tap
        return self.tap.collect(self.wanted)

    def _cancel(self) -> None:
        """The merchant gives up: the open offer is closed unpaid before the next one."""
        self._clear()

    def outcome(self, outcome: tap.Outcome) -> None:
        """What a tap came to. Once the merchant has given up only "paid" counts."""
        self.led = None
        text = amount.text(self.wanted)
        if outcome.kind == tap.PAID:
            self._paid(outcome.amount, False)
        elif self.mode != ASK:
            return
        elif outcome.kind == tap.FINISHED:
            self.unit.poll(None)
            self.unit.sound("ok")
            self._show(screens.message, "PAID EARLIER", [text, "for another sale", "enter again"])
        elif outcome.kind == tap.REFUNDED:
            self.unit.poll(None)
            self.unit.sound("ok")
            where = "comes by deposit" if outcome.sw else "on the card"
            self._show(screens.message, "REFUNDED", [text, where])
        elif outcome.kind == tap.CONFIRM:
            self._ask_again(screens.confirm, text)
        elif outcome.kind == tap.NOT_ARMED:
            self._ask_again(screens.arm, text)
        elif outcome.sw == status.NOT_FOUND:
            self._ask_again(screens.message, "NOT YET", ["not one of", "our cards"])
        elif outcome.kind == tap.REFUSED:
            self.unit.poll(None)
            self._refused(outcome.sw)

    def torn(self, fault: Fault) -> None:
        """The card left too early, or the chip failed."""
        led, self.led = self.led, None
        if led is not None and led.paid is not None and self.mode != RESULT:
            self._paid(led.paid.amount, True)
        elif self.mode != ASK:
            return
        elif isinstance(fault, Crowded):
            self._ask_again(screens.message, "NOT YET", ["two cards:", "one at a time"])
        else:
            self.unit.sound("torn")
            self._ask_again(screens.touch, amount.text(self.wanted), True, self.gives)

    def _paid(self, paid: int, unsure: bool) -> None:
        """Closed: sound and light at once. An unsure card may come back while it is shown."""
        if not unsure:
            self.unit.poll(None)
        self.unit.sound("ok")
        self._show(screens.paid, amount.text(paid), unsure)
        self._go(RESULT, UNSURE_MS if unsure else SHOW_MS)

    def _refused(self, sw: int) -> None:
        words, zh = self.unit.reason(sw)
        self.unit.sound("refused")
        title = "NOT REFUNDED" if self.gives else "NOT PAID"
        self._show(screens.message, title, font.lines(words, screens.LINE), zh)
        self._go(RESULT, SHOW_MS)

    def _ask_again(self, screen: Any, *values: Any) -> None:
        self._show(screen, *values)
        self._go(ASK, ASK_MS)

    def _clear(self) -> None:
        self.unit.poll(None)
        self.tap = None
        self.gives = False
        self.entry = AmountEntry()
        self._go(ENTRY)

    def _show(self, screen: Any, *values: Any) -> None:
        self.shown = (screen,) + values
        self._go(RESULT, SHOW_MS)

    def _go(self, mode: str, for_ms: int = 0) -> None:
        self.mode = mode
        self.until = self.unit.deadline(for_ms) if for_ms else 0

    def _expire(self) -> None:
        if self.mode == ENTRY or self.unit.radio.in_session or not self.unit.passed(self.until):
            return
        self._clear()

    def _draw(self) -> None:
        """Draw when something changed; never in the middle of a tap, a screen takes 25 ms."""
        if self.unit.radio.in_session:
            return
        want = self._picture()
        if want != self.drawn:
            self.drawn = want
            want[0](self.display, *want[1:])

    def _picture(self) -> tuple[Any, ...]:
        unit = self.unit
        if unit.device.certificate is None:
            return screens.message, "duotap", ["new stand:", "provision me"]
        if unit.purse.stopped():
            return screens.message, unit.purse.stopped().upper(), ["have it replaced"]
        if self.mode != ENTRY:
            return self.shown
        unsafe = unit.purse.state.unsafe
        return (
            screens.entry,
            "REFUND" if self.gives else unit.device.certificate.name_en,
            self.entry.text(),
            amount.text(unsafe) if unsafe else "",
            unit.purse.full_percent(),
            self._list_age(),
        )

    def _list_age(self) -> int:
        """Epochs since the newest deny list, below 0 if there is none."""
        state = self.unit.purse.state
        newest = state.list_epochs()[-1]
        return state.epoch - newest if newest else -1
