# SPDX-License-Identifier: Apache-2.0
"""A device in either form, in real or in virtual time, to play one story on both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from duotap_host.flash import image
from duotap_host.virtual import timeline
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.local import LocalDevice
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.unix import UnixDevice
from upy import bench_firmware

LOCAL, UNIX = "local", "unix"
FORMS = (LOCAL, UNIX)
BENCH_HEAP = "180k"
STORY_S = 120  # of the form's own time; ends a story in which nothing more happens
BENCH_MAIN = b"""import asyncio, bench_firmware, board
asyncio.run(bench_firmware.run(board.build()))
"""

UNUSED = ("card/", "stand/", "duotap/p256_table", "port/thumb")  # by the bench

Story = Callable[[VirtualDevice], Coroutine[Any, Any, None]]


def bench_image() -> image.Firmware:
    """The modules as they stand, with the bench as the product."""
    source = Path(bench_firmware.__file__)
    bench = image.compile_file(source, source.name, "x64")
    files = {"main.py": BENCH_MAIN, "boot.py": b"", "bench_firmware.mpy": bench}
    files |= {at: raw for at, raw in image.modules().files if not at.startswith(UNUSED)}
    return image.Firmware(tuple(sorted(files.items())))


def play(story: Story, form: str, *, bench: bool = False, **settings: Any) -> None:
    """Boot a device, play the story, let go of it whatever happened."""

    async def main() -> None:
        board = VirtualBoard(Timeline(asyncio.get_running_loop()), **settings)
        device: VirtualDevice
        if form == UNIX:
            device = (
                UnixDevice(board, bench_image(), heap=BENCH_HEAP) if bench else UnixDevice(board)
            )
        else:
            device = LocalDevice(board, bench_firmware.run if bench else None)
        try:
            async with asyncio.timeout(STORY_S):
                await device.boot()
                await story(device)
        finally:
            await device.close()

    (asyncio if form == UNIX else timeline).run(main())
