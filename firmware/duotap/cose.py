# SPDX-License-Identifier: Apache-2.0
"""COSE_Sign1, untagged, ES256, with a key id of 16 bytes as its only other header (RFC 9052 §4.2,
RFC 9053 §2.1, PROTOCOL.md §1).

It knows neither P-256 nor what a payload says: who signs and verifies is handed in.
"""

from __future__ import annotations

import hashlib
from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import cbor, status
from duotap.errors import Broken, Malformed, Refusal

if TYPE_CHECKING:
    from typing import Any, Callable

    Sign = Callable[[bytes], bytes]
    Verify = Callable[[bytes, bytes, bytes], None]

KEY_ID_BYTES = 16
SIGNATURE_BYTES = 64
# {1: -7, 4: kid} in deterministic encoding; the key id follows.
PROTECTED_PREFIX = b"\xa2\x01\x26\x04\x50"
# ["Signature1", protected, h'', payload]: what stands before the protected header.
SIG_STRUCTURE_PREFIX = b"\x84\x6aSignature1"
EMPTY_BYTES = b"\x40"
# The order n of P-256 (SEC 2 §2.4.2) and n >> 1, the highest S that is taken.
ORDER = (
    b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"
)
HALF_ORDER = (
    b"\x7f\xff\xff\xff\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"
    b"\xde\x73\x7d\x56\xd3\x8b\xcf\x42\x79\xdc\xe5\x61\x7e\x31\x92\xa8"
)

# digest: SHA-256 of the Sig_structure, what was signed. hash: the message hash of PROTOCOL.md §1.
Sign1 = namedtuple("Sign1", "kid payload protected signature digest hash raw")
# The same with the record that the payload holds.
Signed = namedtuple("Signed", "message kid digest hash raw signature currency")


def key_id(public: bytes) -> bytes:
    """First 16 bytes of SHA-256 of a public key (SEC 1 uncompressed, 65 bytes)."""
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES]


def encode(payload: bytes, kid: bytes, sign: Sign) -> bytes:
    """A signed message. `sign` takes the digest (32 bytes) and answers r | s (64 bytes); a high S,
    as some secure elements give it, is replaced by n - s, which is as good a signature."""
    if len(kid) != KEY_ID_BYTES:
        raise Broken("key id is not 16 bytes")
    protected = PROTECTED_PREFIX + kid
    signature = _low_s(sign(_digest(protected, payload)))
    return cbor.encode((protected, {}, payload, signature))


def decode(raw: bytes) -> Sign1:
    """The parts of a message whose signature is still to be verified; Malformed if it is none."""
    parts = cbor.decode(raw)
    if type(parts) is not list or len(parts) != 4:
        raise Malformed("not a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if unprotected != {} or type(protected) is not bytes or type(payload) is not bytes:
        raise Malformed("not a COSE_Sign1")
    if type(signature) is not bytes or len(signature) != SIGNATURE_BYTES:
        raise Malformed("signature is not 64 bytes")
    if signature[32:] > HALF_ORDER:
        raise Malformed("signature has a high S")
    kid = _kid(protected)
    digest = _digest(protected, payload)
    return Sign1(kid, payload, protected, signature, digest, _hash(protected, payload), raw)


def opened(sign1: Sign1, message: Any, currency: int) -> Signed:
    """What remains of a COSE_Sign1 once its payload is read."""
    return Signed(
        message, sign1.kid, sign1.digest, sign1.hash, sign1.raw, sign1.signature, currency
    )


def verify(signed: Signed, public: bytes, verify: Verify) -> None:
    """Refusal unless `public` signed it; `verify(public, digest, signature)` raises as well."""
    if signed.kid != key_id(public):
        raise Refusal(status.SIGNATURE, "signed by another key")
    verify(public, signed.digest, signed.signature)


def _kid(protected: bytes) -> bytes:
    """Deterministic encoding leaves one form of the header, so its first bytes are compared."""
    start = len(PROTECTED_PREFIX)
    if len(protected) != start + KEY_ID_BYTES or protected[:start] != PROTECTED_PREFIX:
        raise Malformed("protected header is not ES256 with a key id")
    return protected[start:]


def _low_s(signature: bytes) -> bytes:
    if len(signature) != SIGNATURE_BYTES:
        raise Broken("signature is not 64 bytes")
    s = signature[32:]
    if s <= HALF_ORDER:
        return signature
    low = int.from_bytes(ORDER, "big") - int.from_bytes(s, "big")
    if low <= 0:
        raise Broken("signer answered an S above the order")
    return signature[:32] + low.to_bytes(32, "big")


def _digest(protected: bytes, payload: bytes) -> bytes:
    sha = hashlib.sha256(SIG_STRUCTURE_PREFIX)
    sha.update(cbor.head(cbor.BYTES, len(protected)))
    sha.update(protected)
    sha.update(EMPTY_BYTES)
    sha.update(cbor.head(cbor.BYTES, len(payload)))
    sha.update(payload)
    return sha.digest()


def _hash(protected: bytes, payload: bytes) -> bytes:
    sha = hashlib.sha256(cbor.head(cbor.BYTES, len(protected)))
    sha.update(protected)
    sha.update(cbor.head(cbor.BYTES, len(payload)))
    sha.update(payload)
    return sha.digest()
