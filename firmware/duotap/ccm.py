# SPDX-License-Identifier: Apache-2.0
"""AES-CCM with a nonce of 13 bytes and a tag of 16 (RFC 3610, NIST SP 800-38C), which COSE calls
AES-CCM-16-128-128 when the key has 128 bits (RFC 9053 section 4.2).

The block cipher is handed in: `ecb(blocks)` and `cbc(iv, blocks)` encrypt whole blocks. Work goes
in pieces, so that besides the result nothing larger than a piece is allocated. It knows no keys,
and it never sees whether a nonce was used before: that is the caller's duty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import hmac
from duotap.errors import Broken, Malformed

if TYPE_CHECKING:
    from typing import Protocol

    Octets = bytes | bytearray | memoryview

    class BlockCipher(Protocol):
        """AES under one key; both methods take and return whole blocks of 16 bytes."""

        def ecb(self, blocks: bytes) -> bytes: ...

        def cbc(self, iv: bytes, blocks: bytes) -> bytes: ...


BLOCK_BYTES = 16
NONCE_BYTES = 13
TAG_BYTES = 16
# RFC 3610 section 2: L = 2 bytes hold the length of the plaintext.
LENGTH_BYTES = 2
PLAIN_MAX = 0xFFFF
# RFC 3610 section 2.2: from here on the length of additional data takes more than two bytes.
AAD_MAX = 0xFEFF
HAS_AAD = 0x40
PIECE_BYTES = 128


def seal(cipher: BlockCipher, nonce: bytes, plain: Octets, aad: bytes) -> bytearray:
    """Return the ciphertext followed by its tag."""
    _check_own(nonce, plain, aad)
    sealed = bytearray(len(plain) + TAG_BYTES)
    _counter_mode(cipher, nonce, plain, sealed)
    sealed[len(plain) :] = _tag(cipher, nonce, plain, aad)
    return sealed


def unseal(cipher: BlockCipher, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Return the plaintext of what seal returned; Malformed (and nothing else) on a wrong tag."""
    if not TAG_BYTES <= len(sealed) <= PLAIN_MAX + TAG_BYTES:
        raise Malformed("sealed data has a wrong length")
    _check_own(nonce, b"", aad)
    opened = bytearray(len(sealed) - TAG_BYTES)
    _counter_mode(cipher, nonce, memoryview(sealed)[:-TAG_BYTES], opened)
    plain = bytes(opened)
    if not hmac.equal(_tag(cipher, nonce, plain, aad), sealed[-TAG_BYTES:]):
        raise Malformed("sealed data has a wrong tag")
    return plain


def _check_own(nonce: bytes, plain: Octets, aad: bytes) -> None:
    if len(nonce) != NONCE_BYTES or len(plain) > PLAIN_MAX or len(aad) > AAD_MAX:
        raise Broken("nonce or length out of range")


def _padded(data: Octets) -> bytes:
    """Return data with zeros up to whole blocks."""
    return bytes(data) + bytes(-len(data) % BLOCK_BYTES)


def _exclusive_or(left: Octets, right: bytes) -> bytes:
    size = len(left)
    mixed = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return mixed.to_bytes(size, "big")


def _counter_block(nonce: bytes, counter: int) -> bytes:
    """Return A_i (RFC 3610 section 2.3)."""
    return bytes([LENGTH_BYTES - 1]) + nonce + counter.to_bytes(LENGTH_BYTES, "big")


def _counter_mode(cipher: BlockCipher, nonce: bytes, data: Octets, out: bytearray) -> None:
    """Write data, en- or decrypted with the key stream from A_1 on, into `out`."""
    for start in range(0, len(data), PIECE_BYTES):
        piece = data[start : start + PIECE_BYTES]
        first = start // BLOCK_BYTES + 1
        count = (len(piece) + BLOCK_BYTES - 1) // BLOCK_BYTES
        blocks = b"".join([_counter_block(nonce, first + i) for i in range(count)])
        stream = cipher.ecb(blocks)[: len(piece)]
        out[start : start + len(piece)] = _exclusive_or(piece, stream)


def _tag(cipher: BlockCipher, nonce: bytes, plain: Octets, aad: bytes) -> bytes:
    """Return the CBC-MAC of B_0, aad and plain (RFC 3610 section 2.2), hidden under A_0."""
    flags = (HAS_AAD if aad else 0) | (TAG_BYTES - 2) // 2 << 3 | LENGTH_BYTES - 1
    head = bytes([flags]) + nonce + len(plain).to_bytes(LENGTH_BYTES, "big")
    if aad:
        head += _padded(len(aad).to_bytes(2, "big") + aad)
    mac = bytes(BLOCK_BYTES)
    for data in (head, plain):
        for start in range(0, len(data), PIECE_BYTES):
            piece = _padded(data[start : start + PIECE_BYTES])
            mac = cipher.cbc(mac, piece)[-BLOCK_BYTES:]
    return _exclusive_or(mac, cipher.ecb(_counter_block(nonce, 0)))
