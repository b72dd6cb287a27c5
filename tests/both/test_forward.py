# SPDX-License-Identifier: Apache-2.0
"""Payments, receipts and voids that the ledger forwards by cable (PROTOCOL.md §5, FORWARD)."""

from cable import ISSUER, Cable
from duotap import cbor, certificate, commands, messages, records, status
from issuing import Issuer, refused
from paper_key import PaperKey


class Other:
    """Another device of the same issuer, as its signed messages."""

    def __init__(self, name, role=certificate.ROLE_PERSON, issuer=ISSUER):
        self.key = PaperKey(name)
        self.id = self.key.kid
        self.certified = issuer.certify(self.key.public, role)

    def signs(self, message):
        return messages.encode(message, self.key.kid, self.key.sign)

    def forwarded(self, message):
        """Data of FORWARD."""
        return cbor.encode([self.signs(message), self.certified])

    def pays(self, cable, offer, amounts):
        counter = offer.message.offer_counter
        return messages.Payment(1, cable.device.id, counter, amounts, offer.hash, bytes(32))


def offered(cable, payer, amount):
    """An open offer of this device to that payer."""
    known = cable.device.peers.learn(payer.certified)
    return messages.decode(cable.payee.ask(known, payer.id, 1, amount), messages.Offer)


def test_a_forwarded_payment_of_the_open_offer_is_closed_as_in_a_tap():
    cable, payer = Cable(), Other(b"payer")
    offer = offered(cable, payer, 500)
    payment = payer.forwarded(payer.pays(cable, offer, ((0, 500),)))
    receipt = cable.ask(commands.FORWARD, payment)
    assert messages.decode(receipt, messages.Receipt).message.verdict == messages.CREDITED
    assert cable.device.purse.state.balance() == 500
    assert cable.ask(commands.FORWARD, payment) == receipt
    assert cable.device.purse.state.balance() == 500
    assert cable.applet.events == [("forwarded", 0, 500), ("forwarded", 0, 0)]


def test_a_forwarded_payment_of_an_unpaid_offer_gets_its_void():
    cable, payer = Cable(), Other(b"payer")
    offer = offered(cable, payer, 500)
    cable.payee.cancel()
    payment = payer.pays(cable, offer, ((0, 500),))
    void = messages.decode(cable.ask(commands.FORWARD, payer.forwarded(payment)), messages.Void)
    assert void.message.payment_hash == messages.decode(payer.signs(payment)).hash
    assert cable.device.purse.state.balance() == 0


def paid(cable, payee, amount):
    """A payment of this device that is open."""
    me = cable.device
    cable.bench.purse.commit(records.LOAD, ISSUER.load(me.id, 1, 1_000))
    offer = messages.Offer(me.id, 1, 1, amount, (), 0)
    offer_raw = payee.signs(offer)
    payment = messages.Payment(
        1, payee.id, 1, ((0, amount),), messages.decode(offer_raw).hash, me.purse.journal.head_hash
    )
    raw = me.sign(payment)
    me.purse.commit(records.PAYMENT, raw, offer_raw, True)
    return messages.decode(raw).hash


def closed(is_void):
    """The balance once a payment of 600 out of 1,000 is closed by what is forwarded."""
    cable, payee = Cable(), Other(b"payee")
    if is_void:
        cable.permit()
    payment_hash = paid(cable, payee, 600)
    receipt = messages.Receipt(payment_hash, messages.CREDITED)
    closing = payee.forwarded(messages.Void(payment_hash) if is_void else receipt)
    cable.ask(commands.FORWARD, closing)
    assert not cable.device.purse.state.open_payments
    cable.ask(commands.FORWARD, closing)
    assert cable.bench.kinds().count(records.CLOSING) == 1
    return cable.device.purse.state.balance()


def test_a_forwarded_receipt():
    assert closed(False) == 400


def test_a_forwarded_void():
    assert closed(True) == 1_000


def test_a_void_that_anybody_brings_is_the_ledgers_to_judge():
    cable, payee = Cable(), Other(b"payee")  # of class none: it may have been set back
    void = payee.forwarded(messages.Void(paid(cable, payee, 600)))
    assert refused(status.ASK_LEDGER, cable.ask, commands.FORWARD, void)
    cable.applet.pressed_sync()
    assert refused(status.ASK_LEDGER, cable.ask, commands.FORWARD, void)
    assert cable.device.purse.state.balance() == 400
    cable.permit()
    cable.ask(commands.FORWARD, void)
    assert cable.device.purse.state.balance() == 1_000


def test_closings_that_are_not_taken():
    cable, payee, other = Cable(), Other(b"payee"), Other(b"other")
    cable.permit()
    payment_hash = paid(cable, payee, 600)
    ask, void = cable.ask, messages.Void(payment_hash)
    assert refused(status.NOT_THIS_DEVICE, ask, commands.FORWARD, other.forwarded(void))
    mixed = cbor.encode([payee.signs(void), other.certified])
    assert refused(status.SIGNATURE, ask, commands.FORWARD, mixed)
    foreign = Other(b"payee", issuer=Issuer(name=b"stranger"))
    assert refused(status.SIGNATURE, ask, commands.FORWARD, foreign.forwarded(void))
    forged = bytearray(payee.signs(void))
    forged[-1] ^= 1
    forged = cbor.encode([bytes(forged), payee.certified])
    assert refused(status.SIGNATURE, ask, commands.FORWARD, forged)
    assert len(cable.device.purse.state.open_payments) == 1


def test_what_is_no_closing_of_a_payment():
    cable, payee = Cable(), Other(b"payee")
    void, ask = messages.Void(paid(cable, payee, 600)), cable.ask
    unknown = payee.forwarded(messages.Void(bytes(32)))
    assert refused(status.UNKNOWN_REFERENCE, ask, commands.FORWARD, unknown)
    for odd in (b"", cbor.encode([1, 2]), cbor.encode([payee.signs(void)])):
        assert refused(status.MALFORMED, ask, commands.FORWARD, odd)
    offer = cbor.encode([payee.signs(messages.Offer(bytes(16), 1, 1, 1, (), 0)), payee.certified])
    assert refused(status.MALFORMED, ask, commands.FORWARD, offer)
    assert len(cable.device.purse.state.open_payments) == 1
