# SPDX-License-Identifier: Apache-2.0
"""Virtual time in step with real time: never ahead of it, exact for parts, awake for input."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

import pytest
from duotap_host.virtual import paced
from duotap_host.virtual.paced import PacedLoop
from duotap_host.virtual.timeline import Timeline


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def loop_of_now() -> PacedLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PacedLoop)
    return loop


def test_time_never_runs_ahead() -> None:
    async def story() -> None:
        loop = loop_of_now()
        for us in (1, 100, 5_000, 20_000):
            due_us = loop.now_us + us
            await asyncio.sleep(us / 1e6)
            assert loop.now_us >= due_us
            assert loop.real_us() >= loop.now_us

    paced.run(story())


def test_a_busy_computer_shifts_no_event_against_another() -> None:
    """What an asyncio loop would do: the answer, 300 us behind a late question, misses its 500."""

    async def story() -> list[tuple[int, str]]:
        times: list[tuple[int, str]] = []
        timeline = Timeline(asyncio.get_running_loop())
        began_us = timeline.now_us()

        def note(what: str) -> None:
            times.append((timeline.now_us() - began_us, what))

        def question() -> None:
            note("question")
            timeline.after(300, note, "answer")

        timeline.after(1_000, question)
        timeline.after(1_500, note, "time-out")
        hold_up_s = 0.02
        end_s = time.monotonic() + hold_up_s
        while time.monotonic() < end_s:
            pass
        while len(times) < 3:
            await asyncio.sleep(0.001)
        return times

    assert paced.run(story()) == [(1_000, "question"), (1_300, "answer"), (1_500, "time-out")]


def test_input_wakes_a_loop_that_has_nothing_else_to_do(pipe: tuple[int, int]) -> None:
    """A virtual loop would call that a deadlock; here somebody outside may still write."""
    source, sink = pipe

    async def story() -> bytes:
        loop = loop_of_now()
        came: asyncio.Future[bytes] = loop.create_future()
        loop.add_reader(source, lambda: came.set_result(os.read(source, 9)))
        os.write(sink, b"hello")
        heard = await came
        assert loop.remove_reader(source)
        assert not loop.remove_reader(source)
        return heard

    assert paced.run(story()) == b"hello"


def test_input_comes_before_a_timer_of_later(pipe: tuple[int, int]) -> None:
    source, sink = pipe

    async def story() -> None:
        loop = loop_of_now()
        came: asyncio.Future[int] = loop.create_future()
        loop.add_reader(source, lambda: came.done() or came.set_result(loop.now_us))
        hour_us = 3_600_000_000
        loop.call_at_us(loop.now_us + hour_us, came.cancel)
        os.write(sink, b"x")
        assert await came < hour_us
        loop.remove_reader(source)

    paced.run(story())


def test_reader_and_writer_of_one_file_are_apart() -> None:
    async def story() -> None:
        loop = loop_of_now()
        fd, other = os.openpty()
        writable = asyncio.Event()
        readable = asyncio.Event()
        loop.add_reader(fd, readable.set)
        loop.add_writer(fd, writable.set)
        await writable.wait()
        assert loop.remove_writer(fd)
        assert not readable.is_set()
        os.write(other, b"x\n")
        await readable.wait()
        assert loop.remove_reader(fd)
        os.close(fd)
        os.close(other)

    paced.run(story())
