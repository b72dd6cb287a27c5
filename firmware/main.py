# SPDX-License-Identifier: Apache-2.0
"""Read the board, build the parts, hand them to card or stand, run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from drivers.nfc import Radio
from port import late
from port.unit import Unit

if TYPE_CHECKING:
    from typing import Any


def assemble(parts: Any) -> Any:
    """The product that these parts make, not running yet."""
    unit = Unit(parts)
    unit.radio = Radio(unit, parts.clock)
    if parts.kind == "stand":
        from stand.app import Stand

        return Stand(unit)
    from card.app import Card

    return Card(unit)


def main() -> None:
    """For ever, or until an error ends it; the watchdog then resets the board."""
    asyncio.run(assemble(_parts()).run())


def _parts() -> Any:
    """What this board is made of; nobody asks a second time."""
    from board import build

    parts = build()
    late.spend("board", build)
    return parts


if __name__ == "__main__":
    main()
