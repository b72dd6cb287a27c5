# SPDX-License-Identifier: Apache-2.0
"""A PN532 behind a pseudo-terminal, as a program finds it: speeds, garbage, coming and going."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from duotap_host.virtual import paced
from duotap_host.virtual.field import Field
from duotap_host.virtual.pn532_chip import VirtualPn532
from duotap_host.virtual.pn532_hsu import HsuPort
from duotap_host.virtual.pty_line import Pty, PtyHsu
from duotap_host.virtual.timeline import Timeline

ACK = bytes.fromhex("0000ff00ff00")
WAKE = bytes.fromhex("55") + bytes(9)
SAM = bytes.fromhex("0000ff03fdd414011700")
VERSION = bytes.fromhex("0000ff02fed4022a00")
VERSION_IS = bytes.fromhex("0000ff06fad50332010607e800")
QUIET_S = 0.05  # more than any answer takes; a slow computer only makes it more
# SetSerialBaudRate's code and the speed, as far as a terminal has a name for it.
SPEEDS = [(0, 9600), (1, 19200), (2, 38400), (3, 57600), (4, 115200), (5, 230400), (6, 460800)]
SPEEDS += [(7, 921600)]


class Program:
    """A program that has opened the terminal at a speed; `with` closes it."""

    def __init__(self, path: str, baudrate: int = 115200) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd, termios.TCSANOW)
        self.set_speed(baudrate)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.fd)

    def set_speed(self, baudrate: int) -> None:
        settings = termios.tcgetattr(self.fd)
        settings[4] = settings[5] = getattr(termios, f"B{baudrate}")
        termios.tcsetattr(self.fd, termios.TCSANOW, settings)

    def write(self, chunk: bytes) -> None:
        assert os.write(self.fd, chunk) == len(chunk)

    async def read(self, count: int) -> bytes:
        """`count` bytes, or what there is when nothing more comes."""
        heard = b""
        loop = asyncio.get_running_loop()
        while len(heard) < count:
            some = asyncio.Event()
            loop.add_reader(self.fd, some.set)
            try:
                await asyncio.wait_for(some.wait(), QUIET_S)
            except TimeoutError:
                break
            finally:
                loop.remove_reader(self.fd)
            heard += os.read(self.fd, count - len(heard))
        return heard

    async def ask(self, frame: bytes, count: int) -> bytes:
        """ACK and `count` bytes of response to `frame`, without the ACK."""
        self.write(frame)
        heard = await self.read(len(ACK) + count)
        assert heard[: len(ACK)] == ACK
        return heard[len(ACK) :]


def on_pty(story: Callable[[str], Coroutine[Any, Any, None]], *, awake: bool = True) -> None:
    """Play `story(path)` with a chip at `path`, woken and out of LowVbat if `awake`."""

    async def main() -> None:
        timeline = Timeline(asyncio.get_running_loop())
        chip = VirtualPn532(timeline, Field(timeline), "chip", startup_us=400)
        pty = Pty(timeline.loop)
        PtyHsu(timeline, pty, HsuPort(chip))
        if awake:
            with Program(pty.path) as program:
                await program.ask(WAKE + SAM, 9)
        await story(pty.path)
        pty.close()

    paced.run(main())


def set_speed(code: int) -> bytes:
    body = bytes([0xD4, 0x10, code])
    return bytes.fromhex("0000ff03fd") + body + bytes([-sum(body) & 0xFF, 0])


def test_a_sleeping_chip_hears_a_frame_behind_nine_zeros() -> None:
    async def story(path: str) -> None:
        with Program(path) as program:
            program.write(VERSION)
            assert await program.read(1) == b""
            assert await program.ask(WAKE + VERSION, len(VERSION_IS)) == VERSION_IS

    on_pty(story, awake=False)


def test_programs_come_and_go() -> None:
    async def story(path: str) -> None:
        for _ in range(3):
            with Program(path) as program:
                assert await program.ask(VERSION, len(VERSION_IS)) == VERSION_IS

    on_pty(story)


@pytest.mark.parametrize("baudrate", [speed for _, speed in SPEEDS if speed != 115200])
def test_at_a_wrong_speed_the_chip_hears_garbage(baudrate: int) -> None:
    async def story(path: str) -> None:
        with Program(path, baudrate) as program:
            program.write(VERSION)
            assert await program.read(1) == b""
        with Program(path) as program:
            assert await program.ask(VERSION, len(VERSION_IS)) == VERSION_IS

    on_pty(story)


def test_at_a_wrong_speed_the_program_hears_garbage() -> None:
    async def story(path: str) -> None:
        with Program(path) as program:
            program.write(VERSION)
            assert await program.read(len(ACK)) == ACK
            program.set_speed(57600)
            heard = await program.read(len(VERSION_IS))
            assert len(heard) == len(VERSION_IS)
            assert heard != VERSION_IS
            assert b"\x00\xff" not in heard

    on_pty(story)


@pytest.mark.parametrize(("code", "baudrate"), SPEEDS)
@pytest.mark.parametrize("paused", [True, False])
def test_each_speed_can_be_agreed_and_left(code: int, baudrate: int, paused: bool) -> None:
    """Also by a program that changes its own speed right behind its ACK, as nfcpy does."""

    async def story(path: str) -> None:
        with Program(path) as program:
            for one, speed in ((code, baudrate), (4, 115200)):
                assert await program.ask(set_speed(one), 9) == bytes.fromhex("0000ff02fed5111a00")
                program.write(ACK)
                if paused:
                    await asyncio.sleep(0.01)
                program.set_speed(speed)
                await asyncio.sleep(0.002)
                assert await program.ask(VERSION, len(VERSION_IS)) == VERSION_IS

    on_pty(story)


def test_without_an_ack_the_speed_stays() -> None:
    async def story(path: str) -> None:
        with Program(path) as program:
            await program.ask(set_speed(7), 9)
            program.set_speed(921600)
            program.write(VERSION)
            assert await program.read(1) == b""
            program.set_speed(115200)
            assert await program.ask(VERSION, len(VERSION_IS)) == VERSION_IS

    on_pty(story)


def test_an_ack_that_was_flushed_before_it_was_read_still_counts() -> None:
    """nfcpy flushes its output when it closes the port, right behind the ACK."""

    async def story(path: str) -> None:
        with Program(path) as program:
            await program.ask(set_speed(7), 9)
            program.write(ACK)
            termios.tcflush(program.fd, termios.TCOFLUSH)
            program.set_speed(921600)
            await asyncio.sleep(0.002)
            assert await program.ask(VERSION, len(VERSION_IS)) == VERSION_IS

    on_pty(story)


def test_bytes_take_their_time_on_the_line() -> None:
    async def story(path: str) -> None:
        loop = asyncio.get_running_loop()
        with Program(path) as program:
            began_s = loop.time()
            assert await program.ask(VERSION, len(VERSION_IS)) == VERSION_IS
            line_s = (len(VERSION) + len(VERSION_IS)) * 10 / 115200
            assert loop.time() - began_s >= line_s + 0.001

    on_pty(story)


def test_what_nobody_reads_is_lost_and_blocks_nothing() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        pty = Pty(loop)
        held = 0
        while count := pty.put(bytes(4096)):
            held += count
        with Program(pty.path) as program:
            writing = asyncio.create_task(pty.write(b"behind it"))
            assert await program.read(held + 9) == bytes(held) + b"behind it"
            await writing
        pty.close()

    paced.run(main())
