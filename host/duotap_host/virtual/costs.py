# SPDX-License-Identifier: Apache-2.0
"""What computing costs on each board, in microseconds, and a signer that charges it to a clock.

The tables say which measurement or estimate each figure is; a printed time names its table. Flash
times are the chip's own (virtual/nor.py). Knows no protocol and measures nothing.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from duotap_host.virtual.clock import VirtualClock

COMPUTING = "computing"


class Costs(NamedTuple):
    """One board with one kind of signatures."""

    name: str
    sign_us: int
    verify_us: int
    verify_known_us: int  # a key whose table is prepared (Signer.know)


# At 125 MHz. Portable: what the signatures may take at most; with duotap.p256_wide, and 16 KiB for
# a known key, which load first where a heap takes them, they take up to 4 % less. Thumb: as seen
# with the stock interpreter 1.26.1 on an emulated RP2040 (rp2040js). `make bench-crypto` counts
# what both are made of.
RP2040_PORTABLE = Costs("RP2040, portable signatures", 130_000, 675_000, 200_000)
RP2040_THUMB = Costs("RP2040, Thumb signatures", 24_500, 82_200, 28_100)
FREE = Costs("computing not counted", 0, 0, 0)


class Signer(Protocol):
    """What a board's signer offers (firmware/port/signer.py)."""

    class_name: str
    sign_ms: int
    verify_ms: int

    def public_key(self) -> bytes: ...
    def sign(self, digest: bytes) -> bytes: ...
    def verify(self, public: bytes, digest: bytes, signature: bytes) -> None: ...
    def know(self, public: bytes) -> None: ...
    def tick(self, record_hash: bytes) -> None: ...


class ChargingSigner:
    """`signer`, with the time that each call would take on the board of `costs`.

    A key is charged as known once `know` was called for it: the board prepares its table in idle,
    which is charged as one verification.
    """

    def __init__(self, signer: Signer, clock: VirtualClock, costs: Costs) -> None:
        self._signer = signer
        self._clock = clock
        self._costs = costs
        self._known: set[bytes] = set()
        self.class_name = signer.class_name
        # What a peer is told to expect is what this board takes.
        self.sign_ms = -(-costs.sign_us // 1000) or signer.sign_ms
        self.verify_ms = -(-costs.verify_us // 1000) or signer.verify_ms

    def public_key(self) -> bytes:
        return self._signer.public_key()

    def sign(self, digest: bytes) -> bytes:
        self._clock.charge(self._costs.sign_us, COMPUTING)
        return self._signer.sign(digest)

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> None:
        known = public in self._known
        us = self._costs.verify_known_us if known else self._costs.verify_us
        self._clock.charge(us, COMPUTING)
        self._signer.verify(public, digest, signature)

    def know(self, public: bytes) -> None:
        if public not in self._known:
            self._known.add(public)
            self._clock.charge(self._costs.verify_us, COMPUTING)
        self._signer.know(public)

    def tick(self, record_hash: bytes) -> None:
        self._signer.tick(record_hash)
