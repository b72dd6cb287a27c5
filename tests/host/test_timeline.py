# SPDX-License-Identifier: Apache-2.0
"""Virtual time jumps, keeps order, and says when nobody can wake anybody any more."""

from __future__ import annotations

import asyncio

import pytest
from duotap_host.virtual.timeline import Deadlock, Timeline, run


def test_sleeping_costs_no_time_of_ours() -> None:
    async def main() -> int:
        await asyncio.sleep(86_400 * 365)
        return Timeline(asyncio.get_running_loop()).now_us()

    assert run(main()) == 86_400 * 365 * 1_000_000


def test_events_of_one_microsecond_keep_their_order() -> None:
    seen: list[int] = []

    async def main() -> None:
        timeline = Timeline(asyncio.get_running_loop())
        for number in range(50):
            timeline.at(1000, seen.append, number)
        timeline.at(999, seen.append, -1)
        await asyncio.sleep(0.002)

    run(main())
    assert seen == [-1, *range(50)]


def test_what_is_late_happens_at_once_and_time_never_goes_back() -> None:
    async def main() -> list[int]:
        timeline = Timeline(asyncio.get_running_loop())
        await asyncio.sleep(1)
        times: list[int] = []
        timeline.at(5, lambda: times.append(timeline.now_us()))
        await asyncio.sleep(0.1)
        return times

    assert run(main()) == [1_000_000]


def test_a_cancelled_event_neither_happens_nor_takes_time() -> None:
    async def main() -> int:
        timeline = Timeline(asyncio.get_running_loop())
        timeline.after(10_000_000, pytest.fail, "cancelled").cancel()
        await asyncio.sleep(0.00001)
        return timeline.now_us()

    assert run(main()) == 10


def test_a_deadlock_names_those_who_wait() -> None:
    async def main() -> None:
        waits = asyncio.create_task(asyncio.Event().wait(), name="card")
        await asyncio.sleep(0.5)
        await waits

    with pytest.raises(Deadlock, match=r"at 500000 us.*waiting: Task-\d+, card"):
        run(main())


def test_an_error_in_an_event_ends_the_run() -> None:
    async def main() -> None:
        Timeline(asyncio.get_running_loop()).after(5, lambda: [][0])
        await asyncio.sleep(1)

    with pytest.raises(IndexError):
        run(main())


def test_tasks_left_behind_are_cancelled() -> None:
    ends: list[str] = []
    left: list[asyncio.Task[None]] = []

    async def card() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    async def main() -> None:
        left.append(asyncio.create_task(card(), name="card"))
        await asyncio.sleep(1)

    run(main())
    assert ends == ["cancelled"]


def test_asyncio_s_own_tools_work_on_it() -> None:
    async def main() -> list[object]:
        queue: asyncio.Queue[int] = asyncio.Queue()
        timeline = Timeline(asyncio.get_running_loop())
        timeline.after(300, queue.put_nowait, 7)
        got: list[object] = [await queue.get(), timeline.now_us()]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.25)
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0.1))
        return [*got, timeline.now_us()]

    assert run(main()) == [7, 300, 350_300]


def test_the_timeline_of_a_real_loop_runs_in_microseconds_too() -> None:
    async def main() -> tuple[int, int]:
        timeline = Timeline(asyncio.get_running_loop())
        begun, done = timeline.now_us(), asyncio.Event()
        timeline.after(2000, done.set)
        timeline.after(1_000_000, pytest.fail).cancel()
        await done.wait()
        return begun, timeline.now_us()

    begun, ended = asyncio.run(main())
    assert ended - begun >= 2000
