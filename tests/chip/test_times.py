# SPDX-License-Identifier: Apache-2.0
"""What signatures take on the chip, against what `make bench-crypto` says that was seen there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from bench.device_count import EMULATED_MS
from duotap_host.flash import image
from duotap_host.virtual import timeline
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.timeline import Timeline

from chip.coupled import CoupledLoop
from chip.figures import keep
from chip.pico import PicoDevice
from chip.setting import as_file, flashed
from chip.stage import pico_board

MAIN = Path(__file__).with_name("bench_main.py")
THUMB = "port/thumb_p256"
USED = ("lib/", "duotap/__init__", "duotap/errors", "duotap/hmac", "duotap/p256", "port/thumb")
WIDE = "duotap/p256_wide"  # no stock board has it
TOOK = re.compile(r"took (\w+ \w+) (\d+)")
# What is said was seen with a USB whose idle endpoint interrupted the chip all the time (usb in
# rp2040.mjs), which made it 4 to 10 % slower.
WITHIN = 0.12
ENDS_S = 20.0
LOOK_S = 0.1


def bench() -> image.Firmware:
    modules = image.modules(image.THUMB, "CARD_RP2040")
    source = image.linked.FIRMWARE / f"{THUMB}.py"
    files = {at: raw for at, raw in modules.files if at.startswith(USED) and WIDE not in at}
    files[f"{THUMB}.mpy"] = image.compile_file(source, f"{THUMB}.py", image.THUMB)
    files["main.py"] = MAIN.read_bytes()
    return image.Firmware(tuple(sorted(files.items())))


def said_by_the_chip() -> str:
    async def main() -> str:
        board = VirtualBoard(Timeline(asyncio.get_running_loop()), **pico_board("card"))
        with as_file(flashed(bench())) as flash:
            device = PicoDevice(board, flash)
            try:
                await device.boot()
                async with asyncio.timeout(ENDS_S):
                    while b"same" not in device.usb.heard and not device.crash_text:
                        await asyncio.sleep(LOOK_S)
            finally:
                await device.close()
        return device.usb.heard.decode()

    return timeline.run(main(), CoupledLoop())  # type: ignore[abstract]  # as in timeline.run


def test_signatures_take_what_is_said() -> None:
    said = said_by_the_chip()
    assert "same True" in said, said
    took = {name: int(us) / 1000 for name, us in TOOK.findall(said)}
    keep("times", [f"{name}: {ms:.1f} ms, {EMULATED_MS[name]} said" for name, ms in took.items()])
    assert len(took) == 6
    for name, ms in took.items():
        assert abs(ms / EMULATED_MS[name] - 1) < WITHIN, name
