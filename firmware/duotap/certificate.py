# SPDX-License-Identifier: Apache-2.0
"""Certificates of devices and of the issuer's working keys, and the keys that a device trusts
(PROTOCOL.md §3; CWT, RFC 8392, with a confirmation key, RFC 8747).

It knows no P-256 (`verify` is handed in), no deny list, and not what a certificate allows now.
"""

from __future__ import annotations

import hashlib
from collections import namedtuple
from typing import TYPE_CHECKING

from duotap import cbor, cose, fields, status
from duotap.cose import key_id as key_id
from duotap.errors import Broken, Malformed, Refusal
from duotap.fields import ROLE_PERSON as ROLE_PERSON
from duotap.fields import ROLE_STAND as ROLE_STAND
from duotap.fields import Limits as Limits
from duotap.fields import NoButton as NoButton

if TYPE_CHECKING:
    from typing import Any, Iterable

CLASS_NONE = 0
CLASS_COUNT = 1
CLASS_BOUND = 2

USAGE_ROOT = 0  # of `Trust.verify` only: no keycert says so
USAGE_CERTIFICATES = 1
USAGE_MONEY = 2
USAGE_LISTS = 3
USAGE_READERS = 4
USAGE_ENCRYPTION = 5
USAGE_FACTORY = 6
USAGE_FIRMWARE = 7  # of the host's tools: no device is handed one

HASH_BYTES = 16
KEYS_MAX = 12  # six usages, each with its present and next key; all fit one INSTALL

# Claims: cti and cnf (IANA), and one of private use for everything of our own.
CTI, CNF, OWN = 7, 8, -65537
COSE_KEY = 1
# COSE_Key parameters (RFC 9053 §7.1): key type EC2, curve P-256, x, y.
KTY, CRV, X, Y = 1, -1, -2, -3
EC2, P256 = 2, 1
COORDINATE_BYTES = 32
UNCOMPRESSED = b"\x04"  # SEC 1 §2.3.3

Certificate = namedtuple(
    "Certificate",
    "serial public role rollback_class holder name_zh name_en scopes limits nobutton load_cap"
    " respend expiry firmware ticks",
)
# constraint: None, or of a factory key (number of devices, their role, rollback class and balance
# limit, epoch from which on it certifies no more).
KeyCert = namedtuple("KeyCert", "serial public usage expiry constraint")

CERTIFICATE_TYPE = 28
CERTIFICATE_ROW = (
    "20 role, 21 class, 22 counter, ?23 name_zh, ?24 name_en, ?25 scopes, 26 limits, 27 nobutton,"
    " 28 limit, 29 bool, 30 epoch, 31 hash, ?32 counter"
)
KEYCERT_TYPE = 29
KEYCERT_ROW = "20 usage, 30 epoch, ?33 constraint"


def certificate_hash(raw: bytes) -> bytes:
    """First 16 bytes of SHA-256 of a certificate's bytes (PROTOCOL.md §1)."""
    return hashlib.sha256(raw).digest()[:HASH_BYTES]


def encode_certificate(
    certificate: Certificate, kid: bytes, sign: cose.Sign, currency: int = fields.CURRENCY_CNY
) -> bytes:
    """The signed bytes of a device's certificate; Broken if its fields do not go together."""
    if not _agrees(certificate):
        raise Broken("certificate has fields of another role or class")
    return _encode(CERTIFICATE_TYPE, CERTIFICATE_ROW, certificate, kid, sign, currency)


def decode_certificate(raw: bytes, currency: int = fields.CURRENCY_CNY) -> cose.Signed:
    """A device's certificate as `message`, not verified yet. Malformed, or Refusal 9A0C."""
    signed = _decode(CERTIFICATE_TYPE, CERTIFICATE_ROW, Certificate, raw, currency)
    if not _agrees(signed.message):
        raise Malformed("certificate has fields of another role or class")
    return signed


def encode_keycert(
    keycert: KeyCert, kid: bytes, sign: cose.Sign, currency: int = fields.CURRENCY_CNY
) -> bytes:
    """The signed bytes of a working key's certificate; only a factory key has a constraint."""
    if not _is_constrained(keycert):
        raise Broken("constraint and usage of a key do not go together")
    return _encode(KEYCERT_TYPE, KEYCERT_ROW, keycert, kid, sign, currency)


def decode_keycert(raw: bytes, currency: int = fields.CURRENCY_CNY) -> cose.Signed:
    """A working key's certificate as `message`, not verified yet. Malformed, or Refusal 9A0C."""
    signed = _decode(KEYCERT_TYPE, KEYCERT_ROW, KeyCert, raw, currency)
    if not _is_constrained(signed.message):
        raise Malformed("constraint and usage of a key do not go together")
    return signed


def _agrees(certificate: Certificate) -> bool:
    """A stand has an English name; a person neither names nor scopes; only class count ticks."""
    if (certificate.ticks is not None) != (certificate.rollback_class == CLASS_COUNT):
        return False
    if certificate.role == ROLE_STAND:
        return bool(certificate.name_en is not None)
    said = (certificate.name_zh, certificate.name_en, certificate.scopes)
    return bool(said == (None, None, ()))


def _is_constrained(keycert: KeyCert) -> bool:
    return bool((keycert.constraint is not None) == (keycert.usage == USAGE_FACTORY))


def _encode(
    number: int, row: str, record: Any, kid: bytes, sign: cose.Sign, currency: int
) -> bytes:
    public = record.public
    if len(public) != fields.SIZES["public"] or public[:1] != UNCOMPRESSED:
        raise Broken("public key is not uncompressed SEC 1")
    key = {KTY: EC2, CRV: P256, X: public[1:33], Y: public[33:]}
    own = fields.pack(row, record[2:], fields.opening(number, currency))
    claims = {CTI: fields.to_wire("serial", record.serial), CNF: {COSE_KEY: key}, OWN: own}
    return cose.encode(cbor.encode(claims), kid, sign)


def _decode(number: int, row: str, record: Any, raw: bytes, currency: int) -> cose.Signed:
    sign1 = cose.decode(raw)
    claims = cbor.decode(sign1.payload)
    if type(claims) is not dict or len(claims) != 3:
        raise Malformed("not a certificate")
    own = claims.get(OWN)
    if type(own) is not dict or fields.take_opening(own, currency) != number:
        raise Malformed("not a certificate of this type")
    serial = fields.from_wire("serial", claims.get(CTI))
    values = fields.unpack(row, own)
    return cose.opened(sign1, record(serial, _public(claims.get(CNF)), *values), currency)


def _public(confirmation: Any) -> bytes:
    key = confirmation.get(COSE_KEY) if type(confirmation) is dict else None
    if type(key) is not dict or len(confirmation) != 1 or len(key) != 4:
        raise Malformed("confirmation key")
    if key.get(KTY) != EC2 or key.get(CRV) != P256:
        raise Malformed("confirmation key is not of P-256")
    x, y = key.get(X), key.get(Y)
    if type(x) is not bytes or type(y) is not bytes or not len(x) == len(y) == COORDINATE_BYTES:
        raise Malformed("confirmation key is not a point")
    return UNCOMPRESSED + x + y


def is_within(certificate: Certificate, constraint: Any) -> bool:
    """Whether a factory key with this constraint may certify this device (PROTOCOL.md §3)."""
    count, role, rollback_class, balance_max, until = constraint
    serial = certificate.serial
    return bool(
        1 <= int.from_bytes(serial[4:], "big") <= count
        and int.from_bytes(serial[:4], "big") < until
        and (certificate.role, certificate.rollback_class) == (role, rollback_class)
        and certificate.limits.balance <= balance_max
    )


class Trust:
    """The root keys of a device and the working keys that lead to one of them.

    `roots` are public keys (65 bytes); `verify(public, digest, signature)` raises Refusal.
    """

    def __init__(
        self,
        roots: Iterable[bytes],
        verify: cose.Verify,
        currency: int = fields.CURRENCY_CNY,
    ) -> None:
        self._roots = {key_id(root): root for root in roots}
        self._keys: dict[bytes, KeyCert] = {}
        self._verify = verify
        self._currency = currency

    def add(self, raw: bytes) -> KeyCert:
        """Take a keycert once a root's signature on it is verified; Refusal otherwise.

        The same key again replaces what was known of it: so its expiry is drawn in or put off.
        """
        signed = decode_keycert(raw, self._currency)
        self.verify(signed, USAGE_ROOT, 0)
        return self._take(signed.message)

    def adopt(self, raw: bytes) -> KeyCert:
        """Take a keycert from the own journal: it was verified before it was written there."""
        return self._take(decode_keycert(raw, self._currency).message)

    def _take(self, keycert: KeyCert) -> KeyCert:
        kid = key_id(keycert.public)
        if kid not in self._keys and len(self._keys) >= KEYS_MAX:
            raise Refusal(status.JOURNAL_FULL, "no room for another working key")
        self._keys[kid] = keycert
        return keycert

    def publics(self, usage: int) -> list[bytes]:
        """Public keys of all working keys of a usage."""
        return [keycert.public for keycert in self._keys.values() if keycert.usage == usage]

    def key(self, kid: bytes, usage: int, epoch: int) -> KeyCert:
        """The working key with this id. Refusal 9A0D if none has this usage, 9A06 if expired."""
        keycert = self._keys.get(kid)
        if keycert is None or keycert.usage != usage:
            raise Refusal(status.SIGNATURE, "signed by no key of this usage")
        if epoch >= keycert.expiry:
            raise Refusal(status.EXPIRED, "working key is expired")
        return keycert

    def check_unexpired(self, kid: bytes, epoch: int) -> None:
        """Refusal 9A06 unless this working key, of whatever usage, counts at `epoch`."""
        keycert = self._keys.get(kid)
        if keycert is None or epoch >= keycert.expiry:
            raise Refusal(status.EXPIRED, "working key is expired")

    def verify(self, signed: cose.Signed, usage: int, epoch: int) -> None:
        """Refusal unless a key of `usage` (USAGE_ROOT: a root) signed the message."""
        if usage == USAGE_ROOT:
            public = self._roots.get(signed.kid)
            if public is None:
                raise Refusal(status.SIGNATURE, "signed by no root key")
        else:
            public = self.key(signed.kid, usage, epoch).public
        cose.verify(signed, public, self._verify)

    def verify_certificate(self, raw: bytes, epoch: int) -> Certificate:
        """A device's certificate once its chain is verified. Refusal 9A0D, or 9A06 when it or its
        key is expired at `epoch`; epoch 0 asks for the chain alone, as a closing needs it."""
        signed = decode_certificate(raw, self._currency)
        certificate: Certificate = signed.message
        usage = USAGE_CERTIFICATES
        if self._is_factory(signed.kid):
            usage = USAGE_FACTORY
            if not is_within(certificate, self.key(signed.kid, usage, epoch).constraint):
                raise Refusal(status.SIGNATURE, "factory key may not certify this device")
        self.verify(signed, usage, epoch)
        if epoch >= certificate.expiry:
            raise Refusal(status.EXPIRED, "certificate is expired")
        return certificate

    def _is_factory(self, kid: bytes) -> bool:
        keycert = self._keys.get(kid)
        return keycert is not None and keycert.usage == USAGE_FACTORY
