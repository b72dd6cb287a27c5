# SPDX-License-Identifier: Apache-2.0
"""The bytes of every message, written out, and what is refused of each (PROTOCOL.md §2)."""

from duotap import cbor, cose, messages, status
from duotap.errors import Broken, Malformed, Refusal
from duotap.fields import AMOUNT_MAX, COUNTER_MAX, Limits, NoButton
from duotap.messages import (
    TABLE,
    Cancel,
    Challenge,
    Checkpoint,
    DenyList,
    Epoch,
    Head,
    KeyStatement,
    Load,
    Membership,
    Offer,
    Payment,
    Permit,
    Policy,
    Possession,
    Receipt,
    Refund,
    Reset,
    Time,
    Unload,
    Void,
)
from paper_key import PaperKey, verify
from raising import raises

KEY = PaperKey(b"device")
D = bytes(range(16))
E = bytes(range(16, 32))
G = bytes(range(32, 64))
H = D + E
P = b"\x04" + D + E + G
LETTERS = {"D": D, "E": E, "G": G, "V": b"\x01\x01\x02\x18\x9c"}

# Record and payload: head of the map, then key and value of each entry. V: version 1, CNY.
PAYLOADS = (
    (
        Offer(D, 7, 9, 1250, (3, 500), 12),
        "a9  00 01  V  03 50 D  04 07  06 09  07 1904e2  08 82031901f4  0a 0c",
    ),
    (
        Payment(7, E, 9, ((3, 250), (500, 1000)), H, G),
        "a9  00 02  V  04 07  05 50 E  06 09  09 a20318fa1901f41903e8  0b 5820 D E  0c 5820 G",
    ),
    (Receipt(H, 1), "a5  00 03  V  0d 5820 D E  0e 01"),
    (Receipt(H, 2), "a5  00 03  V  0d 5820 D E  0e 02"),
    (Void(H), "a4  00 04  V  0d 5820 D E"),
    (Refund(((0, 1250),), H, 2), "a6  00 05  V  09 a1001904e2  0d 5820 D E  0f 02"),
    (
        Load(((0, 20000), (3, 500)), D, 4, ((3, 400),)),
        "a7  00 08  V  09 a200194e20031901f4  10 50 D  11 04  12 a103190190",
    ),
    (Load(((0, 1),), D, 1, ()), "a6  00 08  V  09 a10001  10 50 D  11 01"),
    (Cancel(D, 5), "a5  00 09  V  10 50 D  11 05"),
    (
        Checkpoint(D, 6, 1000, H, G),
        "a8  00 0a  V  10 50 D  11 06  15 1903e8  16 5820 D E  17 5820 G",
    ),
    (
        Unload(((0, 1), (3, 999999999)), H, 1),
        "a6  00 0b  V  09 a20001031a3b9ac9ff  0c 5820 D E  0f 01",
    ),
    (Policy(None, 20, None, None, None), "a4  00 10  V  13 14"),
    (
        Policy(
            D,
            20,
            (10000, 5000),
            Limits(100000, 50000, 20, 200000, 10000, 50000),
            NoButton(0, 0, 0),
        ),
        "a8  00 10  V  10 50 D  13 14  15 82192710191388"
        "  16 861a000186a019c350141a00030d4019271019c350  17 83000000",
    ),
    (Membership(D, 20, (3, 500)), "a6  00 11  V  08 82031901f4  10 50 D  13 14"),
    (Membership(D, 20, ()), "a6  00 11  V  08 80  10 50 D  13 14"),
    (DenyList(21, 0, 0, b""), "a7  00 12  V  13 15  14 00  15 00  16 40"),
    (DenyList(22, 1, 21, D), "a7  00 12  V  13 16  14 01  15 15  16 50 D"),
    (Time(20, 1790000000), "a5  00 13  V  13 14  15 1a6ab13b80"),
    (Epoch(21, None), "a4  00 14  V  13 15"),
    (Epoch(1000, b"\x84"), "a5  00 14  V  13 1903e8  15 4184"),
    (KeyStatement(3, b"\x84"), "a5  00 15  V  11 03  15 4184"),
    (Reset(D, 1, 0), "a6  00 16  V  10 50 D  11 01  13 00"),
    (Permit(30, P), "a5  00 1818  V  13 181e  15 584104 D E G"),
    (Challenge(D, E), "a5  00 1819  V  10 50 D  15 50 E"),
    (
        Head(((0, 250), (500, 1)), H, 77, 20, (8, 10, 3, 2, 6), E, D, 100, 1790000000, G),
        "ad  00 181a  V  09 a20018fa1901f401  0c 5820 D E  11 184d  13 14  14 85080a030206"
        "  15 50 E  16 50 D  17 1864  1818 1a6ab13b80  1819 5820 G",
    ),
    (
        Head((), H, 1, 0, (1, 1, 1, 1, 1), E, D, 0, 0, G),
        "ad  00 181a  V  09 a0  0c 5820 D E  11 01  13 00  14 850101010101  15 50 E"
        "  16 50 D  17 00  1818 00  1819 5820 G",
    ),
    (Possession(H, P, G), "a6  00 181e  V  15 5820 D E  16 584104 D E G  1819 5820 G"),
)
# An entry of a payload of PAYLOADS that is out of its range or of another kind: type, key, value.
WRONG = (
    (1, 3, D[1:]),
    (1, 3, "sixteen letters."),
    (1, 4, 0),
    (1, 4, -1),
    (1, 4, COUNTER_MAX + 1),
    (1, 4, True),
    (1, 4, None),
    (1, 6, 0),
    (1, 7, 0),
    (1, 7, AMOUNT_MAX + 1),
    (1, 7, [1]),
    (1, 8, [500, 3]),
    (1, 8, [3, 3]),
    (1, 8, [65536]),
    (1, 8, [-1]),
    (1, 8, [True]),
    (1, 8, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    (1, 8, {3: 1}),
    (1, 10, COUNTER_MAX + 1),
    (1, 10, -1),
    (2, 9, {}),
    (2, 9, {0: 0}),
    (2, 9, {65536: 1}),
    (2, 9, {"0": 1}),
    (2, 9, {-1: 1}),
    (2, 9, {0: True}),
    (2, 9, {0: AMOUNT_MAX + 1}),
    (2, 9, {0: AMOUNT_MAX, 1: 1}),
    (2, 9, dict.fromkeys(range(9), 1)),
    (2, 9, [[0, 1]]),
    (2, 11, H + D),
    (3, 14, 0),
    (3, 14, 3),
    (4, 13, D),
    (8, 18, {}),
    (8, 18, {3: -1}),
    (16, 21, [1]),
    (16, 21, [1, 2, 3]),
    (16, 21, [1, -1]),
    (16, 22, [1, 2, 3, 4, 5]),
    (16, 23, [0, 0, AMOUNT_MAX + 1]),
    (16, 23, None),
    (18, 20, 2),
    (18, 20, False),
    (18, 22, "content"),
    (19, 21, 1 << 40),
    (24, 21, P[1:]),
    (25, 21, H),
    (26, 9, {0: 0}),
    (26, 20, [1, 1, 1, 1]),
    (26, 20, [1, 1, 1, 1, 0]),
    (26, 23, 101),
)


def payload_of(text):
    """The bytes that a text of PAYLOADS writes out."""
    return b"".join([LETTERS.get(word) or bytes.fromhex(word) for word in text.split()])


def signed(payload):
    return cose.encode(cbor.encode(payload), KEY.kid, KEY.sign)


def payload_of_type(number):
    for message, text in PAYLOADS:
        payload = cbor.decode(payload_of(text))
        if payload[0] == number and (number != 16 or message.limits):
            return payload


def status_of(raw, *expected):
    try:
        messages.decode(raw, *expected)
    except Refusal as refusal:
        return refusal.sw
    return status.OK


def test_every_record_is_written_out():
    written = [type(message) for message, _ in PAYLOADS]
    for number, record, _ in TABLE:
        assert record in written, number


def test_payloads():
    for message, text in PAYLOADS:
        raw = messages.encode(message, KEY.kid, KEY.sign)
        assert cose.decode(raw).payload == payload_of(text), text


def test_what_is_signed_is_read_back():
    for message, text in PAYLOADS:
        raw = messages.encode(message, KEY.kid, KEY.sign)
        read = messages.decode(raw, type(message))
        assert read.message == message, text
        assert type(read.message) is type(message)
        sign1 = cose.decode(raw)
        assert (read.kid, read.raw, read.currency) == (KEY.kid, raw, 156)
        assert (read.digest, read.hash) == (sign1.digest, sign1.hash)
        assert read.signature == sign1.signature
        messages.verify(read, KEY.public, verify)
        assert messages.encode(read.message, KEY.kid, KEY.sign) == raw


def test_types_of_fields():
    policy = PAYLOADS[12][0]
    read = messages.decode(messages.encode(policy, KEY.kid, KEY.sign), Policy).message
    assert read.limits.received_total == 50000 and read.nobutton.count == 0
    load = PAYLOADS[6][0]
    read = messages.decode(messages.encode(load, KEY.kid, KEY.sign), Load).message
    assert read.amounts[0] == (0, 20000) and read.expiries == ((3, 400),)


def test_pairs_are_ascending_in_a_large_map():
    pairs = tuple([(scope, 1 + scope) for scope in (0, 1, 23, 24, 255, 256, 65534, 65535)])
    raw = messages.encode(Unload(pairs, H, 1), KEY.kid, KEY.sign)
    assert messages.decode(raw, Unload).message.amounts == pairs


def test_only_what_is_expected():
    raw = messages.encode(Void(H), KEY.kid, KEY.sign)
    assert messages.decode(raw, Receipt, Void).message == Void(H)
    assert messages.decode(raw).message == Void(H)
    assert raises(Malformed, messages.decode, raw, Receipt)
    assert raises(Malformed, messages.decode, raw, Receipt, Payment)


def test_a_missing_key_is_refused():
    for message, text in PAYLOADS:
        whole = cbor.decode(payload_of(text))
        optional = {Load: (18,), Policy: (16, 21, 22, 23), Epoch: (21,)}.get(type(message), ())
        for key in whole:
            cut = {other: whole[other] for other in whole if other != key}
            assert status_of(signed(cut)) == (status.OK if key in optional else 0x6A80), (
                text,
                key,
            )


def test_an_unknown_key_is_refused():
    for _, text in PAYLOADS:
        for key in (31, -1, b"", "a"):
            payload = cbor.decode(payload_of(text))
            payload[key] = 0
            assert status_of(signed(payload)) == status.MALFORMED, (text, key)


def test_a_key_of_another_type_is_refused():
    payload = payload_of_type(3)
    payload[15] = 1
    assert status_of(signed(payload)) == status.MALFORMED


def test_wrong_values_are_refused():
    for number, key, value in WRONG:
        payload = payload_of_type(number)
        assert status_of(signed(payload)) == status.OK
        payload[key] = value
        assert status_of(signed(payload)) == status.MALFORMED, (number, key, value)


def test_another_version_or_currency():
    for key, value, sw in (
        (1, 2, 0x9A0C),
        (1, 0, 0x9A0C),
        (1, -1, 0x6A80),
        (1, True, 0x6A80),
        (2, 978, 0x9A0C),
        (2, "CNY", 0x6A80),
        (0, 6, 0x6A80),
        (0, 28, 0x6A80),
        (0, None, 0x6A80),
    ):
        payload = payload_of_type(4)
        payload[key] = value
        assert status_of(signed(payload), Void) == sw, (key, value)


def test_a_new_version_is_told_before_its_unknown_keys():
    payload = payload_of_type(4)
    payload[1] = 2
    payload[40] = "new"
    assert status_of(signed(payload)) == status.CURRENCY_OR_VERSION


def test_other_currencies():
    raw = messages.encode(Void(H), KEY.kid, KEY.sign, 978)
    assert status_of(raw, Void) == status.CURRENCY_OR_VERSION
    assert messages.decode(raw, Void, currency=978).currency == 978
    assert raises(Broken, messages.encode, Void(H), KEY.kid, KEY.sign, 1000)


def test_payload_that_is_no_map():
    for payload in ([], 0, b"", None, "a", [1, 1, 156]):
        assert status_of(signed(payload)) == status.MALFORMED


def test_nothing_wrong_is_signed():
    good = Offer(D, 7, 9, 1250, (3, 500), 12)
    for place, value in (
        (0, D[1:]),
        (0, None),
        (1, 0),
        (1, COUNTER_MAX + 1),
        (2, True),
        (3, 0),
        (3, 12.5),
        (3, AMOUNT_MAX + 1),
        (4, (500, 3)),
        (4, [3]),
        (4, None),
        (5, -1),
    ):
        fields = list(good)
        fields[place] = value
        assert raises(Broken, messages.encode, Offer(*fields), KEY.kid, KEY.sign), (place, value)
    for amounts in ((), ((3, 1), (0, 1)), ((0, 1), (0, 2)), ((0, AMOUNT_MAX), (1, 1)), {0: 1}):
        assert raises(Broken, messages.encode, Unload(amounts, H, 1), KEY.kid, KEY.sign), amounts
    assert raises(Broken, messages.encode, tuple(good), KEY.kid, KEY.sign)


def test_verify():
    read = messages.decode(messages.encode(Void(H), KEY.kid, KEY.sign))
    assert raises(Refusal, messages.verify, read, PaperKey(b"other").public, verify)
    raw = messages.encode(Void(H), KEY.kid, PaperKey(b"other").sign)
    assert raises(Refusal, messages.verify, messages.decode(raw), KEY.public, verify)


def test_total():
    assert messages.total(()) == 0
    assert messages.total(((0, 1250), (3, 250))) == 1500
