# SPDX-License-Identifier: Apache-2.0
"""Looks at the heap of a chip while its firmware runs (heap_main.py says how)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from duotap_host.flash import image

from chip.pico import PicoDevice

MAIN = Path(__file__).with_name("heap_main.py")
SAID = re.compile(rb"told at (\d+) heap (\d+)")
LOOK_S = 0.01


def watched(firmware: image.Firmware) -> image.Firmware:
    """The same firmware started by heap_main.py."""
    return firmware.replaced("main.py", MAIN.read_bytes())


async def free(device: PicoDevice) -> tuple[int, int]:
    """Bytes that are free, and of the largest piece, once the firmware comes to tell them."""
    at, _ = _said(device)
    asked = device.chip.memory(at, 1)[0] + 1 & 0xFF
    device.chip.order("poke", at, bytes((asked,)).hex())
    while (told := device.chip.memory(at, 12))[1] != asked:
        await asyncio.sleep(LOOK_S)
    return int.from_bytes(told[4:8], "little"), int.from_bytes(told[8:12], "little")


def size(device: PicoDevice) -> int:
    """Bytes that this interpreter has for its heap."""
    return _said(device)[1]


def _said(device: PicoDevice) -> tuple[int, int]:
    said = SAID.search(bytes(device.usb.heard))
    assert said is not None, bytes(device.usb.heard)
    return int(said[1]), int(said[2])
