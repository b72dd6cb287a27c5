# SPDX-License-Identifier: Apache-2.0
"""Looks for a prompt: types what opens one while a stock board starts, at each 10 ms of it.

The boards run in process form with the files that are flashed, behind the boot order of the stock
interpreter. Keys come to both ports that a board has: the console and the UART of its radio chip.
A chip looks for Ctrl-C in what arrives, whenever a file that it runs can be interrupted; the Unix
port is told by a signal instead, so a Ctrl-C is one while the process catches it, else a byte.
When its program ends the process opens the prompt that a chip would open.

`make boot-sweep` prints what it came to, and fails if a production build showed a prompt or a
development build showed none.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from duotap_host.device.client import Client
from duotap_host.device.serial_line import SerialLine
from duotap_host.flash import image
from duotap_host.flash.geometry import RP2040
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.timeline import Timeline
from duotap_host.virtual.unix import ARCH
from upy.stock import FIRST_BOOT_S, StockDevice, board_name, flashed

STEP_MS = 10
FINE_MS = 3  # of Ctrl-C alone: a PC starts in a tenth of the time that a board takes
UP_S = 60.0
DESCRIBE = ord("B")  # of duotap_host.virtual.channel
OPEN_TRIES, OPEN_S = 10, 2.0
STARTS = 5  # the quickest counts: the machine may be busy with something else
PROMPT_S = 0.3  # after the program has ended a prompt comes at once
INTERRUPT = 3
RAW, FRIENDLY, SOFT_RESET, PASTE = b"\x01", b"\x02", b"\x04", b"\x05"
KEYS = (b"\x03", b"\r\x03\x03", RAW, FRIENDLY, SOFT_RESET, PASTE, b"\r\x03\x03\x01\x04\x02\x05")
PROMPTS = (b">>> ", b"raw REPL", b"=== ")
CAUGHT = "SigCgt:"


class Keyboard(StockDevice):
    """A stock board that somebody types at; `said` is all that came out of its console."""

    def __init__(self, board: VirtualBoard, flash: bytes = b"", develop: bool = False) -> None:
        self._flash = flash
        self._develop = develop
        self.said = bytearray()
        self.taken = 0
        self.begun = asyncio.Event()
        super().__init__(board)

    def _flashed(self, firmware: image.Firmware) -> bytes:
        made = image.firmware(ARCH, board_name(self.board.kind))
        return self._flash or flashed(made.for_development() if self._develop else made)

    def _start(self, cause: int) -> None:
        """Knows when the interpreter asks what board it is on, with Ctrl-C off: before that the
        process is its launcher, which catches signals of its own."""
        super()._start(cause)
        assert self._channel is not None
        kinds = self._channel._kinds
        describe = kinds[DESCRIBE]

        def described(content: bytes) -> bytes | None:
            self.begun.set()
            return describe(content)

        self.begun.clear()
        kinds[DESCRIBE] = described

    def catches(self) -> bool:
        """Whether Ctrl-C would interrupt what runs."""
        if not self.begun.is_set() or not self.pid:
            return False
        status = Path(f"/proc/{self.pid}/status").read_text()
        mask = next(line for line in status.splitlines() if line.startswith(CAUGHT)).split()[1]
        return bool(int(mask, 16) >> (signal.SIGINT - 1) & 1)

    def press(self, keys: bytes) -> None:
        """Type at the console, and send the same to the radio's UART."""
        for key in keys:
            if key == INTERRUPT and self.pid and self.catches():
                self.taken += 1
                os.kill(self.pid, signal.SIGINT)
            elif self.pid:
                os.write(self._terminal._host_fd, bytes((key,)))
        self.board.line.far.send(keys)

    def listen(self) -> None:
        """Take in what it says."""
        try:
            while chunk := os.read(self._terminal._host_fd, 4096):
                self.said += chunk
        except BlockingIOError:
            pass

    @property
    def has_prompt(self) -> bool:
        self.listen()
        return any(prompt in self.said for prompt in PROMPTS)

    @property
    def is_up(self) -> bool:
        return any("new" in line for line in self.screen_lines())


def board(kind: str) -> VirtualBoard:
    timeline = Timeline(asyncio.get_running_loop())
    return VirtualBoard(timeline, kind=kind, files_blocks=RP2040.files_blocks, journal_blocks=1)


async def first_boot(kind: str, develop: bool = False) -> bytes:
    """The flash of a board that has been on once: it blanked its journal, which takes long."""
    device = Keyboard(board(kind), develop=develop)
    try:
        await device.boot()
        await device.shows("new", FIRST_BOOT_S)
        return device.board.files.content()
    finally:
        await device.close()


class Came(NamedTuple):
    """What keys in one start came to: the prompt was seen; Ctrl-C that reached the program; the
    board came up and its link answers."""

    prompt: bool
    taken: int
    serves: bool


@asynccontextmanager
async def started(kind: str, flash: bytes, develop: bool = False) -> AsyncIterator[Keyboard]:
    device = Keyboard(board(kind), flash, develop)
    os.environ["MICROPYINSPECT"] = "1"  # a prompt when the program ends, as on a chip
    try:
        await device.boot()
        await asyncio.wait_for(device.begun.wait(), UP_S)
        yield device
    finally:
        os.environ.pop("MICROPYINSPECT")
        await device.close()


async def at(kind: str, flash: bytes, after_ms: int, keys: bytes) -> Came:
    """Type `keys` once, so long after power-on."""
    async with started(kind, flash) as device:
        await asyncio.sleep(after_ms / 1000)
        device.press(keys)
        return await settled(device)


async def throughout(kind: str, flash: bytes) -> Came:
    """Type every kind of keys, in turn, at each STEP_MS until the board is up and a while on."""
    async with started(kind, flash) as device:
        ends = time.monotonic() + UP_S
        turns = 0
        while not device.is_up and not device.has_prompt and time.monotonic() < ends:
            await asyncio.sleep(STEP_MS / 1000)
            device.press(KEYS[turns % len(KEYS)])
            turns += 1
        for keys in KEYS:
            device.press(keys)
        return await settled(device)


async def settled(device: Keyboard) -> Came:
    """What it came to. A signal that comes just when Ctrl-C was switched off ends the process:
    that is the Unix port's, and tells nothing."""
    ends = time.monotonic() + UP_S
    while not (device.is_up or device.has_prompt or device.ended.is_set()):
        await asyncio.sleep(STEP_MS / 1000)
        if time.monotonic() > ends:
            break
    device.press(b"\r\n")
    await asyncio.sleep(PROMPT_S)
    if device.has_prompt or device.ended.is_set():
        return Came(device.has_prompt, device.taken, False)
    return Came(False, device.taken, await serves(device))


async def serves(device: Keyboard) -> bool:
    """The link answers a HELLO after all that noise."""
    with SerialLine(device.path) as line:
        return (await Client(line).connect()).version > 0


async def lasts(kind: str, flash: bytes) -> int:
    """Milliseconds from where the interpreter begins until the board is up."""
    async with started(kind, flash) as device:
        before = time.monotonic()
        await device.shows("new", UP_S)
        return int((time.monotonic() - before) * 1000)


async def sweep(kind: str) -> tuple[int, int, int]:
    """Starts of a production build, Ctrl-C taken in them, and prompts seen."""
    flash = await first_boot(kind)
    lasts_ms = min([await lasts(kind, flash) for _ in range(STARTS)]) * 5 // 4
    points = [(ms, keys) for ms in range(0, lasts_ms, STEP_MS) for keys in KEYS]
    points += [(ms, KEYS[0]) for ms in range(0, lasts_ms, FINE_MS)]
    taken = prompts = 0
    for ms, keys in points:
        came = await at(kind, flash, ms, keys)
        taken += came.taken
        prompts += came.prompt
        if came.prompt or came.serves == (came.taken > 0):
            print(f"{kind}: {keys!r} after {ms} ms: {came}")
    return len(points), taken, prompts


async def main() -> int:
    faults = 0
    for kind in ("card", "stand"):
        starts, taken, prompts = await sweep(kind)
        whole = await throughout(kind, b"")
        print(
            f"{kind}: {starts} starts, keys at each {STEP_MS} ms (Ctrl-C also at each {FINE_MS}),"
            f" {taken} times taken by the program, {prompts} prompts; in the first start, at each"
            f" {STEP_MS} ms: {whole}"
        )
        faults += prompts + whole.prompt
        if not (await open_to(kind)).prompt:
            print(f"{kind}: a development build shows no prompt")
            faults += 1
    return 1 if faults else 0


async def open_to(kind: str) -> Came:
    """A development build, with Ctrl-C as soon as it is taken; a busy machine may miss that."""
    came = Came(False, 0, False)
    for _ in range(OPEN_TRIES):
        async with started(kind, b"", develop=True) as device:
            ends = time.monotonic() + OPEN_S
            while not device.catches() and time.monotonic() < ends:
                await asyncio.sleep(0)
            device.press(KEYS[0])
            came = await settled(device) if device.taken else came
        if came.prompt:
            break
    return came


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
