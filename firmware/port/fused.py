# SPDX-License-Identifier: Apache-2.0
"""The signer of a board with fuses to spend, rollback class count: one bit is burnt before each
ticking record (PROTOCOL.md §8.3).

`fuses` has `total` bits, tells how many are `burnt()`, and can `burn()` the next one; bits burn in
order. A bit whose burning was cut may read either way from then on: read as burnt, the image is
one behind and quarantined; read as whole, it is burnt again. Knows no chip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken

from port.signer import SoftwareSigner

if TYPE_CHECKING:
    from typing import Any


class FusedSigner(SoftwareSigner):
    """Signs with the secret integer of the key file."""

    class_name = "count"

    def __init__(
        self, secret: int, entropy: Any, sign_ms: int, verify_ms: int, fuses: Any
    ) -> None:
        super().__init__(secret, entropy, sign_ms, verify_ms)
        self._fuses = fuses

    def accepts(self, ticks: int, ticked: tuple[bytes, bytes], pending: bool) -> bool:
        """Whether the image holds as many ticking records as bits are burnt. One more would be
        another's: two images can have the same number, so that no tick is ever made up for."""
        return bool(ticks == self._fuses.burnt())

    def announce(self) -> None:
        """Burn a bit. Raises Broken if none takes."""
        before = self._fuses.burnt()
        self._fuses.burn()
        if self._fuses.burnt() != before + 1:
            raise Broken("a fuse does not burn")

    def tick(self, record_hash: bytes) -> None:
        """The bit was burnt before the record was written."""

    def ticks_left(self) -> int:
        """Bits that are not burnt yet."""
        return int(self._fuses.total - self._fuses.burnt())
