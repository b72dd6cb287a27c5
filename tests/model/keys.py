# SPDX-License-Identifier: Apache-2.0
"""Keys of the model: named keys whose signatures are keyed hashes.

A named key's signature can be made into another good one by anybody (`twisted`), as any ECDSA
signature can whose S is not held low: nothing may hang on which of them a device has seen.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from duotap import status
from duotap.certificate import CLASS_BOUND, CLASS_COUNT
from duotap.errors import Refusal
from guards import Fuses, Mark


class NamedKey:
    """A key that is its name."""

    def __init__(self, name: str) -> None:
        self.public = b"\x04" + _hash(b"x", name.encode()) + _hash(b"y", name.encode())
        self.kid = sha256(self.public).digest()[:16]
        self.class_name = "none"
        self.sign_ms = self.verify_ms = 1

    def sign(self, digest: bytes) -> bytes:
        return _hash(b"r", self.public, digest) + _s_of(self.public, digest) + b"\x00"

    def public_key(self) -> bytes:
        return self.public

    def know(self, public: bytes) -> None:
        """Nothing to prepare."""

    @staticmethod
    def verify(public: bytes, digest: bytes, signature: bytes) -> None:
        right = _hash(b"r", public, digest) + _s_of(public, digest)
        if signature[:63] != right or signature[63] > 1:
            raise Refusal(status.SIGNATURE, "not signed by this key")


def twisted(raw: bytes) -> bytes:
    """The same message with the other good signature of a named key, which ends a message."""
    return raw[:-1] + bytes([raw[-1] ^ 1])


def _s_of(public: bytes, digest: bytes) -> bytes:
    """31 bytes that begin with zero, so that S is low."""
    return bytes(1) + _hash(b"s", public, digest)[:30]


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


class Hedge:
    """Entropy that is the same in each run and never the same twice."""

    def __init__(self, name: str) -> None:
        self._seed = name.encode()
        self._count = 0

    def read(self, purpose: str, nbytes: int) -> bytes:
        self._count += 1
        return _hash(self._seed, purpose.encode(), str(self._count).encode())[:nbytes]


Key = Any  # NamedKey or of its shape: public, kid, sign, and the rest of a signer


class Guarded:
    """A key whose signer has a guard (`duotap.guard`): the plain ones of tests/both/guards.py."""

    def __init__(self, key: Key, guard: Any) -> None:
        self.guard = guard
        self.class_name = guard.class_name
        self.public_key, self.sign, self.verify = key.public_key, key.sign, key.verify
        self.know, self.sign_ms, self.verify_ms = key.know, key.sign_ms, key.verify_ms
        self.accepts, self.announce, self.tick = guard.accepts, guard.announce, guard.tick
        self.ticks_left = guard.ticks_left


def guard_of(rollback_class: int, at: Any) -> Any:
    """The guard of a class, at what it was before (None: new); None for class none."""
    if rollback_class == CLASS_COUNT:
        fuses = Fuses()
        fuses.burnt = at or 0
        return fuses
    if rollback_class == CLASS_BOUND:
        mark = Mark()
        mark.hash = at or mark.hash
        return mark
    return None


def guard_at(guard: Any) -> Any:
    """What a guard outlives boots and restored flash with."""
    if guard is None:
        return None
    return guard.burnt if isinstance(guard, Fuses) else guard.hash
