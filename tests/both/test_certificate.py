# SPDX-License-Identifier: Apache-2.0
"""Certificates, working keys, and which chains a device trusts (PROTOCOL.md §3)."""

from hashlib import sha256

from duotap import cbor, certificate, cose, messages, status
from duotap.certificate import (
    CLASS_BOUND,
    CLASS_COUNT,
    CLASS_NONE,
    KEYS_MAX,
    ROLE_PERSON,
    ROLE_STAND,
    USAGE_CERTIFICATES,
    USAGE_FACTORY,
    USAGE_LISTS,
    USAGE_MONEY,
    USAGE_ROOT,
    Certificate,
    KeyCert,
    Limits,
    NoButton,
    Trust,
    decode_certificate,
    decode_keycert,
    encode_certificate,
    encode_keycert,
)
from duotap.errors import Broken, Malformed, Refusal
from paper_key import PaperKey, verify
from raising import raises

ROOT = PaperKey(b"root")
NEXT_ROOT = PaperKey(b"next root")
ISSUER = PaperKey(b"certificates")
FACTORY = PaperKey(b"factory")
DEVICE = PaperKey(b"device")
LIMITS = Limits(100000, 50000, 20, 200000, 10000, 50000)
SHOP = "\u8c46\u6d46\u94fa"
STAND = Certificate(
    b"serial 1", DEVICE.public, ROLE_STAND, CLASS_BOUND, 77, SHOP, "Soy Milk Shop", (3, 500),
    LIMITS, NoButton(0, 0, 0), 200000, False, 400, bytes(32), None,
)  # fmt: skip
PERSON = Certificate(
    b"serial 2", DEVICE.public, ROLE_PERSON, CLASS_NONE, 78, None, None, (),
    LIMITS, NoButton(500, 2000, 5), 100000, True, 400, bytes(32), None,
)  # fmt: skip
COUNTING = Certificate(
    b"serial 3", DEVICE.public, ROLE_PERSON, CLASS_COUNT, 79, None, None, (),
    LIMITS, NoButton(0, 0, 0), 100000, True, 400, bytes(32), 1000,
)  # fmt: skip
# Ten cards of class none with at most 1,000.00, issued before epoch 300.
CONSTRAINT = (10, ROLE_PERSON, CLASS_NONE, 100000, 300)
FIELDS = (
    "serial", "public", "role", "rollback_class", "holder", "name_zh", "name_en", "scopes",
    "limits", "nobutton", "load_cap", "respend", "expiry", "firmware", "ticks",
)  # fmt: skip


def changed(record, **fields):
    """A certificate with some fields changed; MicroPython's namedtuple has no _replace."""
    values = list(record)
    for name in fields:
        values[FIELDS.index(name)] = fields[name]
    return Certificate(*values)


def keycert(key, usage, expiry, constraint=None, root=ROOT):
    record = KeyCert(b"keycert.", key.public, usage, expiry, constraint)
    return encode_keycert(record, root.kid, root.sign)


def trust():
    found = Trust((ROOT.public, NEXT_ROOT.public), verify)
    found.add(keycert(ISSUER, USAGE_CERTIFICATES, 1000))
    found.add(keycert(FACTORY, USAGE_FACTORY, 500, CONSTRAINT))
    return found


def numbered(epoch, number):
    """The serial of a factory's certificate."""
    return epoch.to_bytes(4, "big") + number.to_bytes(4, "big")


def certified(record, key=ISSUER):
    return encode_certificate(record, key.kid, key.sign)


def claims_of(raw):
    return cbor.decode(cose.decode(raw).payload)


def signed(claims):
    return cose.encode(cbor.encode(claims), ISSUER.kid, ISSUER.sign)


def status_of(action, *arguments):
    try:
        action(*arguments)
    except Refusal as refusal:
        return refusal.sw
    return status.OK


def test_claims_of_a_stand():
    own = {
        0: 28, 1: 1, 2: 156, 20: 2, 21: 2, 22: 77, 23: SHOP, 24: "Soy Milk Shop", 25: [3, 500],
        26: [100000, 50000, 20, 200000, 10000, 50000], 27: [0, 0, 0], 28: 200000, 29: False,
        30: 400, 31: bytes(32),
    }  # fmt: skip
    key = {1: 2, -1: 1, -2: DEVICE.public[1:33], -3: DEVICE.public[33:]}
    claims = {7: b"serial 1", 8: {1: key}, -65537: own}
    assert cose.decode(certified(STAND)).payload == cbor.encode(claims)


def test_claims_of_a_working_key():
    raw = keycert(FACTORY, USAGE_FACTORY, 500, CONSTRAINT)
    own = claims_of(raw)[-65537]
    assert own == {0: 29, 1: 1, 2: 156, 20: 6, 30: 500, 33: [10, 1, 0, 100000, 300]}
    own = claims_of(keycert(ISSUER, USAGE_CERTIFICATES, 1000))[-65537]
    assert own == {0: 29, 1: 1, 2: 156, 20: 1, 30: 1000}


def test_what_is_certified_is_read_back():
    for record in (STAND, PERSON, COUNTING):
        raw = certified(record)
        read = decode_certificate(raw)
        assert read.message == record
        assert (read.kid, read.raw, read.currency) == (ISSUER.kid, raw, 156)
        assert read.message.limits.received == 10000
        assert certified(read.message) == raw
    record = KeyCert(
        b"12345678", FACTORY.public, USAGE_FACTORY, 5, (10, ROLE_STAND, CLASS_BOUND, 0, 1)
    )
    raw = encode_keycert(record, ROOT.kid, ROOT.sign)
    assert decode_keycert(raw).message == record


def test_identifiers():
    assert certificate.key_id(DEVICE.public) == sha256(DEVICE.public).digest()[:16]
    assert certificate.certificate_hash(b"raw") == sha256(b"raw").digest()[:16]


def test_fields_that_do_not_go_together():
    wrong = (
        changed(STAND, name_en=None),
        changed(STAND, ticks=5),
        changed(STAND, name_en=""),
        changed(STAND, name_en="a" * 33),
        changed(STAND, name_zh="\u8c46" * 17),
        changed(STAND, role=3),
        changed(STAND, rollback_class=3),
        changed(STAND, public=DEVICE.public[1:]),
        changed(STAND, public=b"\x02" + DEVICE.public[1:]),
        changed(STAND, respend=1),
        changed(PERSON, name_zh=SHOP),
        changed(PERSON, name_en="Li"),
        changed(PERSON, scopes=(3,)),
        changed(COUNTING, ticks=None),
        changed(COUNTING, ticks=0),
    )
    for record in wrong:
        assert raises(Broken, certified, record), record
    assert raises(Broken, keycert, FACTORY, USAGE_FACTORY, 5)
    assert raises(Broken, keycert, FACTORY, USAGE_MONEY, 5, CONSTRAINT)
    assert raises(Broken, keycert, FACTORY, USAGE_ROOT, 5)
    assert raises(Broken, keycert, FACTORY, 8, 5)


def test_names_at_their_limits():
    record = changed(STAND, name_zh="\u8c46" * 16, name_en="a" * 32)
    assert decode_certificate(certified(record)).message == record
    record = changed(STAND, name_zh=None, scopes=())
    assert decode_certificate(certified(record)).message == record


def test_foreign_claims_are_refused():
    for key, value in (
        (20, 1), (20, 0), (20, 3), (21, 1), (21, 3), (22, 0), (23, ""), (23, SHOP.encode()),
        (24, None), (24, "a" * 33), (25, []), (25, [3, 3]), (26, [1]), (27, [0, 0]), (28, -1),
        (29, 0), (30, -1), (31, bytes(31)), (32, 5), (33, [1, 2, 3]), (40, 0), (0, 29), (0, 1),
    ):  # fmt: skip
        claims = claims_of(certified(STAND))
        claims[-65537][key] = value
        assert raises(Malformed, decode_certificate, signed(claims)), (key, value)
    for key in (0, 1, 2, 20, 21, 22, 24, 26, 27, 28, 29, 30, 31):
        claims = claims_of(certified(STAND))
        del claims[-65537][key]
        assert raises(Malformed, decode_certificate, signed(claims)), key
    for key, value in ((20, 1), (20, 7), (33, [0, 1, 1]), (33, [1, 1]), (33, None), (21, 0)):
        claims = claims_of(keycert(FACTORY, USAGE_FACTORY, 5, CONSTRAINT))
        claims[-65537][key] = value
        assert raises(Malformed, decode_keycert, signed(claims)), (key, value)


def test_foreign_confirmation_keys_are_refused():
    good = claims_of(certified(STAND))[8][1]
    x, y = good[-2], good[-3]
    for key in (
        {1: 2, -1: 1, -2: x},
        {1: 2, -1: 1, -2: x, -3: y, 2: b"kid"},
        {1: 2, -1: 1, -2: x, -4: y},
        {1: 1, -1: 1, -2: x, -3: y},
        {1: 2, -1: 2, -2: x, -3: y},
        {1: 2, -1: 1, -2: x[1:], -3: y},
        {1: 2, -1: 1, -2: x[1:], -3: y + b"\x00"},
        {1: 2, -1: 1, -2: x, -3: True},
        [2, 1, x, y],
        None,
    ):
        claims = claims_of(certified(STAND))
        claims[8] = {1: key}
        assert raises(Malformed, decode_certificate, signed(claims)), key
    for confirmation in ({}, {2: good}, {1: good, 3: b"kid"}, [good], None):
        claims = claims_of(certified(STAND))
        claims[8] = confirmation
        assert raises(Malformed, decode_certificate, signed(claims)), confirmation


def test_foreign_claim_sets_are_refused():
    whole = claims_of(certified(STAND))
    for key in whole:
        claims = {other: whole[other] for other in whole if other != key}
        assert raises(Malformed, decode_certificate, signed(claims)), key
    whole[2] = "subject"
    assert raises(Malformed, decode_certificate, signed(whole))
    for claims in ([], {}, None, b"", {7: b"serial 1", 8: {}, -65537: []}):
        assert raises(Malformed, decode_certificate, signed(claims)), claims
    assert raises(Malformed, decode_certificate, keycert(ISSUER, USAGE_MONEY, 5))
    assert raises(Malformed, decode_keycert, certified(STAND))
    assert raises(Malformed, decode_certificate, b"")


def test_another_version_or_currency():
    for key, value in ((1, 2), (2, 978)):
        claims = claims_of(certified(STAND))
        claims[-65537][key] = value
        assert status_of(decode_certificate, signed(claims)) == status.CURRENCY_OR_VERSION
    raw = encode_certificate(STAND, ISSUER.kid, ISSUER.sign, 978)
    assert decode_certificate(raw, 978).message == STAND
    assert status_of(trust().verify_certificate, raw, 1) == status.CURRENCY_OR_VERSION


def test_chain():
    known = trust()
    assert known.verify_certificate(certified(STAND), 399) == STAND
    made = changed(PERSON, serial=numbered(299, 10))
    assert known.verify_certificate(certified(made, FACTORY), 399) == made


def test_chain_that_ends_elsewhere():
    known = trust()
    other = PaperKey(b"other")
    money = PaperKey(b"money")
    known.add(keycert(money, USAGE_MONEY, 1000))
    for key in (other, ROOT, DEVICE, money):
        assert status_of(known.verify_certificate, certified(STAND, key), 1) == status.SIGNATURE
    forged = encode_certificate(STAND, ISSUER.kid, other.sign)
    assert status_of(known.verify_certificate, forged, 1) == status.SIGNATURE
    assert status_of(known.add, keycert(other, USAGE_MONEY, 9, root=other)) == status.SIGNATURE
    assert status_of(known.add, keycert(other, USAGE_MONEY, 9, root=ISSUER)) == status.SIGNATURE
    forged = encode_keycert(
        KeyCert(b"keycert.", other.public, USAGE_MONEY, 9, None), ROOT.kid, other.sign
    )
    assert status_of(known.add, forged) == status.SIGNATURE
    assert known.publics(USAGE_MONEY) == [money.public]


def test_expiry():
    known = trust()
    raw = certified(STAND)
    assert status_of(known.verify_certificate, raw, 399) == status.OK
    assert status_of(known.verify_certificate, raw, 400) == status.EXPIRED
    long = certified(changed(STAND, expiry=2000))
    assert status_of(known.verify_certificate, long, 999) == status.OK
    assert status_of(known.verify_certificate, long, 1000) == status.EXPIRED


def test_factory_key_is_held_to_its_constraint():
    known = trust()
    limits = [Limits(each, 50000, 20, 200000, 10000, 50000) for each in (100000, 100001)]
    made = changed(PERSON, serial=numbered(299, 10), limits=limits[0])
    assert status_of(known.verify_certificate, certified(made, FACTORY), 1) == status.OK
    for beyond in (
        {"serial": numbered(299, 0)},
        {"serial": numbered(299, 11)},
        {"serial": numbered(300, 1)},
        {"limits": limits[1]},
        {"rollback_class": CLASS_BOUND},
        {"rollback_class": CLASS_COUNT, "ticks": 9},
        {"role": ROLE_STAND, "name_en": "Soy Milk Shop"},
    ):
        raw = certified(changed(made, **beyond), FACTORY)
        assert status_of(known.verify_certificate, raw, 1) == status.SIGNATURE, beyond
        assert status_of(known.verify_certificate, certified(changed(made, **beyond)), 1) == 0x9000


def test_factory_key_serves_until_its_own_expiry():
    known = trust()
    raw = certified(changed(PERSON, serial=numbered(1, 1), expiry=2000), FACTORY)
    assert status_of(known.verify_certificate, raw, 499) == status.OK
    assert status_of(known.verify_certificate, raw, 500) == status.EXPIRED
    known.add(keycert(FACTORY, USAGE_FACTORY, 500, CONSTRAINT[:4] + (1,)))
    assert status_of(known.verify_certificate, raw, 499) == status.SIGNATURE, "stopped"


def test_both_roots_and_the_next_key():
    known = trust()
    second = PaperKey(b"certificates 2")
    known.add(keycert(second, USAGE_CERTIFICATES, 2000, root=NEXT_ROOT))
    assert known.verify_certificate(certified(STAND, second), 1) == STAND
    assert known.verify_certificate(certified(STAND), 1) == STAND
    assert sorted(known.publics(USAGE_CERTIFICATES)) == sorted([ISSUER.public, second.public])


def test_a_key_is_withdrawn_by_its_certificate_with_an_expiry_that_is_past():
    known = trust()
    known.add(keycert(ISSUER, USAGE_CERTIFICATES, 0))
    for epoch in (0, 1):
        assert status_of(known.verify_certificate, certified(STAND), epoch) == status.EXPIRED


def test_key_by_usage():
    known = trust()
    assert known.key(ISSUER.kid, USAGE_CERTIFICATES, 1).public == ISSUER.public
    assert status_of(known.key, ISSUER.kid, USAGE_MONEY, 1) == status.SIGNATURE
    assert status_of(known.key, DEVICE.kid, USAGE_MONEY, 1) == status.SIGNATURE
    assert status_of(known.key, ISSUER.kid, USAGE_CERTIFICATES, 1000) == status.EXPIRED


def test_statements():
    known = trust()
    lists = PaperKey(b"lists")
    known.add(keycert(lists, USAGE_LISTS, 10))
    read = messages.decode(messages.encode(messages.Time(5, 99), lists.kid, lists.sign))
    known.verify(read, USAGE_LISTS, 9)
    assert status_of(known.verify, read, USAGE_LISTS, 10) == status.EXPIRED
    assert status_of(known.verify, read, USAGE_MONEY, 9) == status.SIGNATURE
    assert status_of(known.verify, read, USAGE_ROOT, 9) == status.SIGNATURE
    for root in (ROOT, NEXT_ROOT):
        reset = messages.Reset(bytes(16), 1, 0)
        read = messages.decode(messages.encode(reset, root.kid, root.sign))
        known.verify(read, USAGE_ROOT, 9)
    assert status_of(known.verify, read, USAGE_LISTS, 9) == status.SIGNATURE
    forged = messages.decode(messages.encode(reset, root.kid, lists.sign))
    assert status_of(known.verify, forged, USAGE_ROOT, 9) == status.SIGNATURE


def test_own_keycerts_are_adopted_without_a_signature():
    forged = encode_keycert(
        KeyCert(b"keycert.", ISSUER.public, USAGE_MONEY, 9, None), ROOT.kid, DEVICE.sign
    )
    known = Trust((ROOT.public,), verify)
    known.adopt(forged)
    assert known.publics(USAGE_MONEY) == [ISSUER.public]
    assert status_of(known.add, forged) == status.SIGNATURE


def test_room_for_keys():
    known = Trust((ROOT.public,), verify)
    keys = [PaperKey(bytes((number,))) for number in range(KEYS_MAX + 1)]
    for key in keys[:-1]:
        known.add(keycert(key, USAGE_MONEY, 9))
    assert status_of(known.add, keycert(keys[-1], USAGE_MONEY, 9)) == status.JOURNAL_FULL
    known.add(keycert(keys[0], USAGE_MONEY, 20))
    assert known.key(keys[0].kid, USAGE_MONEY, 19).expiry == 20
