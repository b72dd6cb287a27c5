# SPDX-License-Identifier: Apache-2.0
"""The board's clock on a real MicroPython: its grid, its time-outs, its wrapping ticks."""

from __future__ import annotations

from upy.interpreter import FIRMWARE, run

STORY = f"""
import sys
sys.path[:] = [{str(FIRMWARE)!r}, {str(FIRMWARE / "shims")!r}, ".frozen"]
import asyncio
from duotap.errors import Timeout
from port.clock import BoardClock

clock = BoardClock()
looks = []

async def main():
    began = clock.ticks_us()
    await clock.poll(lambda: len(looks) > 4 or looks.append(clock.ticks_ms()), None, 3)
    assert len(looks) == 5
    assert all(clock.diff(b, a) >= 3 for a, b in zip(looks, looks[1:])), looks
    await clock.poll(lambda: True, 0)
    looks.clear()
    try:
        await clock.poll(lambda: looks.append(1), 10)
    except Timeout:
        print("timed out")
    assert 2 <= len(looks) <= 6, looks
    await clock.sleep_ms(5)
    assert clock.diff(clock.ticks_us(), began) >= 30000
    assert clock.diff(1, 3) == -2
    task = asyncio.create_task(clock.poll(lambda: False, None))
    await clock.sleep_ms(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")

asyncio.run(main())
"""


def test_polls_keep_their_grid_and_end_as_promised() -> None:
    done = run("-c", STORY)
    assert done.stdout.split("\n") == ["timed out", "cancelled", ""], done.stdout
