# SPDX-License-Identifier: Apache-2.0
"""A virtual board: its lines, its power, its watchdog, its entropy, and both its users alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from drivers.keypad import KEYS
from duotap_host.virtual import timeline
from duotap_host.virtual.board import WDT_RESET, VirtualBoard
from duotap_host.virtual.machine import Reset, VirtualMachine
from duotap_host.virtual.nor import SECTOR, PowerCut, Prefix
from duotap_host.virtual.pins import BUTTONS, LEGENDS, NAMES
from duotap_host.virtual.timeline import Timeline
from port.parts import STAND

Story = Callable[[VirtualBoard], Coroutine[Any, Any, None]]


def on_board(story: Story, **settings: Any) -> None:
    async def main() -> None:
        board = VirtualBoard(Timeline(asyncio.get_running_loop()), name="board", **settings)
        board.power_on()
        await story(board)

    timeline.run(main())


def told(board: VirtualBoard) -> list[tuple[str, int | str]]:
    return [(event.what, event.value) for event in board.events]


def test_a_button_is_low_as_long_as_it_is_pressed() -> None:
    async def story(board: VirtualBoard) -> None:
        changes: list[tuple[int, str, int]] = []
        board.on_pin = lambda name, level: changes.append((board.timeline.now_us(), name, level))
        board.press("up", ms=120)
        await asyncio.sleep(1)
        assert changes == [(0, BUTTONS["up"], 0), (120_000, BUTTONS["up"], 1)]

    on_board(story)


def test_a_key_goes_by_its_name_or_its_legend() -> None:
    async def story(board: VirtualBoard) -> None:
        board.pins.drive("KEY_ROW3", 0)
        for name in ("ok", "#"):
            board.press(name)
            assert board.pins.level("KEY_COL2") == 0
            await asyncio.sleep(1)
            assert board.pins.level("KEY_COL2") == 1

    on_board(story, kind=STAND)


def test_a_key_ties_its_column_to_its_row() -> None:
    async def story(board: VirtualBoard) -> None:
        pins = board.pins
        pins.hold("6")
        assert [pins.level(f"KEY_COL{i}") for i in range(4)] == [1, 1, 1, 1]
        pins.drive("KEY_ROW0", 0)
        assert pins.level("KEY_COL2") == 1
        pins.drive("KEY_ROW1", 0)
        assert [pins.level(f"KEY_COL{i}") for i in range(4)] == [1, 1, 0, 1]
        pins.release("6")
        assert pins.level("KEY_COL2") == 1

    on_board(story)


def test_every_key_of_the_driver_has_a_legend() -> None:
    assert [len(row) for row in KEYS] == [len(row) for row in LEGENDS]
    for keys, legends in zip(KEYS, LEGENDS, strict=True):
        for key, legend in zip(keys, legends, strict=True):
            assert key == legend or not key.isdigit()


def test_no_such_button_no_such_pin() -> None:
    async def story(board: VirtualBoard) -> None:
        stand = VirtualBoard(board.timeline, kind=STAND)
        for name in ("yes", "", "12"):
            for asked in (board, stand):
                with pytest.raises(ValueError, match="no button"):
                    asked.press(name)
        with pytest.raises(ValueError, match="no button '6'"):
            board.press("6")
        with pytest.raises(ValueError, match="unknown pin"):
            VirtualMachine(board).Pin("GP99")

    on_board(story)


def test_a_watchdog_that_is_not_fed() -> None:
    async def story(board: VirtualBoard) -> None:
        resets: list[int] = []
        board.on_reset = lambda: resets.append(board.timeline.now_us())
        wdt = VirtualMachine(board).WDT(timeout=1000)
        for _ in range(5):
            await asyncio.sleep(0.9)
            wdt.feed()
        await asyncio.sleep(3)
        assert resets == [5_500_000]
        assert board.reset_cause == WDT_RESET
        assert ("reset", "watchdog") in told(board)

    on_board(story)


def test_a_watchdog_ends_with_the_power() -> None:
    async def story(board: VirtualBoard) -> None:
        resets: list[int] = []
        board.on_reset = lambda: resets.append(1)
        VirtualMachine(board).WDT(timeout=1000)
        board.cut()
        board.power_on()
        await asyncio.sleep(3)
        assert not resets

    on_board(story)


def test_everything_is_dead_after_a_cut() -> None:
    async def story(board: VirtualBoard) -> None:
        machine = VirtualMachine(board)
        pin, uart, bus = machine.Pin("BUTTON_OK"), machine.UART(0), machine.I2C(0)
        pwm, adc, wdt = machine.PWM(pin), machine.ADC(machine.Pin("BATTERY")), machine.WDT()
        flash = machine.flash("journal")
        board.cut()
        board.power_on()  # a new boot has a machine of its own
        machine.alive = False
        for dead in (
            pin.value,
            uart.any,
            uart.read,
            lambda: uart.write(b"x"),
            lambda: bus.writeto(0x3C, b"\x00"),
            lambda: pwm.duty_u16(5),
            adc.read_u16,
            wdt.feed,
            lambda: flash.readblocks(0, bytearray(4)),
            lambda: flash.writeblocks(0, b"1234", 0),
            lambda: flash.ioctl(6, 0),
            lambda: machine.entropy("key", 8),
            machine.reset,
        ):
            with pytest.raises(PowerCut):
                dead()

    on_board(story)


def test_a_planned_cut_takes_the_power_with_it() -> None:
    async def story(board: VirtualBoard) -> None:
        lost: list[str] = []
        board.on_power_lost = lambda: lost.append("power")
        flash = VirtualMachine(board).flash("journal")
        board.nor.plan_cut(1, Prefix(3))
        flash.writeblocks(2, b"first", 0)
        with pytest.raises(PowerCut):
            flash.writeblocks(2, b"second", 256)
        assert lost == ["power"]
        assert not board.powered
        content = board.journal.content()[2 * SECTOR :]
        assert content[:6] == b"first\xff"
        assert content[256:262] == b"sec\xff\xff\xff"

    on_board(story)


def test_regions_are_apart() -> None:
    async def story(board: VirtualBoard) -> None:
        machine = VirtualMachine(board)
        files, journal = machine.flash("files"), machine.flash("journal")
        files.writeblocks(board.files.blocks - 1, b"last", SECTOR - 4)
        journal.writeblocks(0, b"first", 0)
        assert board.files.content()[-4:] == b"last"
        assert board.journal.content()[:5] == b"first"
        for outside in (
            lambda: files.writeblocks(board.files.blocks, b"x", 0),
            lambda: files.writeblocks(board.files.blocks - 1, b"xx", SECTOR - 1),
            lambda: journal.ioctl(6, board.journal.blocks),
            lambda: journal.readblocks(-1, bytearray(1)),
        ):
            with pytest.raises(ValueError, match="outside"):
                outside()
        journal.ioctl(6, 0)
        assert board.files.content()[-4:] == b"last"
        assert board.journal.content()[:5] == b"\xff" * 5
        journal.writeblocks(0, b"first", 0)
        board.files.burn(bytes(len(board.files.content())))
        assert board.journal.content()[:5] == b"first"

    on_board(story)


def test_a_reset_ends_what_runs_and_keeps_the_chip() -> None:
    async def story(board: VirtualBoard) -> None:
        board.i2c_write(0x3C, b"\x00\xaf\x8d\x14")
        with pytest.raises(Reset):
            VirtualMachine(board).reset()
        assert board.screen.on
        assert told(board)[-1] == ("reset", "asked for")

    on_board(story)


def test_entropy_is_a_stream_a_purpose_that_no_reset_repeats() -> None:
    async def story(board: VirtualBoard) -> None:
        first = board.entropy("key", 40)
        board.entropy("uid", 3)
        board.cut()
        board.power_on()
        rest = board.entropy("key", 40)
        assert len({first, rest, board.entropy("uid", 40)}) == 3

        again = VirtualBoard(board.timeline, name="board")
        again.entropy("uid", 100)
        assert again.entropy("key", 40) == first
        assert VirtualBoard(board.timeline, name="other").entropy("key", 40) != first
        assert VirtualBoard(board.timeline, name="board", seed=b"x").entropy("key", 40) != first

    on_board(story)


def test_sound_and_light_are_noted_as_they_change() -> None:
    async def story(board: VirtualBoard) -> None:
        machine = VirtualMachine(board)
        buzzer = machine.PWM(machine.Pin("BUZZER"))
        buzzer.freq(440)
        buzzer.duty_u16(32768)
        buzzer.duty_u16(32768)
        buzzer.duty_u16(0)
        machine.PWM(machine.Pin("LIGHT"), freq=1000, duty_u16=65535)
        assert told(board)[1:] == [("tone", 440), ("tone", 0), ("light", 65535)]

    on_board(story)


def test_drawing_costs_bus_time() -> None:
    async def story(board: VirtualBoard) -> None:
        board.i2c_write(0x3C, bytes(1025))
        assert board.clock.spent("bus") == 23_085  # 1026 bytes of nine bits at 400 kHz

    on_board(story)


def test_names_of_pins_are_those_of_the_board_file() -> None:
    from duotap_host.virtual import local

    text = local.BOARD.read_text()
    for name in NAMES:
        stem = name.rstrip("0123456789")
        assert f'"{name}"' in text or f'f"{stem}{{i}}"' in text


def test_a_board_of_no_kind() -> None:
    async def story(board: VirtualBoard) -> None:
        with pytest.raises(ValueError, match="card or a stand"):
            VirtualBoard(board.timeline, kind="phone")

    on_board(story)
