# SPDX-License-Identifier: Apache-2.0
"""What a card takes back, and what it refuses (PROTOCOL.md §8.5)."""

from board_flash import Flash
from duotap import certificate, messages, records, status
from duotap.payer import Payer
from duotap.refunds import KNOWN, TAKEN, WAIT, Refunds, remaining
from duotap.statements import Statements
from issuing import Bench, Issuer, refused
from paper_key import PaperKey
from test_checkpoint import checkpoint, hand

ISSUER = Issuer()
LOADED = 20_000
STAND = certificate.ROLE_STAND


def device():
    bench = Bench(Flash(20), ISSUER)
    bench.statements = Statements(bench.device)
    bench.statements.take(ISSUER.load(bench.device.id, 1, LOADED))
    return bench


def pay(bench, shop, amount, closed=True):
    """Hash of a payment to this shop."""
    device, state = bench.device, bench.purse.state
    device.peers.learn(ISSUER.certify(shop.public, STAND))
    payer = Payer(device)
    device.consent.arm(LOADED, 0)
    offer = messages.Offer(device.id, state.next_payment, state.next_payment, amount, (), 0)
    payer.offer(messages.encode(offer, shop.kid, shop.sign))
    payer.work()
    paid = state.open_payments[-1].payment_hash
    if closed:
        payer.close(messages.encode(messages.Receipt(paid, 2), shop.kid, shop.sign))
        payer.settle()
    return paid


def refund(shop, paid, amount, number=1, scope=0):
    return messages.encode(messages.Refund(((scope, amount),), paid, number), shop.kid, shop.sign)


def take(bench, raw):
    return Refunds(bench.device).take(messages.decode(raw, messages.Refund))


def test_what_was_paid_comes_back_once():
    bench, shop = device(), PaperKey(b"shop")
    paid = pay(bench, shop, 5_000)
    raw = refund(shop, paid, 2_000)
    assert take(bench, raw) == TAKEN
    assert bench.purse.state.balance() == LOADED - 3_000
    assert take(bench, raw) == KNOWN
    assert refused(status.ABOVE_BALANCE, take, bench, refund(shop, paid, 3_001, 2))
    assert take(bench, refund(shop, paid, 3_000, 2)) == TAKEN
    assert refused(status.ABOVE_BALANCE, take, bench, refund(shop, paid, 1, 3))
    assert bench.kinds()[-2:] == [records.REFUND_TAKEN] * 2
    bench.boot()
    assert bench.purse.state.balance() == LOADED


def test_only_of_an_own_payment_with_its_receipt_and_by_whom_it_paid():
    bench, shop, other = device(), PaperKey(b"shop"), PaperKey(b"other")
    paid = pay(bench, shop, 5_000)
    bench.device.peers.learn(ISSUER.certify(other.public, STAND))
    assert refused(status.NOT_THIS_DEVICE, take, bench, refund(other, paid, 1))
    assert refused(status.ASK_LEDGER, take, bench, refund(shop, bytes(32), 1))
    assert refused(status.ABOVE_BALANCE, take, bench, refund(shop, paid, 1, scope=3))
    stranger = PaperKey(b"stranger")
    assert refused(status.UNKNOWN_REFERENCE, take, bench, refund(stranger, paid, 1))
    forged = messages.encode(messages.Refund(((0, 1),), paid, 1), shop.kid, other.sign)
    assert refused(status.SIGNATURE, take, bench, forged)
    unclosed = pay(bench, shop, 100, closed=False)
    assert refused(status.ASK_LEDGER, take, bench, refund(shop, unclosed, 1))
    assert records.REFUND_TAKEN not in bench.kinds()


def test_none_of_a_payment_that_a_checkpoint_covers():
    """Not even before it is pruned: what the ledger then settles must not come twice."""
    bench, shop = device(), PaperKey(b"shop")
    paid = pay(bench, shop, 5_000)
    assert take(bench, refund(shop, paid, 1_000)) == TAKEN
    hand(bench, *checkpoint(bench, 2))
    for raw in (refund(shop, paid, 1_000), refund(shop, paid, 500, 2)):
        assert refused(status.ASK_LEDGER, take, bench, raw)
    later = pay(bench, shop, 700)
    assert take(bench, refund(shop, later, 700, 3)) == TAKEN


def test_none_brings_a_ninth_scope():
    """A head names eight: with nine the card could never be deposited again."""
    bench, shop = device(), PaperKey(b"shop")
    for scope in range(1, 8):
        bench.statements.take(ISSUER.load(bench.device.id, 1 + scope, 100, scope))
    bench.device.peers.learn(ISSUER.certify(shop.public, STAND))
    message = messages.Payment(1, shop.kid, 1, ((1, 100),), bytes(32), bytes(32))
    raw = bench.device.sign(message)
    bench.purse.commit(records.PAYMENT, raw, b"", True)
    paid = messages.decode(raw, messages.Payment).hash
    receipt = messages.encode(messages.Receipt(paid, 2), shop.kid, shop.sign)
    bench.purse.commit(records.CLOSING, receipt)
    bench.statements.take(ISSUER.load(bench.device.id, 9, 100, scope=8))
    back = refund(shop, paid, 100, scope=1)
    assert refused(status.SCOPE, take, bench, back)
    home = messages.Unload(((2, 100),), bytes(32), 1)
    bench.purse.commit(records.UNLOAD, bench.device.sign(home))
    assert take(bench, back) == TAKEN


def test_over_the_air_it_is_decided_when_the_line_is_quiet():
    bench, shop = device(), PaperKey(b"shop")
    paid = pay(bench, shop, 5_000)
    refunds = Refunds(bench.device)
    raw = refund(shop, paid, 2_000)
    assert refunds.put(raw)[:1] == bytes([WAIT])
    assert records.REFUND_TAKEN not in bench.kinds()
    assert (refunds.work(), refunds.work()) == (2_000, 0)
    assert refunds.put(raw) == bytes([TAKEN])
    again = Refunds(bench.device)
    again.put(raw)
    assert again.work() == 0
    assert again.put(raw) == bytes([KNOWN])
    wrong = refund(shop, paid, 4_000, 2)
    again.put(wrong)
    assert again.work() == 0
    assert refused(status.ABOVE_BALANCE, again.put, wrong)


def test_what_is_left():
    assert remaining(((0, 5), (7, 3)), []) == {0: 5, 7: 3}
    assert remaining(((0, 5), (7, 3)), [((0, 2),), ((0, 3), (7, 1))]) == {0: 0, 7: 2}
