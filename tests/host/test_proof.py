# SPDX-License-Identifier: Apache-2.0
"""From two deposits to a file that convinces a stranger, and what nobody can be proven."""

from __future__ import annotations

from pathlib import Path

import pytest
from duotap import proof
from duotap_host.cli.main import main
from duotap_host.issuer.es256 import verify
from duotap_host.ledger.interface import Finding, NotFound, Refused
from duotap_host.reconcile.findings import Code
from host.ledger_bench import Town, issuer
from host.paper_device import PaperDevice


@pytest.fixture
def town() -> Town:
    return Town()


def verified(town: Town, found: Finding) -> proof.Proof:
    return proof.verify(town.ledger.proof(found.evidence_id), town.issuer.roots[0], verify)


def only(town: Town, code: str) -> Finding:
    (found,) = (each for each in town.ledger.reconcile().findings if each.code == code)
    return found


def deposit(town: Town, device: PaperDevice, records: list[bytes]) -> None:
    """Without a head: it covers nothing."""
    town.ledger.deposit(device.id, records)


def test_two_payments_found_with_two_payees(town: Town) -> None:
    card, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    card.closed(ben.close(card.pay(ben.offer(card, 1_500))))
    shop.close(image.pay(shop.offer(image, 1_200)))
    for payee in (ben, shop):
        town.pull(payee)
    found = verified(town, only(town, Code.DUPLICATE_PAYMENT))
    assert found[:3] == (proof.PAYMENTS, card.id, 1)
    assert found.accused.holder == 7


def test_a_payment_that_was_voided_counts(town: Town) -> None:
    card, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    ben.close(card.pay(ben.offer(card, 1_500)))
    payment = image.pay(shop.offer(image, 1_200))
    shop.unpaid()
    shop.void(payment)
    for payee in (ben, shop):
        town.pull(payee)
    assert verified(town, only(town, Code.DUPLICATE_PAYMENT)).device == card.id


def test_what_no_head_covers_moves_no_money_but_was_signed(town: Town) -> None:
    card, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    ben.close(card.pay(ben.offer(card, 1_500)))
    shop.close(image.pay(shop.offer(image, 1_200)))
    deposit(town, ben, ben.statements)
    deposit(town, shop, shop.statements[2:])
    before = town.balances()
    assert verified(town, only(town, Code.DUPLICATE_PAYMENT)).device == card.id
    assert town.balances() == before
    town.right()


def test_two_offers_under_one_counter(town: Town) -> None:
    ann, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    image = shop.copy()
    ann.pay(shop.offer(ann, 10))
    ben.pay(image.offer(ben, 20))
    for payer in (ann, ben):
        deposit(town, payer, payer.statements)
    assert verified(town, only(town, Code.DUPLICATE_OFFER))[:3] == (proof.OFFERS, shop.id, 1)


def test_receipt_and_void_of_one_payment(town: Town) -> None:
    card, ben = town.holder(7), town.holder(8)
    town.load(card, 20_000, 7)
    payment = card.pay(ben.offer(card, 5_000))
    image = ben.copy()
    ben.close(payment)
    image.unpaid()
    card.closed(image.void(payment))
    for device in (ben, card):
        town.pull(device)
    found = verified(town, only(town, Code.VOID_AND_HONOURED))
    assert found[:2] == (proof.ANSWERS, ben.id)


def test_a_finding_that_two_signatures_do_not_prove(town: Town) -> None:
    card = town.holder(7)
    card.unload(5_000)
    town.pull(card)
    found = only(town, Code.OVERSPENT)
    with pytest.raises(Refused, match="no two signatures"):
        town.ledger.proof(found.evidence_id)
    with pytest.raises(NotFound):
        town.ledger.proof("00" * 8)


def test_evidence_names_the_archived_records(town: Town) -> None:
    card, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    card.closed(ben.close(card.pay(ben.offer(card, 1_500))))
    shop.close(image.pay(shop.offer(image, 1_200)))
    for device in (card, ben, shop):
        town.pull(device)
    found = only(town, Code.DUPLICATE_PAYMENT)
    assert town.ledger.evidence(found.evidence_id)[0] == found
    places = {place[:3] for place in town.ledger.evidence(found.evidence_id)[1]}
    assert places == {
        (card.id, 3, "payment"),
        (ben.id, 3, "credit (C)"),
        (shop.id, 3, "account (S)"),
    }
    town.head(image)
    town.ledger.deposit(card.id, image.statements)
    fork = only(town, Code.FORK)
    kinds = [place.kind for place in town.ledger.evidence(fork.evidence_id)[1]]
    assert kinds == ["head", "head"]


def test_a_file_and_a_public_key_are_enough(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card, ben, shop = town.holder(7), town.holder(8), town.merchant(12)
    town.load(card, 20_000, 7)
    image = card.copy()
    ben.close(card.pay(ben.offer(card, 1_500)))
    shop.close(image.pay(shop.offer(image, 1_200)))
    for payee in (ben, shop):
        town.pull(payee)
    file = tmp_path / "proof"
    file.write_bytes(town.ledger.proof(only(town, Code.DUPLICATE_PAYMENT).evidence_id))
    root, next_root = issuer().roots
    assert run("proof", "verify", str(file), "--root", root.hex()) == 0
    said = capsys.readouterr().out
    assert f"Proven of device {card.id.hex()} of holder 7: it signed two different" in said
    assert run("proof", "verify", str(file), "--root", root.hex(), "--zh") == 0
    assert "付款序号 1" in capsys.readouterr().out
    assert run("proof", "verify", str(file), "--root", next_root.hex()) == 1
    assert "proves nothing" in capsys.readouterr().err
    file.write_bytes(b"\x80")
    assert run("proof", "verify", str(file), "--root", root.hex()) == 1


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code
