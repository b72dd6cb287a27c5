# SPDX-License-Identifier: Apache-2.0
"""The role of payer with the radio's applet: imported late (port.late) while a device listens or
talks to a cable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.applet import Applet
from duotap.payer import Payer

if TYPE_CHECKING:
    from typing import Any

    from duotap.device import Device


def applet(device: Device, events: list[Any]) -> Applet:
    """What answers a payee; it tells the screen by `events`."""
    return Applet(Payer(device), events)
