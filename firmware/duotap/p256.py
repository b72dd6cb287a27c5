# SPDX-License-Identifier: Apache-2.0
"""ECDSA and ECDH on P-256: keys (SEC 1), signatures (FIPS 186-5, RFC 6979) and shared secrets.

Signatures are r || s, 32 bytes each (IEEE P1363). Verification is plain ECDSA: that a message of
duotap wants the low one of two possible s is the message layer's rule. Entropy is handed in.
What this protects: every operation with a secret takes a fixed sequence of group operations on a
masked scalar, and what is inverted is masked. What it does not: long integers of an interpreter
are not constant in time, and no fault in the hardware is looked for.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from duotap import hmac
from duotap.errors import Broken, Malformed
from duotap.p256_comb import (
    MASKED_BITS,
    SCALAR_BITS,
    Comb,
    Integers,
)
from duotap.p256_point import GX, GY, N, P, is_on_curve

if TYPE_CHECKING:
    from duotap.p256_comb import Group
    from duotap.p256_point import Affine

SECRET_BYTES = 32
PUBLIC_BYTES = 65
DIGEST_BYTES = 32
SIGNATURE_BYTES = 64
SEED_BYTES = 48
UNCOMPRESSED = 0x04  # SEC 1 section 2.3.3

# Domains of the masks (see Nonces.mask); RFC 6979 itself uses 0 and 1 in this place.
MASK_POINT = 2
MASK_INVERSE = 3

# Combs are (teeth, blocks): a table has blocks * 2**(teeth-1) entries of 64 bytes.
SMALL_COMB = (5, 2)  # 2 KiB, for the generator of a board without room for p256_table
SHARED_COMB = (4, 1)  # 512 bytes, for one shared secret
# For a key that verifies often: 2 KiB; 16 KiB where the generator has 32 KiB, 512 bytes where it
# has no more than 1 KiB.
KNOWN_COMB = (5, 2)
WIDE_KNOWN_COMB = (8, 2)
WIDE_BYTES = 32_768
NARROW_BYTES = 1024


def _columns(shape: tuple[int, int], bits: int) -> int:
    positions = shape[0] * shape[1]
    return (bits + positions - 1) // positions


def _shaped(x: int, y: int, shape: tuple[int, int], bits: int) -> Comb:
    return _group.comb_of(x, y, shape[0], shape[1], _columns(shape, bits))


_group: Group = Integers()


def compute_with(group: Group) -> None:
    """From now on let `group` compute; a board calls this once, before the first key."""
    global _group
    _group = group


def _load_generator() -> Comb:
    """Return the largest comb of the generator that the board has and its heap takes.

    A board leaves tables out that it has no room for; the smallest one is computed.
    """
    try:
        from duotap.p256_wide import BLOCKS, COLUMNS, TABLE, TEETH

        return Comb(TABLE, TEETH, BLOCKS, COLUMNS)
    except (ImportError, MemoryError):
        pass
    try:
        from duotap.p256_table import BLOCKS, COLUMNS, TABLE, TEETH

        return Comb(TABLE, TEETH, BLOCKS, COLUMNS)
    except (ImportError, MemoryError):
        return _shaped(GX, GY, SMALL_COMB, MASKED_BITS)


_GENERATOR = _load_generator()


def table_bytes() -> int:
    """Return how large the table of the generator is that this board computes with."""
    return len(_GENERATOR.table)


class BadSignature(Malformed):
    """Foreign bytes that are no signature of this digest by this key."""

    def __init__(self) -> None:
        super().__init__("bad signature")


class KnownKey:
    """A public key with its own comb: verifies more than twice as fast, for 2 KiB.

    Making one costs about as much as one verification with a bare key; with WIDE_KNOWN_COMB, where
    the heap takes it, three times as much.
    """

    def __init__(self, public: bytes) -> None:
        x, y = load_public(public)
        self.public = bytes(public)
        self.comb = _known_comb(x, y)


def _known_comb(x: int, y: int) -> Comb:
    if table_bytes() >= WIDE_BYTES:
        try:
            return _shaped(x, y, WIDE_KNOWN_COMB, SCALAR_BITS)
        except MemoryError:
            pass
    narrow = table_bytes() <= NARROW_BYTES
    return _shaped(x, y, SHARED_COMB if narrow else KNOWN_COMB, SCALAR_BITS)


class Nonces:
    """The nonces of RFC 6979 section 3.2, additional data included (section 3.6), in order."""

    def __init__(self, secret: int, digest: bytes, extra: bytes) -> None:
        seed = secret.to_bytes(SECRET_BYTES, "big")
        seed += (int.from_bytes(digest, "big") % N).to_bytes(DIGEST_BYTES, "big") + extra
        self._key = bytes(32)
        self._value = b"\x01" * 32
        self._update(b"\x00" + seed)
        self._update(b"\x01" + seed)
        self._used = False

    def _update(self, tail: bytes) -> None:
        self._key = hmac.digest(self._key, self._value + tail)
        self._value = hmac.digest(self._key, self._value)

    def next(self) -> int:
        """Return the next nonce in [1, N - 1] (section 3.2 step h)."""
        while True:
            if self._used:
                self._update(b"\x00")
            self._used = True
            self._value = hmac.digest(self._key, self._value)
            nonce = int.from_bytes(self._value, "big")
            if 0 < nonce < N:
                return nonce

    def mask(self, domain: int) -> int:
        """Return a secret in [1, N - 1] that belongs to the last nonce."""
        drawn = hmac.digest(self._key, self._value + bytes([domain]))
        return int.from_bytes(drawn, "big") % (N - 1) + 1


def _check_secret(secret: int) -> None:
    if not 0 < secret < N:
        raise Broken("secret key out of range")


def _check_digest(digest: bytes) -> None:
    if len(digest) != DIGEST_BYTES:
        raise Broken("digest is not 32 bytes")


def _masks(secret: int, context: bytes) -> Nonces:
    """Return a source of masks for a secret where no nonce is needed."""
    return Nonces(secret, sha256(context).digest(), b"")


def secret_from_entropy(seed: bytes) -> int:
    """Return a secret key from 48 random bytes (FIPS 186-5 A.2.1, extra random bits)."""
    if len(seed) != SEED_BYTES:
        raise Broken("seed is not 48 bytes")
    return int.from_bytes(seed, "big") % (N - 1) + 1


def public_key(secret: int) -> bytes:
    """Return the public key as 65 bytes, 04 || x || y (SEC 1 section 2.3.3)."""
    _check_secret(secret)
    mask = _masks(secret, b"public key").mask(MASK_POINT)
    x, y = _group.affine(_group.multiply(_GENERATOR, secret, mask))
    return bytes([UNCOMPRESSED]) + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def load_public(public: bytes) -> Affine:
    """Return x, y of a foreign public key (SP 800-56A 5.6.2.3.3); Malformed if it is none."""
    if len(public) != PUBLIC_BYTES or public[0] != UNCOMPRESSED:
        raise Malformed("public key is not an uncompressed point")
    x = int.from_bytes(public[1:33], "big")
    y = int.from_bytes(public[33:], "big")
    if x >= P or y >= P or not is_on_curve(x, y):
        raise Malformed("public key is not on the curve")
    return x, y


def sign(secret: int, digest: bytes, extra: bytes = b"") -> bytes:
    """Return the low-S signature of a SHA-256 digest; `extra` hedges the nonce (RFC 6979 3.6)."""
    r, s = rfc6979_signature(secret, digest, extra)
    return r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")


def rfc6979_signature(secret: int, digest: bytes, extra: bytes) -> tuple[int, int]:
    """Return r and s as RFC 6979 has them; s may be the high one."""
    _check_secret(secret)
    _check_digest(digest)
    nonces = Nonces(secret, digest, extra)
    while True:
        nonce = nonces.next()
        x, _, z = _group.multiply(_GENERATOR, nonce, nonces.mask(MASK_POINT))
        inverted = _group.inverse(z, P)
        r = x * inverted % P * inverted % P % N
        mask = nonces.mask(MASK_INVERSE)
        hidden = int.from_bytes(digest, "big") * mask + mask * secret % N * r
        s = _group.inverse(nonce * mask % N, N) * (hidden % N) % N
        if r and s:
            return r, s


def is_low_s(signature: bytes) -> bool:
    """Tell whether a 64-byte signature has the low one of its two possible s."""
    return int.from_bytes(signature[32:], "big") <= N >> 1


def verify(public: bytes | KnownKey, digest: bytes, signature: bytes) -> None:
    """Return if the signature is right (FIPS 186-5 section 6.4.2), else BadSignature.

    Both of the two possible s are right. A public key that is none is Malformed.
    """
    _check_digest(digest)
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not (0 < r < N and 0 < s < N):
        raise BadSignature
    inverted = _group.inverse(s, N)
    u1 = int.from_bytes(digest, "big") * inverted % N
    u2 = r * inverted % N
    if isinstance(public, KnownKey):
        point = _group.sum_of_combs(_GENERATOR, u1, public.comb, u2)
    else:
        x, y = load_public(public)
        point = _group.sum_with_point(_GENERATOR, u1, x, y, u2)
    if not _has_x(point, r):
        raise BadSignature


def _has_x(point: tuple[int, int, int], r: int) -> bool:
    """Tell whether x of the point, below P, is r or r + N; no inversion is needed for it."""
    x, _, z = point
    if z == 0:
        return False
    squared = z * z % P
    return r * squared % P == x or (r + N < P and (r + N) * squared % P == x)


def ecdh(secret: int, public: bytes) -> bytes:
    """Return x of secret * public, 32 bytes (SP 800-56A section 5.7.1.2; the cofactor is 1)."""
    _check_secret(secret)
    x, y = load_public(public)
    comb = _shaped(x, y, SHARED_COMB, MASKED_BITS)
    mask = _masks(secret, public).mask(MASK_POINT)
    return _group.affine(_group.multiply(comb, secret, mask))[0].to_bytes(32, "big")
