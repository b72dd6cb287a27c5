# SPDX-License-Identifier: Apache-2.0
"""Messages and certificates of any content: read back as they were, checked by cbor2 and
cryptography, and no byte of them can be changed unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from duotap import certificate, cose, messages
from duotap.errors import Malformed, Refusal
from duotap_host import sizes
from host.drawn import CERTIFICATES, KEYCERTS, MESSAGES
from hypothesis import given
from hypothesis import strategies as st

SECRET = ec.derive_private_key(0xD0073A9, ec.SECP256R1())
PUBLIC = SECRET.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
KID = cose.key_id(PUBLIC)
ECDSA = ec.ECDSA(Prehashed(SHA256()))

Read = Callable[[bytes], Any]
Write = Callable[..., bytes]
# What the bytes of a message, certificate or keycert are made and read with.
CODECS: dict[type, tuple[Write, Read]] = {
    certificate.Certificate: (certificate.encode_certificate, certificate.decode_certificate),
    certificate.KeyCert: (certificate.encode_keycert, certificate.decode_keycert),
}
MESSAGE_CODEC: tuple[Write, Read] = (messages.encode, messages.decode)
LARGEST = {
    **{record: partial(sizes.largest_message, record) for _, record, _ in messages.TABLE},
    certificate.Certificate: sizes.largest_certificate,
    certificate.KeyCert: sizes.largest_keycert,
}


def sign(digest: bytes) -> bytes:
    """Half of its signatures have a high S."""
    r, s = decode_dss_signature(SECRET.sign(digest, ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify(public: bytes, digest: bytes, signature: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    key.verify(encode_dss_signature(r, s), digest, ECDSA)


def codec(record: Any) -> tuple[Write, Read]:
    return CODECS.get(type(record), MESSAGE_CODEC)


@given(MESSAGES | CERTIFICATES | KEYCERTS)
def test_read_back(record: Any) -> None:
    encode, decode = codec(record)
    raw = encode(record, KID, sign)
    read = decode(raw)
    assert read.message == record
    assert type(read.message) is type(record)
    assert encode(read.message, read.kid, lambda digest: read.signature) == raw


@given(MESSAGES | CERTIFICATES | KEYCERTS)
def test_as_cbor2_and_cryptography_see_it(record: Any) -> None:
    encode, decode = codec(record)
    raw = encode(record, KID, sign)
    protected, unprotected, payload, signature = cbor2.loads(raw)
    assert cbor2.dumps([protected, unprotected, payload, signature]) == raw
    assert cbor2.loads(protected) == {1: -7, 4: KID}
    assert unprotected == {}
    structure = cbor2.dumps(["Signature1", protected, b"", payload])
    verify(PUBLIC, hashlib.sha256(structure).digest(), signature)
    hashed = hashlib.sha256(cbor2.dumps(protected) + cbor2.dumps(payload))
    assert decode(raw).hash == hashed.digest()


@given(MESSAGES.filter(lambda record: not hasattr(record, "content")))
def test_no_message_is_larger_than_the_table_says(record: Any) -> None:
    largest = LARGEST[type(record)]()
    free = {messages.Epoch: "far", messages.KeyStatement: "keycert"}.get(type(record))
    if free is not None and getattr(record, free) is not None:
        record = record._replace(**{free: b""})
    assert len(messages.encode(record, KID, sizes.sign)) <= len(largest)


@given(CERTIFICATES | KEYCERTS)
def test_no_certificate_is_larger_than_the_table_says(record: Any) -> None:
    encode, _ = codec(record)
    assert len(encode(record, KID, sizes.sign)) <= len(LARGEST[type(record)]())


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(raw: bytes) -> None:
    for decode in (cose.decode, messages.decode, *(read for _, read in CODECS.values())):
        with pytest.raises(Malformed):
            decode(raw)


def check_changed(raw: bytes, changed: bytes, encode: Write, decode: Read) -> bool:
    """A changed message is refused, or is another message, or differs in its signature only, which
    then does not verify. What is read is what these very bytes say. True if it was read."""
    before = decode(raw)
    try:
        read = decode(changed)
    except Refusal:
        return False
    assert encode(read.message, read.kid, lambda digest: read.signature) == changed
    if read.hash == before.hash:
        assert read.message == before.message
        assert changed[:-64] == raw[:-64]
        with pytest.raises(InvalidSignature):
            verify(PUBLIC, read.digest, read.signature)
    else:
        assert (read.message, read.kid) != (before.message, before.kid)
    return True


@pytest.mark.parametrize("record", LARGEST, ids=lambda record: record.__name__)
def test_every_changed_bit_is_seen(record: Any) -> None:
    encode, decode = CODECS.get(record, MESSAGE_CODEC)
    raw = encode(decode(LARGEST[record]()).message, KID, sign)
    read = 0
    for place in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[place] ^= 1 << bit
            read += check_changed(raw, bytes(changed), encode, decode)
    # The 512 bits of the signature, high S apart, and the 128 of the key id are free.
    assert read > 600


@pytest.mark.parametrize("record", [messages.Receipt, messages.Void])
def test_every_changed_byte_is_seen(record: Any) -> None:
    raw = messages.encode(messages.decode(LARGEST[record]()).message, KID, sign)
    for place in range(len(raw) - 64):
        for value in range(256):
            if value != raw[place]:
                changed = raw[:place] + bytes((value,)) + raw[place + 1 :]
                check_changed(raw, changed, messages.encode, messages.decode)


@pytest.mark.parametrize("record", LARGEST, ids=lambda record: record.__name__)
def test_every_cut_and_every_added_byte_is_refused(record: Any) -> None:
    _, decode = CODECS.get(record, MESSAGE_CODEC)
    raw = LARGEST[record]()
    for length in range(len(raw)):
        with pytest.raises(Malformed):
            decode(raw[:length])
    for byte in range(256):
        with pytest.raises(Malformed):
            decode(raw + bytes((byte,)))
