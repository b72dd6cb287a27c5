# SPDX-License-Identifier: Apache-2.0
"""Every refusal shows its reason, in English and Chinese, on the screen of whoever refuses and of
whoever asked (firmware/duotap/reasons.py): real taps, and the pixels of a virtual SSD1306."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from card.app import Card
from drivers import hanzi
from drivers.ssd1306 import ADDRESS, WIDTH, Ssd1306
from duotap import certificate, messages, notices, reasons, records, status, tap
from duotap_host.virtual import glass
from duotap_host.virtual.ssd1306_chip import Ssd1306Chip
from stand.app import Stand

from duet.desk import Unit
from duet.makers import EXPIRY, LIMITS, Maker, Mint, touch

PERSON, STAND = certificate.ROLE_PERSON, certificate.ROLE_STAND
LOADED, AMOUNT = 20_000, 1_000
FIRMWARE = Path(__file__).parents[2] / "firmware"
# What a reader's commands end with over a cable; nobody stands in front of a screen then.
OF_COMMANDS = {"WRONG_LENGTH", "WRONG_P1P2", "WRONG_OFFSET", "UNKNOWN_INS", "UNKNOWN_CLA"}


class Bus:
    def __init__(self, chip: Ssd1306Chip) -> None:
        self.chip = chip

    def writeto(self, address: int, buf: bytes) -> int:
        assert address == ADDRESS
        self.chip.write(bytes(buf))
        return len(buf)


class Eyes:
    """An app with a panel; `see` is what stands there, `zh` its Chinese as it was drawn."""

    def __init__(self, maker: Maker, product: Any) -> None:
        self.unit = Unit(maker)
        self.chip = Ssd1306Chip()
        self.unit.display = Ssd1306(Bus(self.chip))  # type: ignore[assignment,arg-type]  # a real one
        self.unit.display.start()
        self.app = product(self.unit)

    def see(self) -> list[str]:
        self.app.drawn = ()
        if hasattr(self.app, "_tell"):
            self.app._tell()
        self.app._draw()
        return list(glass.lines(self.chip))

    def has_zh(self, words: str) -> bool:
        """The glyphs of these words stand in one row of the panel."""
        columns = self.chip.columns()
        drawn = hanzi.glyphs(words)
        x = (WIDTH - len(drawn) // 2) // 2
        wanted = []
        for at in range(0, len(drawn), hanzi.BYTES):
            for column in range(hanzi.WIDTH):
                low, high = drawn[at + column], drawn[at + hanzi.WIDTH + column]
                wanted.append(low | high << 8)
        return any(
            [columns[x + i] >> y & 0xFFFF for i in range(len(wanted))] == wanted for y in (37, 42)
        )

    def shows(self, sw: int) -> None:
        """The whole reason, in both languages."""
        seen = " ".join(self.see())
        en, zh = reasons.text(sw)
        assert squeezed(en) in squeezed(seen), (en, seen)
        assert self.has_zh(zh), zh


def squeezed(words: str) -> str:
    return words.replace(" ", "")


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


@pytest.mark.parametrize("product", [Card, Stand])
@pytest.mark.parametrize("sw", reasons.REASONS)
def test_each_reason_fits_the_screen(mint: Mint, product: Any, sw: int) -> None:
    eyes = Eyes(Maker(mint, "device", PERSON if product is Card else STAND), product)
    eyes.app._refused(sw)
    eyes.shows(sw)
    assert any("NOT PAID" in line for line in eyes.see())


def test_each_status_word_of_the_firmware_has_a_reason() -> None:
    used = set()
    for path in FIRMWARE.glob("[!s]*/*.py"):
        used |= set(re.findall(r"Refusal\(\s*status\.([A-Z_0-9]+)", path.read_text()))
    assert len(used) > 15
    for name in used - OF_COMMANDS:
        assert getattr(status, name) in reasons.REASONS, name
    assert len(set(reasons.REASONS.values())) == len(reasons.REASONS)


def test_a_status_word_without_a_reason_is_shown_itself() -> None:
    assert reasons.text(0x6FFF) == ("status 6FFF", reasons.REASONS[reasons.OTHER][1])


# Each payment that is refused: what has happened to card and stand before, and what it is.
def limited(**limits: int) -> dict[str, Any]:
    return {"limits": LIMITS._replace(**limits)}


def tell(maker: Maker, message: Any) -> None:
    key = maker.mint.keys[certificate.USAGE_LISTS]
    notices.take(maker.device, messages.encode(message, key.id, key.sign))


def expire(maker: Maker) -> None:
    tell(maker, messages.Epoch(EXPIRY, None))


def deny(maker: Maker, other: Maker) -> None:
    tell(maker, messages.DenyList(5, 0, 0, b"\0" + other.device.id))


def damage(maker: Maker) -> None:
    maker.purse.journal.damaged = True


def fill(maker: Maker) -> None:
    maker.purse.journal.pages_free = lambda: 0  # type: ignore[method-assign]  # full


def unfinished(card: Maker) -> None:
    one = messages.Payment(1, bytes(16), 1, ((0, 1),), bytes(32), bytes(32))
    from duotap.fold import open_payment

    raw = card.device.sign(one)
    card.purse.state.open_payments += [open_payment(raw)] * 8


CASES: dict[str, tuple[int, dict[str, Any], dict[str, Any], Callable[..., None], str]] = {
    # name: status word, changes to the card's and the stand's certificate, before, who refuses
    "balance": (status.ABOVE_BALANCE, {}, {}, lambda c, s: spend(c), "card"),
    "one payment": (
        status.ABOVE_PAYMENT_LIMIT, limited(payment=999), {}, lambda c, s: None, "card"
    ),
    "sum": (status.ABOVE_SUM, limited(total=999), {}, lambda c, s: None, "card"),
    "count": (status.ABOVE_COUNT, limited(count=0), {}, lambda c, s: None, "card"),
    "unfinished": (status.TOO_MANY_OPEN, {}, {}, lambda c, s: unfinished(c), "card"),
    "card expired": (status.EXPIRED, {}, {}, lambda c, s: expire(c), "card"),
    "listed stand": (status.DENY_LISTED, {}, {}, lambda c, s: deny(c, s), "card"),
    "card full": (status.JOURNAL_FULL, {}, {}, lambda c, s: fill(c), "card"),
    "received": (
        status.ABOVE_PAYMENT_LIMIT, {}, limited(received=999), lambda c, s: None, "stand"
    ),
    "received sum": (
        status.ABOVE_SUM, {}, limited(received_total=999), lambda c, s: None, "stand"
    ),
    "stand expired": (status.EXPIRED, {}, {}, lambda c, s: expire(s), "stand"),
    "listed card": (status.DENY_LISTED, {}, {}, lambda c, s: deny(s, c), "stand"),
    "stand full": (status.JOURNAL_FULL, {}, {}, lambda c, s: fill(s), "stand"),
}  # fmt: skip


def spend(card: Maker) -> None:
    card.purse.state.balances = {0: AMOUNT - 1}


@pytest.mark.parametrize("name", CASES)
def test_a_tap_that_is_refused_says_why_on_both_screens(mint: Mint, name: str) -> None:
    sw, of_card, of_stand, before, who = CASES[name]
    card = Maker(mint, "card", PERSON, **of_card)
    stand = Maker(mint, "stand", STAND, **of_stand)
    card.load(LOADED)
    before(card, stand)
    held = card.purse.state.balance()
    holder, merchant = Eyes(card, Card), Eyes(stand, Stand)
    merchant.app.press("9")
    merchant.app.press("ok")
    card.arm(LOADED)
    outcome = touch(stand, card, AMOUNT)
    assert outcome[:2] == (tap.REFUSED, sw)
    merchant.app.outcome(outcome)
    merchant.shows(sw)
    if who == "card":
        holder.shows(sw)
    assert card.purse.state.balance() == held
    assert records.PAYMENT not in [kind for _, kind, _ in card.purse.journal.walk(1)]


def test_a_damaged_device_says_so_all_the_time(mint: Mint) -> None:
    for role, product in ((PERSON, Card), (STAND, Stand)):
        maker = Maker(mint, "device", role)
        damage(maker)
        seen = " ".join(Eyes(maker, product).see()).lower()
        assert "damaged" in seen
        assert squeezed("have it replaced") in squeezed(seen)
