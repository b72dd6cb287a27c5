# SPDX-License-Identifier: Apache-2.0
"""Where the story is played: boards in one radio field, on one kind of time.

What a person does there is the same in both forms (design: in process on virtual time, processes
in real time); a form adds how a device is made and how the story is run. It knows no amount.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from duotap_host.virtual.board import HSU, VirtualBoard
from duotap_host.virtual.costs import Costs
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.field import Field
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.timesheet import TapTime, Timesheet

T = TypeVar("T")

LOOK_S = 0.05  # how often a person looks at a screen
PATIENCE_S = 20.0  # a device that does not show what it should by then never will


class StoryFailed(Exception):
    """The story does not go on as it is told; one line says where."""


class Stage(ABC):
    """Made inside the running loop of its form; `seed` fixes every board's entropy."""

    form: ClassVar[str]
    costs: ClassVar[Costs]
    bus: ClassVar[str] = HSU  # of every board's radio chip
    element: ClassVar[bool] = False  # whether every board has an ATECC608

    def __init__(self, seed: bytes) -> None:
        self.timeline = Timeline(asyncio.get_running_loop())
        self.field = Field(self.timeline)
        self.sheet = Timesheet(self.field, self.costs)
        self.devices: dict[str, VirtualDevice] = {}
        self._seed = seed
        self._seen: dict[str, tuple[bytes, tuple[str, ...]]] = {}

    @staticmethod
    @abstractmethod
    def run(story: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on this form's kind of time."""

    @abstractmethod
    def make(self, board: VirtualBoard) -> VirtualDevice:
        """The shipped firmware on a board."""

    async def add(self, name: str, kind: str) -> VirtualDevice:
        """A new board out of its box, switched on; `kind` is card or stand."""
        board = VirtualBoard(
            self.timeline,
            self.field,
            kind=kind,
            name=name,
            seed=self._seed,
            bus=self.bus,
            element=self.element,
        )
        device = self.devices[name] = self.make(board)
        self.sheet.watch(board)
        await device.boot()
        return device

    async def close(self) -> None:
        """Switch every board off."""
        for device in self.devices.values():
            await device.close()

    def touch(self, *names: str) -> int:
        """Hold devices together; those not named are elsewhere. Returns when, on the timeline."""
        for name, device in self.devices.items():
            if name not in names:
                device.board.leave()
        for name in names:
            self.devices[name].board.enter()
        return self.timeline.now_us()

    def part(self) -> None:
        """Take all devices apart."""
        for device in self.devices.values():
            device.board.leave()

    async def shows(self, name: str, *texts: str) -> None:
        """Wait until the screen of a device has a line with each of these texts."""

        def seen() -> bool:
            lines = self.lines(name)
            return all(any(text in line for line in lines) for text in texts)

        try:
            await self.until(seen, name)
        except StoryFailed as failed:
            shown, wanted = " | ".join(self.lines(name)), " | ".join(texts)
            raise StoryFailed(
                f"{name} ({self.form}) shows {shown!r} instead of {wanted!r}: {failed}"
            ) from None

    def lines(self, name: str) -> tuple[str, ...]:
        """What stands on a screen; read anew only when a pixel has changed."""
        device = self.devices[name]
        pixels = bytes(device.board.screen.memory)
        if self._seen.get(name, (b"",))[0] != pixels:
            self._seen[name] = pixels, device.screen_lines()
        return self._seen[name][1]

    async def until(self, ready: Callable[[], bool], what: str) -> None:
        """Wait for a condition. StoryFailed after PATIENCE_S, or when a device has crashed."""
        end_us = self.timeline.now_us() + int(PATIENCE_S * 1e6)
        while not ready():
            self.check_alive()
            if self.timeline.now_us() > end_us:
                raise StoryFailed(f"waited {PATIENCE_S:.0f} s in vain: {what}")
            await asyncio.sleep(LOOK_S)

    def check_alive(self) -> None:
        """StoryFailed if the firmware of a device has ended by an error."""
        for name, device in self.devices.items():
            if device.crash_text:
                last = device.crash_text.strip().rpartition("\n")[2]
                raise StoryFailed(f"the firmware of {name} ended: {last}")

    def taps(self, after_us: int) -> tuple[TapTime, ...]:
        """The sessions between two devices since then."""
        return self.sheet.taps(after_us)
