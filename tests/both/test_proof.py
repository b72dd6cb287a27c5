# SPDX-License-Identifier: Apache-2.0
"""What proves that a device contradicted itself, and what proves nothing (PROTOCOL.md §12)."""

from duotap import cbor, certificate, messages, proof, status
from duotap.messages import Offer, Payment, Receipt, Unload, Void
from issuing import Issuer, refused
from paper_key import PaperKey, verify

ISSUER = Issuer()
KEYCERT = ISSUER.keycerts[0]
ROOT = ISSUER.root.public
CHEAT = PaperKey(b"cheat")
OTHER = PaperKey(b"other")
CERTIFICATE = ISSUER.certify(CHEAT.public)
HASH = bytes(range(32))


def signed(message, key=CHEAT):
    return messages.encode(message, key.kid, key.sign)


def payment(counter=7, amount=100, previous=HASH, key=CHEAT):
    return signed(Payment(counter, OTHER.kid, 3, ((0, amount),), HASH, previous), key)


def offer(counter=7, amount=100, key=CHEAT):
    return signed(Offer(OTHER.kid, 1, counter, amount, (), 0), key)


def made(one, other, keycert=KEYCERT, certified=CERTIFICATE):
    return proof.encode(keycert, certified, one, other)


def proven(raw):
    found = proof.verify(raw, ROOT, verify)
    assert found.device == CHEAT.kid
    assert found.accused.public == CHEAT.public
    return found.kind, found.subject


def fails(raw, sw=status.MALFORMED, root=ROOT):
    return refused(sw, proof.verify, raw, root, verify)


def test_two_payments_under_one_counter():
    assert proven(made(payment(), payment(amount=101))) == (proof.PAYMENTS, 7)


def test_payments_that_differ_in_nothing_but_the_record_before():
    assert proven(made(payment(), payment(previous=bytes(32)))) == (proof.PAYMENTS, 7)


def test_two_offers_under_one_counter():
    assert proven(made(offer(), offer(amount=1))) == (proof.OFFERS, 7)


def test_receipt_and_void_of_one_payment():
    void = signed(Void(HASH))
    for verdict in (messages.CREDITED, messages.TAKEN):
        assert proven(made(signed(Receipt(HASH, verdict)), void)) == (proof.ANSWERS, HASH)


def test_one_pair_is_one_proof():
    assert made(payment(), payment(8)) == made(payment(8), payment())


def test_honest_messages_prove_nothing():
    receipt, void = signed(Receipt(HASH, 1)), signed(Void(bytes(32)))
    for one, other in (
        (payment(7), payment(8)),
        (offer(7), offer(8)),
        (payment(7), offer(7)),
        (receipt, void),
        (payment(7), void),
    ):
        assert fails(made(one, other))


def test_one_message_twice_proves_nothing():
    one = payment()
    assert fails(cbor.encode([KEYCERT, CERTIFICATE, one, one]))
    again = messages.encode(messages.decode(one).message, CHEAT.kid, stranger_to(CHEAT))
    assert messages.decode(again).hash == messages.decode(one).hash
    assert fails(made(one, again))


def stranger_to(key):
    """Signs as `key`, with other signatures: hedged ones differ each time."""
    return lambda digest: key.sign(digest)[:63] + b"\0"


def test_messages_of_two_devices_prove_nothing():
    assert fails(made(payment(), payment(amount=1, key=OTHER)))


def test_who_is_not_certified_by_this_root_is_not_accused():
    both = payment(), payment(amount=1)
    stranger = Issuer(name=b"stranger")
    assert fails(made(*both), status.SIGNATURE, stranger.root.public)
    assert fails(made(*both, keycert=stranger.keycerts[0]), status.SIGNATURE)
    assert fails(made(*both, certified=stranger.certify(CHEAT.public)), status.SIGNATURE)


def test_only_a_certificates_key_certifies():
    money = ISSUER.keys[certificate.USAGE_MONEY]
    fields = certificate.decode_certificate(CERTIFICATE).message
    forged = certificate.encode_certificate(fields, money.kid, money.sign)
    by_money = ISSUER.keycerts[certificate.USAGE_MONEY - 1]
    both = payment(), payment(amount=1)
    assert fails(made(*both, keycert=by_money, certified=forged), status.SIGNATURE)


def test_certificate_of_another_device_accuses_nobody():
    raw = made(payment(), payment(amount=1), certified=ISSUER.certify(OTHER.public))
    assert fails(raw, status.SIGNATURE)


def test_a_message_that_the_device_did_not_sign_accuses_nobody():
    message = messages.decode(payment(amount=1)).message
    forged = messages.encode(message, CHEAT.kid, OTHER.sign)
    assert fails(made(payment(), forged), status.SIGNATURE)


def test_other_messages_are_no_proof():
    one = signed(Unload(((0, 1),), HASH, 7))
    two = signed(Unload(((0, 2),), HASH, 7))
    assert fails(made(one, two))


def test_every_byte_counts():
    raw = made(payment(), payment(amount=1))
    assert proven(raw)
    for at in range(0, len(raw), 7):
        bent = bytearray(raw)
        bent[at] ^= 1
        assert fails(bytes(bent)) or fails(bytes(bent), status.SIGNATURE) or other_words(bent), at


def other_words(bent):
    """A bent version or currency is told as such; a bent verdict still is no proof."""
    return fails(bytes(bent), status.CURRENCY_OR_VERSION)


def test_no_file_is_a_proof_by_its_shape():
    whole = cbor.decode(made(payment(), payment(amount=1)))
    assert fails(b"") and fails(b"\x80")
    assert fails(cbor.encode(whole[:3])) and fails(cbor.encode(whole + [b""]))
    assert fails(cbor.encode([whole[0], whole[1], whole[3], whole[2]]))
    assert fails(made(payment(), payment(amount=1)) + b"\0")
