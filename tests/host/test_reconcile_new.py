# SPDX-License-Identifier: Apache-2.0
"""A run looks at what is new, and comes to what a look at everything comes to.

After each step of a drawn life (payments of every end, refunds, loads, cancels, checkpoints, lost
and found devices, devices that are registered late, pieces of journals in any order) what is kept
is compared with what the whole archive says, and at the end with a ledger that looks once.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from duotap_host.ledger import codes, vault
from duotap_host.ledger.interface import Kind, LedgerError, LossReason
from host.ledger_bench import DAY_US, Town
from host.paper_device import PaperDevice, person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

PAYMENTS = ("sale", "gift", "receipt lost", "payment lost", "late void", "unclosed")
STEPS = (
    *PAYMENTS,
    "refund",
    "unload",
    "set back",
    "load",
    "cancel",
    "sync",
    "piece",
    "head",
    "stranger",
    "lose",
    "pay lost",
)
STEP = st.tuples(st.sampled_from(STEPS), st.integers(0, 5), st.integers(1, 4_000))


class Life:
    """Two cards, a stand with a float, and somebody whom the ledger is told of late."""

    def __init__(self) -> None:
        self.town = Town()
        cards = [self.town.holder(number) for number in (7, 8)]
        for card, holder in zip(cards, (7, 8), strict=True):
            self.town.load(card, 20_000, holder)
        self.town.ledger.fund(codes.GUARANTEE, 50_000)
        self.devices = [*cards, self.town.merchant(12)]
        self.stranger = person(self.town.issuer, 7)
        self.images = [device.copy() for device in self.devices]
        self.histories = list(self.images)
        self.paid: list[tuple[PaperDevice, PaperDevice, bytes]] = []
        self.strangers_known = False

    def step(self, name: str, who: int, amount: int) -> None:
        """One of STEPS; what makes no sense now is left out."""
        if name in PAYMENTS:
            self._pay(name, who, amount)
        else:
            work: Callable[[int, int], None] = getattr(self, "_" + name.replace(" ", "_"))
            try:
                work(who, amount)
            except LedgerError:
                pass

    def _pay(self, name: str, who: int, amount: int) -> None:
        payer = self.devices[who % 2]
        payee = self.devices[1 - who % 2] if name == "gift" else self.devices[2]
        if who == 5:
            payee = self.stranger
        if payer.state.balance() < amount or len(payer.state.open_payments) == 8:
            return
        if payee.state.open_offer is not None:
            payee.unpaid()
        payment = payer.pay(payee.offer(payer, amount))
        if name in ("late void", "payment lost"):
            payee.unpaid()
        if name == "late void":
            payer.closed(payee.void(payment))
        elif name not in ("payment lost", "unclosed"):
            receipt = payee.close(payment)
            self.paid.append((payer, payee, payment))
            if name != "receipt lost":
                payer.closed(receipt)

    def _refund(self, who: int, amount: int) -> None:
        if self.paid and self.devices[2].state.balance() >= amount:
            payer, payee, payment = self.paid[who % len(self.paid)]
            if payee is self.devices[2]:
                raw = payee.refund(payment, amount)
                if amount % 2:
                    payer.write(17, raw)

    def _unload(self, who: int, amount: int) -> None:
        if self.devices[who % 2].state.balance() >= amount:
            self.devices[who % 2].unload(amount)

    def _set_back(self, who: int, amount: int) -> None:
        at = who % 3
        self.histories.append(self.devices[at])
        self.devices[at], self.images[at] = self.images[at].copy(), self.devices[at].copy()

    def _load(self, who: int, amount: int) -> None:
        device = self.devices[who % 3]
        account = ("wallet:7", "wallet:8", "merchant:12")[who % 3]
        if who % 3 == 2:
            self.town.ledger.fund(account, amount)
        raw = self.town.ledger.issue_load(device.id, ((0, amount),), account)
        if amount % 3:
            device.take(raw)

    def _cancel(self, who: int, amount: int) -> None:
        device = self.devices[who % 3]
        number = device.state.next_issue
        raw = self.town.ledger.issue_cancel(device.id, number)
        if amount % 2:
            device.take(raw)

    def _sync(self, who: int, amount: int) -> None:
        """A whole visit: deposit, what is handed over, and a checkpoint."""
        device = self.devices[who % 3]
        self.town.pull(device)
        for each in self.town.ledger.next_statements(device.id):
            if each.kind == Kind.STATEMENT and amount % 2:
                device.take(each.raw)
        checkpoint = self.town.ledger.issue_checkpoint(device.id)
        if checkpoint is not None and amount % 5:
            device.take(checkpoint)

    def _piece(self, who: int, amount: int) -> None:
        history = (self.histories + self.devices)[amount % (len(self.histories) + 3)]
        at = who * 3
        self.town.ledger.deposit(history.id, history.statements[at : at + 1 + amount % 7])

    def _head(self, who: int, amount: int) -> None:
        self.town.head((self.histories + self.devices)[amount % (len(self.histories) + 3)])

    def _stranger(self, who: int, amount: int) -> None:
        if who > 2:
            self.town.ledger.register_device(self.stranger.certificate)
            self.strangers_known = True
        if self.strangers_known:
            self.town.pull(self.stranger)

    def _lose(self, who: int, amount: int) -> None:
        device = self.devices[who % 3]
        if amount % 3:
            self.town.ledger.report_lost(device.id, LossReason.LOST)
        else:
            self.town.ledger.report_found(device.id)

    def _pay_lost(self, who: int, amount: int) -> None:
        self.town.now += 2_000 * DAY_US
        self.town.ledger.pay_lost(self.devices[who % 3].id)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(STEP, st.booleans()), max_size=30))
def test_what_is_kept_is_what_the_whole_archive_says(
    steps: list[tuple[tuple[str, int, int], bool]],
) -> None:
    life = Life()
    ledger = life.town.ledger
    for (name, who, amount), is_looked_at in steps:
        life.step(name, who, amount)
        if is_looked_at:
            ledger.reconcile()
            life.town.right()
            assert ledger._runs.differences() == ()
    twin = life.town.twin()
    twin.ledger._runs.begin_anew()
    again, once = twin.ledger.reconcile(), ledger.reconcile()
    assert again.findings == once.findings
    assert twin.balances() == life.town.balances()
    assert ledger._runs.differences() == twin.ledger._runs.differences() == ()
    for made in (life.town, twin):
        made.right()
        made.ledger.close()


def sales(count: int) -> tuple[Town, PaperDevice, PaperDevice]:
    """A town where so many sales were settled."""
    town = Town()
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 50_000, 7)
    for _ in range(count):
        card.closed(shop.close(card.pay(shop.offer(card, 10))))
    for device in (card, shop):
        town.pull(device)
    town.ledger.reconcile()
    return town, card, shop


def test_a_run_reads_what_is_new_however_much_is_archived(monkeypatch: pytest.MonkeyPatch) -> None:
    """The very same records, whether three sales were settled before or sixty."""
    read = []
    before = vault.archived_in
    monkeypatch.setattr(vault, "archived_in", lambda row: read.append(row) or before(row))
    counts = []
    for settled in (3, 60):
        town, card, shop = sales(settled)
        for device in (card, shop):
            raw = town.ledger.issue_checkpoint(device.id)
            assert raw is not None
            device.take(raw)
        card.closed(shop.close(card.pay(shop.offer(card, 10))))
        del read[:]
        for device in (card, shop):
            town.pull(device)
            town.ledger.next_statements(device.id)
            town.ledger.issue_checkpoint(device.id)
        assert town.ledger.reconcile().findings == ()
        counts.append(len(read))
    assert counts[0] == counts[1]


def test_what_was_kept_wrong_is_told_and_mended() -> None:
    """A row that somebody changed: the look at everything says so, and the book is right again."""
    town, _, _ = sales(2)
    balances = town.balances()
    with town.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE positions SET state = 'under way' WHERE kind = 'load'"))
        connection.execute(text("DELETE FROM shadows"))
    done, told = town.ledger.reconcile_anew()
    assert [line for line in told if "load under way" in line] == [told[0]]
    assert ["sums are" in line for line in told[1:]] == [True, True]  # of all, and its own
    assert (done.transfers, done.corrections, done.findings) == (0, 0, ())
    assert town.ledger.reconcile_anew()[1] == ()
    assert town.balances() == balances
    town.right()
