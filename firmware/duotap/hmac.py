# SPDX-License-Identifier: Apache-2.0
"""HMAC-SHA256 (RFC 2104) and the key derivation HKDF-SHA256 (RFC 5869).

It knows nothing of what the keys are for.
"""

from __future__ import annotations

from hashlib import sha256

from duotap.errors import Broken

DIGEST_BYTES = 32
BLOCK_BYTES = 64
# RFC 5869 section 2.3: the block counter is one byte.
EXPAND_MAX = 255 * DIGEST_BYTES
# One exclusive or of long integers is many times faster than 64 of bytes.
INNER_PAD = int.from_bytes(b"\x36" * BLOCK_BYTES, "big")
OUTER_PAD = int.from_bytes(b"\x5c" * BLOCK_BYTES, "big")


def digest(key: bytes, message: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA256 of message; a key of any length (RFC 2104 section 2)."""
    if len(key) > BLOCK_BYTES:
        key = sha256(key).digest()
    block = int.from_bytes(key + bytes(BLOCK_BYTES - len(key)), "big")
    inner = sha256((block ^ INNER_PAD).to_bytes(BLOCK_BYTES, "big"))
    inner.update(message)
    outer = sha256((block ^ OUTER_PAD).to_bytes(BLOCK_BYTES, "big"))
    outer.update(inner.digest())
    return outer.digest()


def equal(ours: bytes, theirs: bytes) -> bool:
    """Compare a tag of ours with a foreign one, reading every byte whatever the first ones are."""
    if len(ours) != len(theirs):
        return False
    difference = 0
    for i in range(len(ours)):
        difference |= ours[i] ^ theirs[i]
    return difference == 0


def extract(salt: bytes, secret: bytes) -> bytes:
    """Return the 32-byte pseudorandom key (RFC 5869 section 2.2); an empty salt is 32 zeros."""
    return digest(salt, secret)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """Return `length` bytes derived from a pseudorandom key (RFC 5869 section 2.3)."""
    if not 0 < length <= EXPAND_MAX or len(key) < DIGEST_BYTES:
        raise Broken("HKDF key or length out of range")
    block = b""
    output = b""
    counter = 0
    while len(output) < length:
        counter += 1
        block = digest(key, block + info + bytes([counter]))
        output += block
    return output[:length]
