# SPDX-License-Identifier: Apache-2.0
"""What a board runs: read the board, build its parts, hand them to the card or the stand, run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import board
from port.parts import STAND
from port.unit import Unit

if TYPE_CHECKING:
    from card.app import Card
    from stand.app import Stand


def product(unit: Unit) -> Card | Stand:
    """Only the code of the one product is loaded: memory is short."""
    if unit.parts.kind == STAND:
        from stand.app import Stand

        return Stand(unit)
    from card.app import Card

    return Card(unit)


def main() -> None:
    parts = board.build()
    asyncio.run(product(Unit(parts)).run())


if __name__ == "__main__":
    main()
