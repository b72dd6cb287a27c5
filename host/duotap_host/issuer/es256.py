# SPDX-License-Identifier: Apache-2.0
"""ES256 on the host by the `cryptography` package: RFC 9053 §2.1, signatures as r | s.

The twin of a device's signer. Its nonces are those of RFC 6979, so a statement that is signed
again, after an interruption, is the same bytes. It knows no message and no file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from duotap import cose, p256, status
from duotap.errors import Malformed, Refusal

ALGORITHM = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)
SCALAR_BYTES = 32
Draw = Callable[[int], bytes]  # so many bytes of entropy
KEYS_CACHED = 4096  # parsed public keys; about 1 KiB each


class SigningKey:
    """A private key of P-256, its public half (SEC 1 uncompressed) and its key id."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private
        self.public = public_bytes(private.public_key())
        self.kid = cose.key_id(self.public)

    @classmethod
    def generate(cls, draw: Draw = os.urandom) -> SigningKey:
        """A new key from the operating system's entropy, or from what else `draw(n)` gives."""
        secret = p256.secret_from_entropy(draw(p256.SEED_BYTES))
        return cls(ec.derive_private_key(secret, ec.SECP256R1()))

    def sign(self, digest: bytes) -> bytes:
        """r | s over 32 bytes, with the low S."""
        r, s = decode_dss_signature(self.private.sign(digest, ALGORITHM))
        order = int.from_bytes(cose.ORDER, "big")
        s = min(s, order - s)
        return r.to_bytes(SCALAR_BYTES, "big") + s.to_bytes(SCALAR_BYTES, "big")


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """SEC 1 §2.3.3, uncompressed: 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@lru_cache(maxsize=KEYS_CACHED)
def public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """The key of 65 bytes. Malformed if they are no point of the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise Malformed("not a point of P-256") from None


def verify(public: bytes, digest: bytes, signature: bytes) -> None:
    """Refusal 9A0D unless the signature (r | s) is the key's over this digest."""
    r = int.from_bytes(signature[:SCALAR_BYTES], "big")
    s = int.from_bytes(signature[SCALAR_BYTES:], "big")
    try:
        public_key(public).verify(encode_dss_signature(r, s), digest, ALGORITHM)
    except InvalidSignature:
        raise Refusal(status.SIGNATURE, "signature is not of this key") from None
