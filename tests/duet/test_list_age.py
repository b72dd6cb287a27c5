# SPDX-License-Identifier: Apache-2.0
"""What a stand takes falls as its deny list ages, and rises again with the list that a card brings
(PROTOCOL.md §7.2, §7.1)."""

from __future__ import annotations

from typing import Any

from duotap import certificate, messages, notices, status, tap
from duotap.messages import encode

from duet.makers import LIMITS, Maker, Mint, touch

LOADED = 60_000


def tell(maker: Maker, message: Any) -> None:
    key = maker.mint.keys[certificate.USAGE_LISTS]
    notices.take(maker.device, encode(message, key.id, key.sign))


def test_less_by_and_by_and_all_of_it_after_a_tap() -> None:
    mint = Mint()
    made = bytes((0, 0, 0, 1)) + b"made"
    card = Maker(mint, "card", certificate.ROLE_PERSON, serial=made)
    stand = Maker(mint, "stand", certificate.ROLE_STAND, serial=made)
    card.load(LOADED)
    tell(stand, messages.Epoch(1, None))
    tell(stand, messages.Epoch(22, None))
    most = LIMITS.received >> 3
    for amount, sw in ((most + 1, status.ABOVE_PAYMENT_LIMIT), (most, 0)):
        card.arm(LOADED)
        assert touch(stand, card, amount)[1] == sw
    tell(card, messages.Epoch(22, None))
    tell(card, messages.DenyList(22, 0, 0, b"\0"))
    card.arm(LOADED)
    outcome, brought = told(stand, card, most)
    assert outcome.kind == tap.PAID
    notices.take(stand.device, brought)
    card.arm(LOADED)
    assert touch(stand, card, most + 1).kind == tap.PAID


def told(stand: Maker, card: Maker, amount: int) -> tuple[Any, bytes]:
    """A sale, and the news that the card gave after it."""
    outcome = touch(stand, card, amount)
    card.applet.closed = True
    steps = stand.tap.news()
    answer: bytes | None = None
    try:
        while True:
            step = steps.send(answer)
            answer = None if isinstance(step, int) else card.applet.answer(step)
    except StopIteration as stop:
        return outcome, bytes(stop.value)
