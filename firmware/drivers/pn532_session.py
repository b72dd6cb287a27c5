# SPDX-License-Identifier: Apache-2.0
"""The end of an activation that leads, for the layers above: APDUs and nothing else.

A `Poller` exists while a target is selected. It reads no APDU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Fault

from drivers.pn532_status import NOT_SELECTED, Released

if TYPE_CHECKING:
    from drivers.pn532 import Pn532, Target


class Poller:
    """One selected ISO 14443-4 target, from `list_passive` until `close` or the first Fault."""

    def __init__(self, pn532: Pn532, target: Target) -> None:
        self.pn532 = pn532
        self.target = target
        self._selected = True

    async def transceive(self, apdu: bytes) -> bytes:
        """Exchange an APDU; any Fault ends the selection, and what the card did is unknown."""
        if not self._selected:
            raise Released(NOT_SELECTED)
        try:
            return await self.pn532.exchange(apdu, self.target.tg)
        except Fault:
            self._selected = False
            raise

    async def close(self) -> None:
        """Deselect the card and switch the field off."""
        self._selected = False
        await self.pn532.release()
