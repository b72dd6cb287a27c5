# SPDX-License-Identifier: Apache-2.0
"""Devices that do not come back: their value goes home after the wait, who waits for them is paid
from the guarantee, and whatever comes later is the holder's debt (PROTOCOL.md §11.3)."""

from __future__ import annotations

import pytest
from duotap_host.cli.main import main
from duotap_host.ledger import codes
from duotap_host.ledger.codes import TransferCode
from duotap_host.ledger.interface import DeviceState, LossReason, Refused, Transfer
from duotap_host.reconcile.findings import Code
from duotap_host.reconcile.losses import DEPOSIT_EPOCHS, GUARANTEE_CAP, MARGIN_EPOCHS
from host.ledger_bench import DAY_US, Town, codes_of
from host.paper_device import PaperDevice
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXPIRY = 1000  # of the certificates that `paper_device` makes
DUE = EXPIRY + DEPOSIT_EPOCHS + MARGIN_EPOCHS
FUND = 100_000


@pytest.fixture
def town() -> Town:
    return made()


def made() -> Town:
    town = Town()
    town.ledger.fund(codes.GUARANTEE, FUND)
    return town


def wait(town: Town, epoch: int = DUE) -> None:
    """Until the first moment of an epoch; the issuer's first is 1."""
    town.now = max(town.now, (20_000 + epoch - 1) * DAY_US)


def lose(town: Town, device: PaperDevice) -> None:
    assert town.ledger.report_lost(device.id, LossReason.LOST) == DUE


def pay(town: Town, device: PaperDevice) -> int:
    """What was paid in all."""
    town.ledger.reconcile()
    paid = town.ledger.pay_lost(device.id)
    town.right()
    return sum(each.amount for each in paid)


def test_its_value_goes_home_after_the_wait(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    town.pull(card)
    lose(town, card)
    wait(town, DUE - 1)
    with pytest.raises(Refused, match=f"it is epoch {DUE - 1}; .* from epoch {DUE} on"):
        pay(town, card)
    wait(town)
    assert pay(town, card) == 20_000
    assert (town.balance("wallet:7"), town.purse(card)) == (100_000, 0)
    assert pay(town, card) == 0
    assert town.ledger.reconcile()[:3] == (0, 0, 0)
    assert town.ledger.findings() == ()


def test_nothing_is_signed_for_it_and_nothing_handed_to_it(town: Town) -> None:
    card, ben = town.holder(7), town.holder(8)
    town.load(card, 20_000, 7)
    payment = card.pay(ben.offer(card, 500))
    town.pull(card)
    lose(town, card)
    assert town.ledger.device(card.id).state == DeviceState.LOST
    for issue in (
        lambda: town.ledger.issue_load(card.id, ((0, 1),), "wallet:7"),
        lambda: town.ledger.issue_checkpoint(card.id),
    ):
        with pytest.raises(Refused, match="is lost: nothing is signed for it"):
            issue()
    assert town.ledger.next_statements(card.id) == ()
    assert town.forwarded(ben) == [payment]  # what it paid is paid all the same


def test_what_is_found_in_time_is_a_device_again(town: Town) -> None:
    card = town.holder(7)
    town.load(card, 20_000, 7)
    lose(town, card)
    town.ledger.report_found(card.id)
    assert town.ledger.losses() == ()
    town.pull(card)
    assert town.ledger.reconcile().findings == ()
    assert town.ledger.issue_checkpoint(card.id) is not None
    lose(town, card)
    wait(town)
    pay(town, card)
    with pytest.raises(Refused, match="was paid for already"):
        town.ledger.report_found(card.id)


def test_a_later_claim_is_the_holders_debt(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    town.pull(card)
    shop.close(card.pay(shop.offer(card, 3_000)))
    lose(town, card)
    wait(town)
    assert pay(town, card) == 20_000
    town.pull(shop)
    done = town.ledger.reconcile()
    assert town.balance("merchant:12") == 3_000  # paid in full
    assert codes_of(done.findings) == [Code.DEBT]
    assert "wallet:7 owes 30.00" in done.findings[0].en
    assert "wallet:7 欠 30.00" in done.findings[0].zh
    town.right()


def test_a_claim_before_the_wait_is_over_is_taken_off(town: Town) -> None:
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 20_000, 7)
    town.pull(card)
    shop.close(card.pay(shop.offer(card, 3_000)))
    lose(town, card)
    town.pull(shop)
    wait(town)
    assert pay(town, card) == 17_000
    assert town.ledger.findings() == ()


def test_accounts_of_one_person_are_netted(town: Town) -> None:
    """What one lost card owes comes off what the next one brings."""
    card, shop = town.holder(7), town.merchant(12)
    other = town.card(7)
    for device in (card, other):
        town.load(device, 20_000, 7)
        town.pull(device)
        lose(town, device)
    shop.close(card.pay(shop.offer(card, 3_000)))
    wait(town)
    assert pay(town, card) == 20_000
    town.pull(shop)
    assert pay(town, other) == 20_000
    assert (town.purse(card), town.purse(other)) == (0, 0)
    assert town.balance("wallet:7") == 100_000 - 3_000
    assert town.ledger.reconcile().findings == ()


def test_who_waits_is_paid_from_the_guarantee(town: Town) -> None:
    """Not from under way: the payee's journal may still come."""
    ann, ben = town.holder(7), town.holder(8)
    town.load(ann, 20_000, 7)
    ann.pay(ben.offer(ann, 2_000))  # the answer is torn, and Ben is never seen again
    town.pull(ann)
    lose(town, ben)
    wait(town)
    assert pay(town, ben) == 2_000
    assert town.balance("wallet:7") == 80_000 + 2_000
    assert town.balance(codes.UNDER_WAY) == 2_000
    assert town.balance(codes.GUARANTEE) == FUND - 2_000
    assert pay(town, ben) == 0


def test_of_a_receipted_payment_it_is_the_payees_holder_who_waits(town: Town) -> None:
    ann, ben = town.holder(7), town.holder(8)
    town.load(ann, 20_000, 7)
    ann.closed(ben.close(ann.pay(ben.offer(ann, 2_000))))
    town.pull(ann)
    lose(town, ben)
    wait(town)
    assert pay(town, ben) == 2_000
    assert (town.balance("wallet:8"), town.balance("wallet:7")) == (102_000, 80_000)


def test_a_load_that_nobody_has_seen_arrive(town: Town) -> None:
    card = town.holder(7)
    town.ledger.issue_load(card.id, ((0, 2_000),), "wallet:7")
    lose(town, card)
    wait(town)
    assert pay(town, card) == 2_000
    assert town.balance("wallet:7") == 100_000
    assert town.balance(codes.LOADS_UNDER_WAY) == 2_000


def test_the_guarantee_has_a_cap_a_person(town: Town) -> None:
    ann, ben = town.holder(7), town.holder(8)
    town.load(ann, 70_000, 7)
    for _ in range(2):
        ann.pay(ben.offer(ann, 30_000))
        ben.unpaid()
    town.pull(ann)
    lose(town, ben)
    wait(town)
    assert pay(town, ben) == GUARANTEE_CAP
    assert town.balance("wallet:7") == 30_000 + GUARANTEE_CAP


def test_an_empty_guarantee_pays_nothing_and_changes_nothing() -> None:
    town = Town()
    ann, ben = town.holder(7), town.holder(8)
    for device, holder in ((ann, 7), (ben, 8)):
        town.load(device, 20_000, holder)
    ann.pay(ben.offer(ann, 2_000))
    for device in (ann, ben):
        town.pull(device)
    ben.close(ann.pay(ben.offer(ann, 100)))
    lose(town, ben)
    wait(town)
    town.ledger.reconcile()
    before = town.balances()
    with pytest.raises(Refused, match="guarantee does not hold enough"):
        pay(town, ben)
    assert town.balances() == before
    town.ledger.fund(codes.GUARANTEE, 5_000)
    assert pay(town, ben) == 22_000


@pytest.mark.parametrize("is_spent", [False, True])
def test_what_comes_to_an_end_after_all_goes_back_to_the_guarantee(
    town: Town, is_spent: bool
) -> None:
    ann, ben = town.holder(7, 20_000), town.holder(8)
    town.load(ann, 20_000, 7)
    payment = ann.pay(ben.offer(ann, 2_000))
    town.pull(ann)
    lose(town, ben)
    wait(town)
    pay(town, ben)
    if is_spent:
        keys = [town.ledger.account(f"wallet:{holder}").id for holder in (7, 8)]
        town.ledger.post([Transfer(bytes([1]) * 16, *keys, 2_000, TransferCode.MOVE)])
    ben.close(payment)
    town.pull(ben)
    done = town.ledger.reconcile()
    assert town.purse(ben) == 2_000
    assert town.balance(codes.UNDER_WAY) == 0
    assert town.balance(codes.GUARANTEE) == (FUND - 2_000 if is_spent else FUND)
    refused = [Code.CORRECTION_REFUSED] if is_spent else []
    assert (codes_of(done.findings), done.refused) == (refused, len(refused))
    town.right()


def test_a_device_with_two_histories_is_not_paid_for(town: Town) -> None:
    card, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    ben.close(card.pay(ben.offer(card, 1_500)))
    shop.close(image.pay(shop.offer(image, 1_200)))
    for device in (card, ben, shop):
        town.pull(device)
    lose(town, card)
    wait(town)
    with pytest.raises(Refused, match="in dispute"):
        pay(town, card)


def test_who_is_not_lost_is_not_paid_for(town: Town) -> None:
    card = town.holder(7)
    wait(town)
    with pytest.raises(Refused, match="not reported as lost"):
        pay(town, card)


PAYMENTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 3_000), st.booleans()),
    max_size=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(PAYMENTS, st.integers(0, 2), st.integers(0, 20), st.permutations(range(3)))
def test_when_it_is_paid_makes_nobody_richer(
    payments: list[tuple[int, int, int, bool]], who: int, known: int, order: list[int]
) -> None:
    """A device is lost with part of its journal deposited, paid for, and found again: each
    person's wallet and purses hold together what they would hold had nobody paid."""
    town = made()
    holders = (7, 8, 9)
    devices = [town.holder(holder) for holder in holders]
    for device, holder in zip(devices, holders, strict=True):
        town.load(device, 20_000, holder)
    images = [devices[who].copy()]
    for payer, payee, amount, is_receipted in payments:
        if payer != payee and devices[payer].state.balance() >= amount:
            receipt = devices[payee].close(
                devices[payer].pay(devices[payee].offer(devices[payer], amount))
            )
            if is_receipted:
                devices[payer].closed(receipt)
            images.append(devices[who].copy())
    twin = town.twin()
    town.pull(images[known % len(images)])
    lose(town, devices[who])
    for at in order[:2]:
        if at != who:
            town.pull(devices[at])
    wait(town)
    pay(town, devices[who])
    for each in (town, twin):
        for at in order:
            each.pull(devices[at])
        each.ledger.reconcile()
        each.right()
    for device, holder in zip(devices, holders, strict=True):
        assert together(town, device, holder) == together(twin, device, holder)
    assert town.balance(codes.GUARANTEE) == FUND
    town.ledger.close()
    twin.ledger.close()


def together(town: Town, device: PaperDevice, holder: int) -> int:
    return town.purse(device) + town.balance(f"wallet:{holder}")


def test_the_command_needs_an_id() -> None:
    with pytest.raises(SystemExit):
        main(["lost", "report", "no id"])
