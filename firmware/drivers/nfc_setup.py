# SPDX-License-Identifier: Apache-2.0
"""Setting a radio up (drivers.nfc.Radio), so that it can listen and poll. Imported late
(port.late).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Fault

from drivers.nfc import ANSWERS, SILENT

if TYPE_CHECKING:
    from drivers.nfc import Radio

RECOVER_MS = 250  # between two attempts to set the chip up


async def set_up(radio: Radio) -> None:
    """Bring the chip to where it can listen and poll, or pause until the next attempt."""
    if radio.pn532 is None:
        radio.pn532 = radio.owner.chip()
    try:
        await radio.pn532.setup()
        radio.ready = True
        radio.found = ANSWERS
    except Fault:
        radio.found = SILENT
        await radio.clock.sleep_ms(RECOVER_MS)
