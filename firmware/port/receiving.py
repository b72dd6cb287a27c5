# SPDX-License-Identifier: Apache-2.0
"""The role of payee and the taps that it leads: imported late (port.late) while a device polls, or
when a cable brings a payment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.payee import Payee
from duotap.tap import Tap

if TYPE_CHECKING:
    from duotap.device import Device


def payee(device: Device) -> Payee:
    """What decides payments."""
    return Payee(device)


def tap(device: Device) -> Tap:
    """What leads the touches for one amount."""
    return Tap(Payee(device))


def refund(device: Device) -> Tap:
    """What leads the touches for one amount that is given back."""
    from duotap.refunding import Refunding  # late: seldom wanted

    return Refunding(Payee(device))
