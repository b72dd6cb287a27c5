# SPDX-License-Identifier: Apache-2.0
"""The signer of a board without a secure element: P-256 in portable integers, rollback class none.

Interface of every signer: `public_key()`, `sign(digest)`, `verify(key, digest, signature)` (raises
Refusal), `know(key)` (a key that will be verified often), `class_name`, and the times a peer is
told to expect: `sign_ms`, `verify_ms`. The secret never leaves this object.

A signer of class "count" or "bound" is the guard of its purse too (PROTOCOL.md §8.3):
`accepts(ticks, (last, before), pending)` at boot: whether the image with so many ticking records,
of which these are the hashes of the last two, is the newest; `pending`: no record follows the last
one, so that its tick may have been cut. `announce()` before a ticking record is written and
`tick(record_hash)` after it raise Broken when they fail; `ticks_left()` says how many can be.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from duotap import p256
from duotap.errors import Broken

if TYPE_CHECKING:
    from typing import Any

KNOWN_MAX = 1  # comb tables of issuer keys; each costs heap (p256.KnownKey)


class KeylessSigner:
    """Of a board before its key is born: it verifies and cannot sign."""

    class_name = "none"

    def __init__(self, sign_ms: int, verify_ms: int) -> None:
        self._known: dict[bytes, p256.KnownKey] = {}
        self.sign_ms = sign_ms
        self.verify_ms = verify_ms

    def public_key(self) -> bytes:
        """SEC1 uncompressed, 65 bytes; b"" without a key."""
        return b""

    def sign(self, digest: bytes) -> bytes:
        """r||s, low-S."""
        raise Broken("no key yet")

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> None:
        """Raises Refusal(9A0D) unless the holder of `public` signed `digest`."""
        p256.verify(self._known.get(public, public), digest, signature)

    def know(self, public: bytes) -> None:
        """Prepare for many verifications under this key, within KNOWN_MAX."""
        if public not in self._known and len(self._known) < KNOWN_MAX:
            gc.collect()  # its table is one piece of 2 KiB
            self._known[public] = p256.KnownKey(public)


class SoftwareSigner(KeylessSigner):
    """Signs with the secret integer of the key file; hedges with the entropy stream "sign"."""

    def __init__(self, secret: int, entropy: Any, sign_ms: int, verify_ms: int) -> None:
        super().__init__(sign_ms, verify_ms)
        self._secret = secret
        self._entropy = entropy
        self._public = p256.public_key(secret)

    def public_key(self) -> bytes:
        """SEC1 uncompressed, 65 bytes."""
        return self._public

    def sign(self, digest: bytes) -> bytes:
        """r||s, low-S, hedged (RFC 6979 §3.6)."""
        return p256.sign(self._secret, digest, self._entropy.read("sign", 32))
