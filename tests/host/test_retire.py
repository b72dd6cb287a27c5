# SPDX-License-Identifier: Apache-2.0
"""The ledger closes a device's account only when nothing of it is left or under way."""

from __future__ import annotations

import pytest
from duotap_host.ledger.interface import DeviceState, LossReason, Refused
from host.ledger_bench import Town


def test_first_home_then_closed() -> None:
    town = Town()
    card, shop = town.holder(7), town.merchant(12)
    town.load(card, 1_500, 7)
    town.pull(card)
    with pytest.raises(Refused, match=r"holds 15\.00: unload it first"):
        town.ledger.retire(card.id)
    card.unload(1_000)
    payment = card.pay(shop.offer(card, 500))
    town.pull(card)
    with pytest.raises(Refused, match=r"1 payments of device .* lost report"):
        town.ledger.retire(card.id)
    town.pull(shop)
    with pytest.raises(Refused, match="waits for a payment"):
        town.ledger.retire(shop.id)
    card.closed(shop.close(payment))
    for device in (card, shop):
        town.pull(device)
    for _ in range(2):
        town.ledger.retire(card.id)
        assert town.ledger.device(card.id).state == DeviceState.RETIRED
    assert card.id in town.ledger.deny_book.denied()
    assert town.ledger.reconcile().findings == ()
    assert (town.balance("wallet:7"), town.purse(card)) == (100_000 - 500, 0)
    town.right()


def test_not_while_a_load_is_under_way() -> None:
    town = Town()
    card = town.holder(7)
    town.pull(card)
    town.ledger.issue_load(card.id, ((0, 500),), "wallet:7")
    with pytest.raises(Refused, match="statements of the ledger wait"):
        town.ledger.retire(card.id)


def test_not_when_it_is_lost() -> None:
    town = Town()
    card = town.holder(7)
    town.ledger.report_lost(card.id, LossReason.DEAD)
    with pytest.raises(Refused, match="is lost"):
        town.ledger.retire(card.id)
