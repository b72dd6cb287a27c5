# SPDX-License-Identifier: Apache-2.0
"""The command `duotap`, with firmware compiled for the processor of this PC in the place of the
board's: what it writes is booted here."""

from __future__ import annotations

from duotap_host.flash import image
from duotap_host.virtual.unix import ARCH

whole = image.firmware


def for_pc(_arch: str, board: str) -> image.Firmware:
    return whole(ARCH, board)


if __name__ == "__main__":
    from duotap_host.cli.main import main

    image.firmware = for_pc  # type: ignore[assignment]  # one that keeps nothing itself
    main()
