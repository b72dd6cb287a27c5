# SPDX-License-Identifier: Apache-2.0
"""What gives the journal away, sealed to the ledger: imported late (port.late) for a deposit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.deposit import Deposit, Gauges

if TYPE_CHECKING:
    from port.unit import Unit


def deposit(unit: Unit) -> Deposit:
    """A deposit that is not open yet."""
    parts = unit.parts
    gauges = Gauges(parts.battery.percent, lambda: 0)
    return Deposit(unit.device, parts.entropy, parts.cipher, gauges)
