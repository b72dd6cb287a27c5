# SPDX-License-Identifier: Apache-2.0
"""The serial applet with all that it is made of: imported late (port.late) for one session.

A session begins with the first frame at the cable and ends when the line has been quiet for long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.deposit import Deposit, Gauges
from duotap.rights import Rights
from duotap.sync import SyncApplet

from port.keyfile import KeyFile

if TYPE_CHECKING:
    from typing import Any

    from port.unit import Unit

PIN_FILE = "shift.pin"


def serial_applet(unit: Unit) -> SyncApplet:
    """What answers the cable of a device."""
    parts, device = unit.parts, unit.device
    pin = parts.files.read(PIN_FILE) if parts.files.has(PIN_FILE) else b""
    gauges = Gauges(parts.battery.percent, lambda: 0)
    return SyncApplet(
        device,
        Roles(unit),
        Rights(device, parts.entropy, pin, unit.standing),
        Deposit(device, parts.entropy, parts.cipher, gauges),
    )


class Roles:
    """What few sessions ask for: payer, payee and factory, imported when they are."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def radio(self) -> Any:
        """The radio's applet, which has the payer."""
        return self._unit.applet()

    def payee(self) -> Any:
        """What takes payments."""
        from port.receiving import payee

        return payee(self._unit.device)

    def factory(self) -> Any:
        """What makes a device somebody's."""
        from duotap.factory import Factory

        parts = self._unit.parts
        return Factory(self._unit.device, parts.entropy, KeyFile(parts.files), parts.signer)
