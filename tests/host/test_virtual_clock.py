# SPDX-License-Identifier: Apache-2.0
"""The virtual board's clock looks when a board would look, and pays what it owes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from duotap.errors import Timeout
from duotap_host.virtual import timeline
from duotap_host.virtual.clock import TICKS_PERIOD, VirtualClock
from duotap_host.virtual.timeline import Timeline

T = TypeVar("T")


def on_board(story: Callable[[VirtualClock], Coroutine[Any, Any, T]], start_us: int = 0) -> T:
    async def main() -> T:
        return await story(VirtualClock(Timeline(asyncio.get_running_loop()), start_us))

    return timeline.run(main())


@pytest.mark.parametrize(
    ("event_us", "step_ms", "seen_us"),
    [(1, 2, 2000), (1999, 2, 2000), (2001, 2, 4000), (2001, 1, 3000), (7500, 5, 10_000)],
)
def test_a_poll_sees_an_event_at_its_next_grid_point(
    event_us: int, step_ms: int, seen_us: int
) -> None:
    async def story(clock: VirtualClock) -> int:
        happened: list[int] = []

        def happen() -> None:
            happened.append(1)
            clock.kick()

        clock.timeline.at(event_us, happen)
        await clock.poll(lambda: happened, 100, step_ms)
        return clock.timeline.now_us()

    assert on_board(story) == seen_us


def test_the_grid_begins_where_the_poll_began() -> None:
    async def story(clock: VirtualClock) -> int:
        await clock.sleep_ms(7)
        clock.timeline.at(8_100, clock.kick)
        await clock.poll(lambda: clock.timeline.now_us() > 8_000, None, 2)
        return clock.timeline.now_us()

    assert on_board(story) == 9_000


def test_a_poll_that_is_ready_does_not_wait() -> None:
    async def story(clock: VirtualClock) -> int:
        await clock.poll(lambda: True, 0)
        return clock.timeline.now_us()

    assert on_board(story) == 0


def test_a_poll_times_out_on_the_grid_after_a_last_look() -> None:
    async def story(clock: VirtualClock) -> list[int]:
        looks: list[int] = []
        with pytest.raises(Timeout):
            await clock.poll(lambda: looks.append(clock.timeline.now_us()), 15, 2)
        return looks

    assert on_board(story) == [0, 16_000]


def test_kicks_that_change_nothing_cost_a_look_and_no_more() -> None:
    async def story(clock: VirtualClock) -> int:
        looks: list[int] = []
        for at in range(1, 4000, 10):
            clock.timeline.at(at, clock.kick)
        with pytest.raises(Timeout):
            await clock.poll(lambda: looks.append(0), 1000, 2)
        return len(looks)

    assert on_board(story) <= 5


def test_charged_time_passes_before_the_device_goes_on() -> None:
    async def story(clock: VirtualClock) -> tuple[list[int], int]:
        times = [clock.ticks_us()]
        clock.charge(130_000, "computing")
        clock.charge(800, "flash")
        times.append(clock.ticks_us())
        times.append(clock.timeline.now_us())
        await clock.sleep_ms(0)
        times.append(clock.timeline.now_us())
        await clock.sleep_ms(5)
        times.append(clock.ticks_us())
        return times, clock.spent("computing") + clock.spent("flash") + clock.spent("radio")

    assert on_board(story) == ([0, 130_800, 0, 130_800, 135_800], 130_800)


def test_one_task_s_computing_holds_up_the_others() -> None:
    async def story(clock: VirtualClock) -> int:
        async def blink() -> int:
            await clock.sleep_ms(10)
            return clock.timeline.now_us()

        task = asyncio.create_task(blink())
        await clock.sleep_ms(9)
        clock.charge(100_000, "computing")
        return await task

    assert on_board(story) == 109_000


def test_power_gone_and_back_owes_nothing() -> None:
    async def story(clock: VirtualClock) -> int:
        clock.charge(500_000, "computing")
        await asyncio.sleep(0.001)
        clock.power_on()
        await clock.sleep_ms(1)
        return clock.timeline.now_us()

    assert on_board(story) == 2_000


def test_ticks_wrap_and_their_difference_does_not() -> None:
    async def story(clock: VirtualClock) -> tuple[int, int, int, int]:
        before = clock.ticks_us()
        await clock.sleep_ms(2)
        after = clock.ticks_us()
        return before, after, clock.diff(after, before), clock.diff(before, after)

    before = TICKS_PERIOD - 500
    assert on_board(story, before) == (before, 1500, 2000, -2000)
