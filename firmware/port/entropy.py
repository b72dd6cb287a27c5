# SPDX-License-Identifier: Apache-2.0
"""Random bytes: a hardware generator, health-tested, mixed with what the host gave.

Each purpose has a stream of its own: fresh bytes of the generator, the purpose and a counter go
through HMAC-SHA256 under a key made of the generator and the host's bytes. Nothing is kept over a
reset, so a restored image repeats nothing. Knows no generator and no use of what it gives. Health
tests: NIST SP 800-90B §4.4.1 (repetition count), §4.4.2 (adaptive proportion), §4.3 (start-up).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import hmac
from duotap.errors import Broken

if TYPE_CHECKING:
    from typing import Callable

# Samples are bytes, of which half the bits are claimed to be unpredictable (H = 4): generators of
# both chips are conditioned and better. A false alarm has probability 2**-20 at exactly that H.
REPETITION_CUTOFF = 6  # 1 + 20 / H
WINDOW = 512
PROPORTION_CUTOFF = 62  # 1 + critbinom(512, 2**-4, 1 - 2**-20)
STARTUP_SAMPLES = 1024
STARTUP_CHUNK = 128

FRESH_BYTES = 32


class Entropy:
    """`raw(purpose, nbytes)` is the generator; one that is not seeded ignores the purpose."""

    def __init__(self, raw: Callable[[str, int], bytes]) -> None:
        self._raw = raw
        self._health = Health()
        self._key = b""
        self._counts: dict[str, int] = {}

    def start(self) -> None:
        """Test the generator before its first use. Raises Broken when it fails."""
        for _ in range(0, STARTUP_SAMPLES, STARTUP_CHUNK):
            self._health.take(self._raw("health", STARTUP_CHUNK))
        self._key = self._fresh("key")

    def mix(self, host: bytes) -> None:
        """Let bytes of the host count for all that is read from now on, whatever they are."""
        if not self._key:
            self.start()
        self._key = hmac.digest(self._key, b"host" + host)

    def read(self, purpose: str, nbytes: int) -> bytes:
        """The next bytes of this purpose's stream. Raises Broken when the generator fails."""
        if not self._key:
            self.start()
        stream = b""
        while len(stream) < nbytes:
            count = self._counts[purpose] = self._counts.get(purpose, 0) + 1
            label = purpose.encode() + b"\x00" + count.to_bytes(4, "big")
            stream += hmac.digest(self._key, label + self._fresh(purpose))
        return stream[:nbytes]

    def _fresh(self, purpose: str) -> bytes:
        fresh = self._raw(purpose, FRESH_BYTES)
        self._health.take(fresh)
        return fresh


class Health:
    """The two continuous tests; once they have failed they stay failed."""

    def __init__(self) -> None:
        self._last = -1
        self._run = 0
        self._first = -1
        self._left = 0
        self._same = 0
        self._failed = False

    def take(self, samples: bytes) -> None:
        """Look at samples that are about to be used. Raises Broken when they may not be."""
        for sample in samples:
            self._repetition(sample)
            self._proportion(sample)
        if self._failed or not samples:
            self._failed = True
            raise Broken("the hardware generator failed its health test")

    def _repetition(self, sample: int) -> None:
        self._run = self._run + 1 if sample == self._last else 1
        self._last = sample
        if self._run >= REPETITION_CUTOFF:
            self._failed = True

    def _proportion(self, sample: int) -> None:
        if not self._left:
            self._first, self._left, self._same = sample, WINDOW, 0
        self._left -= 1
        if sample == self._first:
            self._same += 1
            if self._same >= PROPORTION_CUTOFF:
                self._failed = True
