# SPDX-License-Identifier: Apache-2.0
"""What a new device is certified for: whose it is, its names, its limits (PROTOCOL.md §3).

The defaults suit a pilot's first day: a card for daily shopping, a stand for a small shop. Amounts
are minor units. It knows no key and no device.
"""

from __future__ import annotations

from dataclasses import dataclass

from duotap.certificate import CLASS_NONE, Certificate
from duotap.denylist import EPOCH_BYTES
from duotap.fields import ROLE_PERSON, ROLE_STAND, Limits, NoButton

EPOCHS = 366  # life of a certificate, in days
RANDOM_BYTES = 4  # of a serial

# Balance; one payment, their number and sum between deposits; from a payer whose older flash
# images cannot be told: one payment, and their sum between deposits.
PERSON_LIMITS = Limits(100_000, 50_000, 100, 200_000, 50_000, 200_000)
STAND_LIMITS = Limits(500_000, 50_000, 100, 200_000, 50_000, 5_000_000)
LOAD_CAP = {ROLE_PERSON: 100_000, ROLE_STAND: 500_000}
NO_BUTTON = NoButton(0, 0, 0)  # off


@dataclass(frozen=True)
class Profile:
    """`holder` is a merchant's number for a stand. Names are a stand's: at most 48 bytes Chinese,
    32 bytes English."""

    role: int
    holder: int
    name_zh: str | None = None
    name_en: str | None = None
    limits: Limits = PERSON_LIMITS
    nobutton: NoButton = NO_BUTTON
    load_cap: int = LOAD_CAP[ROLE_PERSON]
    respend: bool = True
    epochs: int = EPOCHS

    @classmethod
    def person(cls, holder: int) -> Profile:
        """A card."""
        return cls(ROLE_PERSON, holder)

    @classmethod
    def stand(cls, merchant: int, name_en: str, name_zh: str | None = None) -> Profile:
        """A stand on a merchant's counter; what it is paid goes to the merchant's account."""
        return cls(
            *(ROLE_STAND, merchant, name_zh, name_en, STAND_LIMITS, NO_BUTTON),
            *(LOAD_CAP[ROLE_STAND], False),
        )

    def certificate(
        self, random: bytes, public: bytes, firmware: bytes, epoch: int
    ) -> Certificate:
        """The fields of a certificate for this key and firmware. Its serial says when it was
        issued, and ends in RANDOM_BYTES that nobody foresees."""
        serial = epoch.to_bytes(EPOCH_BYTES, "big") + random
        return Certificate(
            *(serial, public, self.role, CLASS_NONE, self.holder, self.name_zh, self.name_en),
            *((), self.limits, self.nobutton, self.load_cap, self.respend),
            *(epoch + self.epochs, firmware, None),
        )

    def fits(self, found: Certificate) -> bool:
        """Whether a certificate that is there already is for the same role and owner."""
        return (found.role, found.holder) == (self.role, self.holder)


def describe(role: int, holder: int) -> str:
    """Role and owner in words."""
    if role == ROLE_STAND:
        return f"a stand of merchant {holder}"
    return f"a card of holder {holder}"
