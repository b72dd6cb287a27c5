# SPDX-License-Identifier: Apache-2.0
"""Whom the ledger lists, and the lists that it publishes (PROTOCOL.md §13)."""

from __future__ import annotations

import pytest
from duotap import denylist, messages
from duotap_host.cli.main import main
from duotap_host.ledger.books import DenyLists
from duotap_host.ledger.interface import LossReason, NotFound, Refused
from host.ledger_bench import DAY_US, Town
from host.paper_device import PaperDevice, person, stand


@pytest.fixture
def town() -> Town:
    made = Town()
    made.holder(7)
    return made


def issued(town: Town, epoch: int) -> PaperDevice:
    """A card that was certified in an epoch."""
    serial = epoch.to_bytes(denylist.EPOCH_BYTES, "big") + bytes(4)
    card = person(town.issuer, 7, serial=serial)
    town.ledger.register_device(card.certificate)
    return card


def day(town: Town, epoch: int) -> None:
    town.now = max(town.now, (20_000 + epoch - 1) * DAY_US)


def publish(town: Town, epoch: int) -> DenyLists:
    day(town, epoch)
    made = town.ledger.deny_book.publish()
    assert made.epoch == epoch
    assert town.ledger.deny_book.newest() == made
    return made


def plain(raw: bytes) -> set[bytes]:
    content = messages.decode(raw, messages.DenyList).message.content
    assert content[0] == denylist.PLAIN
    return {content[at : at + 16] for at in range(1, len(content), 16)}


def test_nobody_is_listed_at_first(town: Town) -> None:
    assert town.ledger.deny_book.newest() is None
    made = publish(town, 3)
    assert (made.listed, plain(made.full), made.set, made.delta) == (0, set(), b"", b"")


def test_named_frozen_and_lost_devices_are_listed(town: Town) -> None:
    named, lost, honest, cheat = (issued(town, 1) for _ in range(4))
    town.ledger.deny_book.deny(named.id)
    town.ledger.report_lost(lost.id, LossReason.LOST)
    image = cheat.copy()
    shop = town.merchant(12)
    for card, amount in ((cheat, 1), (image, 2)):
        shop.close(card.pay(shop.offer(card, amount)))
    town.pull(shop)
    town.ledger.reconcile()
    assert plain(publish(town, 3).full) == {named.id, lost.id, cheat.id}
    for device in (lost, cheat):
        with pytest.raises(Refused, match="listed for that"):
            town.ledger.deny_book.allow(device.id)
    town.ledger.deny_book.allow(named.id)
    assert town.ledger.deny_book.denied() == {lost.id, cheat.id}
    assert honest.id not in town.ledger.deny_book.denied()
    with pytest.raises(NotFound):
        town.ledger.deny_book.deny(bytes(16))


def test_a_published_list_stays(town: Town) -> None:
    card = issued(town, 1)
    made = publish(town, 3)
    town.ledger.deny_book.deny(card.id)
    assert town.ledger.deny_book.publish() == made
    assert plain(publish(town, 4).full) == {card.id}


def test_who_was_issued_in_its_epoch_waits_for_the_next(town: Town) -> None:
    card = issued(town, 3)
    town.ledger.deny_book.deny(card.id)
    assert publish(town, 3).listed == 0
    assert publish(town, 4).listed == 1


def test_a_delta_goes_back_as_far_as_fits_a_tap(town: Town) -> None:
    cards = [issued(town, 1) for _ in range(4)]
    for epoch, card in enumerate(cards, 3):
        town.ledger.deny_book.deny(card.id)
        made = publish(town, epoch)
    delta = messages.decode(made.delta, messages.DenyList).message
    assert (delta.delta, delta.epoch, delta.from_epoch) == (1, 6, 3)
    said = [denylist.said(delta.content, card.id) for card in cards]
    assert said == [None, True, True, True]
    town.ledger.deny_book.allow(cards[0].id)
    delta = messages.decode(publish(town, 7).delta, messages.DenyList).message
    assert denylist.said(delta.content, cards[0].id) is False


def test_many_make_a_set(town: Town) -> None:
    cards = [issued(town, 1) for _ in range(70)]
    for card in cards[:66]:
        town.ledger.deny_book.deny(card.id)
    made = publish(town, 3)
    found = made.set
    asked = [denylist.is_in(lambda at, n: found[at : at + n], card.id) for card in cards]
    assert asked == [True] * 66 + [False] * 4


def test_the_measure_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["deny", "measure", "--issued", "20000", "--listed", "200"])
    assert "200 listed of 20000 issued: " in capsys.readouterr().out


def test_a_stand_may_be_listed_too(town: Town) -> None:
    serial = (1).to_bytes(4, "big") + bytes(4)
    town.merchant(12)
    shop = stand(town.issuer, 12, serial=serial)
    town.ledger.register_device(shop.certificate)
    town.ledger.deny_book.deny(shop.id)
    assert plain(publish(town, 3).full) == {shop.id}
