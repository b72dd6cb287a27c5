# SPDX-License-Identifier: Apache-2.0
"""Read the board, build the parts, hand them to card or stand, run."""

import asyncio

from drivers.nfc import Radio
from drivers.pn532 import Pn532
from drivers.pn532_hsu import Hsu
from port.unit import Unit


def assemble(parts):
    """The product that these parts make, not running yet."""
    unit = Unit(parts)
    pn532 = Pn532(Hsu(parts.uart, parts.clock), parts.clock, unit.nfcid1t)
    unit.radio = Radio(pn532, parts.clock, unit.applet, unit.idle)
    if parts.kind == "stand":
        from stand.app import Stand

        return Stand(unit)
    from card.app import Card

    return Card(unit)


def main():
    """For ever, or until an error ends it; the watchdog then resets the board."""
    import board

    asyncio.run(assemble(board.build()).run())


if __name__ == "__main__":
    main()
