# SPDX-License-Identifier: Apache-2.0
"""What can befall a block in the air, planned by predicates on the blocks that pass.

A rule looks at a `Passage` before it happens and may name a fate: the block is lost, arrives
garbled, or the devices part while it is on the air. Knows no chip.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Passage:
    """One frame on the air. `ins` is the instruction of the C-APDU that it belongs to."""

    index: int
    t_us: int
    session: int
    poller: str
    listener: str
    downlink: bool  # from the poller to the listener
    kind: str
    frame: bytes
    ins: int | None = None
    fate: str = "passed"


@dataclass(frozen=True, slots=True)
class Lose:
    """Nobody hears it."""


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Bits flip: the receiver sees a frame whose CRC is wrong."""


@dataclass(frozen=True, slots=True)
class Tear:
    """The listener leaves the field when `at_byte` bytes have passed (None: all, and heard).

    The two bytes of the CRC count. It comes back `back_us` later; None leaves that to whoever
    planned it.
    """

    at_byte: int | None = None
    back_us: int | None = None


Fate = Lose | Corrupt | Tear
Rule = Callable[[Passage], "Fate | None"]


class Mishap:
    """`fate` befalls the `nth` passage that matches, and the `times` - 1 after it."""

    def __init__(
        self,
        fate: Fate,
        *,
        kind: str | None = None,
        ins: int | None = None,
        downlink: bool | None = None,
        session: int | None = None,
        nth: int = 1,
        times: int = 1,
    ) -> None:
        self.fate = fate
        self.seen = 0
        self._wanted = (kind, ins, downlink, session)
        self._from, self._until = nth, nth + times

    @property
    def happened(self) -> bool:
        """Whether it has happened at all: a plan that never does proves nothing."""
        return self.seen >= self._from

    def __call__(self, passage: Passage) -> Fate | None:
        found = (passage.kind, passage.ins, passage.downlink, passage.session)
        pairs = zip(self._wanted, found, strict=True)
        if any(want is not None and want != got for want, got in pairs):
            return None
        self.seen += 1
        return self.fate if self._from <= self.seen < self._until else None


class Noise:
    """Loses and garbles passages at random, from a seed."""

    def __init__(self, seed: int, *, lose: float = 0.0, corrupt: float = 0.0) -> None:
        self._random = random.Random(seed)
        self._lose, self._corrupt = lose, corrupt

    def __call__(self, passage: Passage) -> Fate | None:
        dice = self._random.random()
        if dice < self._lose:
            return Lose()
        return Corrupt() if dice < self._lose + self._corrupt else None
