# SPDX-License-Identifier: Apache-2.0
"""PowerDown until a field appears, for a wearable that is alone: imported late.

The chip takes some ten microamperes then and wakes its host by IRQ. What it remembers of its
parameters is not relied on: set it up again. UM0701-02 §7.2.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Broken

from drivers.pn532_status import check

if TYPE_CHECKING:
    from drivers.pn532 import Pn532

POWER_DOWN = 0x16
WAKE_BY_RF = 0x08  # the RF level detector
GENERATE_IRQ = 0x01
LOOK_MS = 5  # a field that is there for a look of 20 ms is seen


async def doze(pn532: Pn532, timeout_ms: int) -> None:
    """Return when a field has woken the chip; Timeout when none has in that time."""
    link = pn532.link
    irq = link.bus.irq
    if irq is None:
        raise Broken("nothing would tell of a wake")
    wakers = link.bus.wake_bit | WAKE_BY_RF
    body = await link.command(bytes((POWER_DOWN, wakers, GENERATE_IRQ)))
    check(body[0] if len(body) else 0)
    link.sleeps()
    await link.clock.poll(lambda: not irq.value(), timeout_ms, LOOK_MS)
