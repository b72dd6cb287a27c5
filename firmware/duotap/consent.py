# SPDX-License-Identifier: Apache-2.0
"""What the holder has agreed to by pressing (PROTOCOL.md §5, right A).

One press arms the card and sets a ceiling; each further press raises it. An offer above the
ceiling is shown once with its certified name; a press then confirms that one offer, and only what
was on the screen: an offer that came later, or that nobody has seen yet, is not meant. Arming ends
with the payment or when the card's clock says so; this module knows neither clock nor buttons.
"""

from __future__ import annotations

ARMED_MS = 30_000  # long enough to reach for the reader, short for a stranger in a queue
CEILING_DEFAULT = 10_000  # minor units of one press without a policy: 100.00
STEP_DEFAULT = 10_000


class Consent:
    """Armed or not, up to what amount, and which single offer beyond it."""

    def __init__(self) -> None:
        self.armed = False
        self.ceiling = 0
        self.asked: tuple[bytes, int, bytes] | None = None  # offer hash, amount, payee id
        self.seen = b""  # hash of the offer that the screen shows
        self.confirmed = b""  # hash of the offer that a press confirmed

    def arm(self, ceiling: int, step: int) -> None:
        """One press of "pay": confirm what is shown, else arm, else raise the ceiling. While what
        is asked is not shown yet, a press means nothing."""
        if self.asked is not None:
            if self.asked[0] == self.seen:
                self.confirmed = self.asked[0]
                self.asked = None
        elif self.armed:
            self.ceiling += step
        else:
            self.armed = True
            self.ceiling = ceiling

    def disarm(self) -> None:
        """Time is up, or the payment is made: nothing is agreed to any more."""
        self.armed = False
        self.ceiling = 0
        self.asked = None
        self.seen = b""
        self.confirmed = b""

    def allows(self, offer_hash: bytes, amount: int) -> bool:
        """Whether a payment of this offer needs no further press."""
        return self.armed and (amount <= self.ceiling or offer_hash == self.confirmed)

    def ask(self, offer_hash: bytes, amount: int, payee: bytes) -> None:
        """Remember the one offer that the next press confirms. What the screen shows stays: no
        other takes its place under the holder's finger."""
        if self.asked is None or self.asked[0] != self.seen:
            self.asked = (offer_hash, amount, payee)

    def show(self, offer_hash: bytes) -> None:
        """The screen names this offer's amount and payee now."""
        self.seen = offer_hash
