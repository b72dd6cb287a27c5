# SPDX-License-Identifier: Apache-2.0
"""A device whose radio, cable or buttons have died ends: it is reset, not deaf for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from duotap_host.virtual import timeline
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.local import LocalDevice
from duotap_host.virtual.timeline import Timeline
from main import assemble


@pytest.mark.parametrize("kind", ["card", "stand"])
@pytest.mark.parametrize("task", [0, 1, 2])
def test_the_firmware_ends_with_any_of_its_tasks(kind: str, task: int) -> None:
    async def run(parts: Any) -> None:
        product = assemble(parts)
        running = asyncio.create_task(product.run())
        await parts.clock.sleep_ms(500)
        assert len(product.unit._tasks) == 3
        product.unit._tasks[task] = asyncio.create_task(asyncio.sleep(0))
        await running

    async def main() -> str:
        board = VirtualBoard(Timeline(asyncio.get_running_loop()), kind=kind)
        device = LocalDevice(board, run, digest=bytes(32))
        await device.boot()
        async with asyncio.timeout(5):
            await device.ended.wait()
        await device.close()
        return device.crash_text

    assert "Broken: a task of the firmware has ended" in timeline.run(main())
