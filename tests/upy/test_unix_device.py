# SPDX-License-Identifier: Apache-2.0
"""Devices on virtual boards: what they do is the same on a real MicroPython and in this Python.

The Unix port has a board's heap, boots from the LittleFS image in its virtual flash, and is cut,
reset and started again.
"""

from __future__ import annotations

import os

import pytest
from duotap_host.virtual.device import NotShown, VirtualDevice
from duotap_host.virtual.nor import SECTOR, Prefix
from duotap_host.virtual.unix import UnixDevice
from upy.forms import FORMS, LOCAL, UNIX, Story, play

EVERY_BYTE = bytes(range(256))
# What a real MicroPython must have left with display, keys, entropy and signer loaded.
BENCH_FREE_MIN = 48 * 1024


async def answer(device: VirtualDevice) -> bytes:
    size = (await device.console.read(1))[0]
    content = b""
    while len(content) < size:
        content += await device.console.read(size - len(content))
    return content


async def order(device: VirtualDevice, letter: bytes) -> bytes:
    await device.console.write(letter)
    return await answer(device)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["card", "stand"])
def test_boots_and_draws(form: str, kind: str) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        assert device.screen_lines() == ("BENCH", f"{kind} 73%")
        assert device.board.screen.errors == 0

    play(story, form, bench=True, kind=kind)


@pytest.mark.parametrize("form", FORMS)
def test_buttons(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        await device.press("ok")
        await device.press("up")
        await device.hold("pay")
        assert "okuppay!" in await device.shows("pay!")

    play(story, form, bench=True)


@pytest.mark.parametrize("form", FORMS)
def test_keypad(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        await device.type_amount("66.60")
        await device.press("#")
        assert "66.60ok" in await device.shows("ok")

    play(story, form, bench=True, kind="stand")


@pytest.mark.parametrize("form", FORMS)
def test_every_byte_passes_the_uart_and_the_console(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        heard: list[bytes] = []
        board = device.board
        board.port.on_output(lambda _chunk: None)  # the line without the chip
        board.line.far.on_receive(lambda chunk, _byte_us: heard.append(chunk))
        assert await answer(device) == b"ready"
        board.line.far.send(EVERY_BYTE)
        while sum(map(len, heard)) < len(EVERY_BYTE):
            await order(device, b"e")
        assert b"".join(heard) == EVERY_BYTE
        seen = {byte for _ in range(100) for byte in await order(device, b"n")}
        assert len(seen) > 240, "and all of them pass the console"

    play(story, form, bench=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("bus", "baudrate"), [("hsu", 921_600), ("i2c", 0), ("spi", 0)])
def test_the_radio_is_set_up_on_the_bus_it_is_on(form: str, bus: str, baudrate: int) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        told = await order(device, b"v")
        assert told == bytes.fromhex("32010607") + (baudrate // 100).to_bytes(2, "big")

    play(story, form, bench=True, bus=bus)


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_tears_a_page_and_the_next_boot_finds_it(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        await device.console.write(b"k")
        secret = await order(device, b"K")
        assert len(secret) == 32
        pid = device.pid if isinstance(device, UnixDevice) else 0
        device.board.nor.plan_cut(1, Prefix(100))
        await device.console.write(b"f")
        await device.ended.wait()
        if pid:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        page = device.journal_bytes()[3 * SECTOR :]
        assert page[256:512] == b"\xa1" * 256
        assert page[512:768] == b"\xa2" * 100 + b"\xff" * 156
        assert device.screen_lines() == ()

        await device.boot()
        assert await answer(device) == b"ready"
        assert await order(device, b"K") == secret

    play(story, form, bench=True)


def test_a_cut_ends_a_process_that_looks_at_nothing() -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        await order(device, b"l")
        assert isinstance(device, UnixDevice)
        pid = device.pid
        device.cut()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    play(story, UNIX, bench=True)


@pytest.mark.parametrize("form", FORMS)
def test_a_reset_begins_anew(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        first = await order(device, b"n")
        await device.console.write(b"r")
        await device.ended.wait()
        assert await answer(device) == b"ready"
        assert await order(device, b"n") != first
        assert [event.value for event in device.events if event.what == "reset"] == ["asked for"]

    play(story, form, bench=True)


@pytest.mark.parametrize("form", [LOCAL])
def test_a_starved_watchdog_begins_anew(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        await order(device, b"w")
        await device.ended.wait()
        assert await answer(device) == b"ready"
        assert [event.value for event in device.events if event.what == "reset"] == ["watchdog"]

    play(story, form, bench=True)


@pytest.mark.parametrize("form", FORMS)
def test_a_crash_is_told(form: str) -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        await device.console.write(b"x")
        await device.ended.wait()
        assert "ZeroDivisionError" in device.crash_text
        assert "bench_firmware.py" in device.crash_text
        with pytest.raises(NotShown, match="ZeroDivisionError"):
            await device.shows("anything")

    play(story, form, bench=True)


def test_both_forms_are_noticed_alike() -> None:
    seen: dict[str, list[tuple[str, int | str]]] = {}
    noise: dict[str, list[bytes]] = {}

    def story_of(form: str) -> Story:
        async def story(device: VirtualDevice) -> None:
            assert await answer(device) == b"ready"
            await device.press("ok")
            await device.shows("ok")
            noise[form] = [await order(device, b"n") for _ in range(2)]
            device.cut()
            seen[form] = sorted((event.what, event.value) for event in device.events)

        return story

    for form in FORMS:
        play(story_of(form), form, bench=True, seed=b"alike")
    assert noise[LOCAL] == noise[UNIX]
    assert seen[LOCAL] == seen[UNIX]


def test_memory_left_on_a_real_micropython() -> None:
    async def story(device: VirtualDevice) -> None:
        assert await answer(device) == b"ready"
        free = int(await order(device, b"m"))
        print(f"\n{free} bytes of heap left with the parts of a board loaded")
        assert free >= BENCH_FREE_MIN

    play(story, UNIX, bench=True)


@pytest.mark.parametrize("kind", ["card", "stand"])
def test_the_shipped_firmware_shows_the_same_in_both_forms(kind: str) -> None:
    glass: dict[str, tuple[int, ...]] = {}

    def story_of(form: str) -> Story:
        async def story(device: VirtualDevice) -> None:
            await device.shows("me")  # the last word that is drawn
            glass[form] = device.board.screen.columns()
            assert device.board.screen.errors == 0

        return story

    for form in FORMS:
        play(story_of(form), form, kind=kind)
    assert glass[LOCAL] == glass[UNIX]
