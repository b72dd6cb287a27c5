# SPDX-License-Identifier: Apache-2.0
"""Pieces of any size, any order, twice, reconciled at any moment: the same book and findings.

A story is drawn (payments whole, torn, voided, forwarded; devices set back), then its journals are
handed in twice, each time cut and mixed differently. Frauds are in the stories on purpose: what
later evidence overturns must end where it would have begun.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from duotap_host.ledger import codes
from duotap_host.ledger.interface import Finding
from host.ledger_bench import Town
from host.paper_device import PaperDevice
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LOADED = 50_000
HOLDERS = (7, 8)
MERCHANT = 12

KINDS = (
    *("sale", "gift", "receipt lost", "payment lost", "late void", "late void lost", "unload"),
    *("set back", "set back", "set back"),
)
STEPS = st.tuples(st.sampled_from(KINDS), st.integers(0, 2), st.integers(1, 9_000))


class Story:
    """Two cards and a stand that live through the steps; `histories` are all that ever were."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.devices = [*map(town.holder, HOLDERS), town.merchant(MERCHANT)]
        for device, holder in zip(self.devices, HOLDERS, strict=False):
            town.load(device, LOADED, holder)
        self.images = [[device.copy()] for device in self.devices]
        self.histories: list[PaperDevice] = []
        self.is_honest = True

    def live(self, steps: list[tuple[str, int, int]]) -> None:
        for step, who, amount in steps:
            if step == "set back":
                self._set_back(who, amount)
            elif step == "unload":
                self._unload(who % 2, amount)
            else:
                self._pay(step, who % 2, amount)
            for device, images in zip(self.devices, self.images, strict=True):
                images.append(device.copy())
        self.histories.extend(self.devices)

    def _unload(self, who: int, amount: int) -> None:
        if self.devices[who].state.balance() >= amount:
            self.devices[who].unload(amount)

    def _set_back(self, who: int, to: int) -> None:
        """To any moment of the past; it cheats only by what it does from there."""
        images = self.images[who]
        self.histories.append(self.devices[who])
        self.devices[who] = images[to % len(images)].copy()
        self.is_honest = False

    def _pay(self, step: str, who: int, amount: int) -> None:
        payer = self.devices[who]
        payee = self.devices[1 - who if step == "gift" else 2]
        if payer.state.balance() < amount:
            return
        if payee.state.open_offer is not None:
            payee.unpaid()
        payment = payer.pay(payee.offer(payer, amount))
        if step in ("sale", "gift"):
            payer.closed(payee.close(payment))
        elif step == "receipt lost":
            payee.close(payment)
        elif step.startswith("late void"):
            payee.unpaid()
            void = payee.void(payment)
            if step == "late void":
                payer.closed(void)


Pieces = list[tuple[bytes, list[bytes]]]  # of one device's journal; or a head, without records


def pieces_of(story: Story, draw: Any) -> Pieces:
    """Every history cut somewhere, some of it twice; and a head of each."""
    pieces: Pieces = []
    for device in story.histories:
        whole = device.statements
        cuts = draw(st.lists(st.integers(0, len(whole)), max_size=3))
        for start, end in pairwise(sorted({0, *cuts, len(whole)})):
            pieces.append((device.id, whole[start:end]))
        if draw(st.booleans()):
            pieces.append((device.id, whole))
        pieces.append((device.head(story.town.ledger.new_challenge(device.id)), []))
    return pieces


def outcome(town: Town, pieces: Pieces, draw: Any) -> tuple[dict[str, int], tuple[Finding, ...]]:
    """Hand the pieces in mixed, reconcile in between and after, and look at book and findings."""
    moments = draw(st.sets(st.integers(0, len(pieces) - 1), max_size=2))
    for number, at in enumerate(draw(st.permutations(range(len(pieces))))):
        of, records = pieces[at]
        if records:
            town.ledger.deposit(of, records)
        else:
            town.ledger.put_head(of)
        if number in moments:
            town.ledger.reconcile()
            town.right()
    found = town.ledger.reconcile().findings
    assert town.ledger._runs.differences() == ()
    town.right()
    return town.balances(), found


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=10), st.data())
def test_no_order_of_deposits_leads_to_another_book(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    town = Town()
    story = Story(town)
    story.live(steps)
    pieces = pieces_of(story, data.draw)
    other = town.twin()
    first = outcome(town, pieces, data.draw)
    second = outcome(other, pieces, data.draw)
    for made in (town, other):
        made.ledger.close()
    assert first == second
    if story.is_honest:
        balances, found = first
        assert found == ()
        for device in story.devices:
            assert balances[codes.purse(device.id)] == device.state.balance()
