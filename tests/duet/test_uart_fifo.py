# SPDX-License-Identifier: Apache-2.0
"""Flash that is programmed while bytes arrive: the UART keeps 32 of them and drops the rest.

Programming a page stops the board for 0.8 ms, which is 74 bytes at 921600 baud; erasing a sector
for 45 ms. The shipped design programs only while the radio is quiet: behind a fetched command and
before its answer, and behind the answer, before the next command is fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from bench.two_sales import two_sales
from drivers import pn532_link
from duotap.errors import Fault
from duotap_host.demo.stage_local import LocalStage
from duotap_host.virtual.costs import RP2040_THUMB
from duotap_host.virtual.pn532_frame import Frame
from duotap_host.virtual.uart import FIFO_BYTES

from duet.radio_pair import OK, Radio, Side, play

BAUDRATE = 921_600
PAGE_US, ERASE_US = 800, 45_000
PAGES = 16  # of the longest record
ACK_MS = 4
COMMANDS = 6
COMMAND = bytes(255)

Design = Callable[[Side], Coroutine[Any, Any, None]]


def program(side: Side) -> None:
    for _ in range(PAGES):
        side.clock.charge(PAGE_US, "flash")


async def while_quiet(side: Side) -> None:
    """As the shipped firmware: program, then say that it is done; erase before the next fetch."""
    while True:
        await side.pn532.get_apdu()
        program(side)
        await side.pn532.put_apdu(OK)
        side.clock.charge(ERASE_US, "flash")


async def while_a_command_comes(side: Side) -> None:
    """Answer at once, fetch the next command, and program while it is on its way."""
    coming = asyncio.create_task(side.pn532.get_apdu())
    while True:
        await coming
        await side.pn532.put_apdu(OK)
        coming = asyncio.create_task(side.pn532.get_apdu())
        await side.clock.sleep_ms(ACK_MS)
        while not side.line.device.any() and not coming.done():
            await side.clock.sleep_ms(1)
        program(side)


async def in_a_task_of_its_own(side: Side) -> None:
    """Erase a sector now and then, whatever the radio is at."""

    async def erase() -> None:
        while True:
            side.clock.charge(ERASE_US, "flash")
            await side.clock.sleep_ms(17)

    erasing = asyncio.create_task(erase())
    try:
        while True:
            await side.pn532.get_apdu()
            await side.pn532.put_apdu(OK)
    finally:
        erasing.cancel()


def outcome(design: Design) -> tuple[int, int, int]:
    """Commands that were answered, bytes that the card's UART dropped, frames asked for again."""

    async def story(radio: Radio) -> tuple[int, int, int]:
        stand, card = radio.side("stand"), radio.side("card")
        nacks = counting_nacks(card)
        await asyncio.gather(*(side.pn532.setup(BAUDRATE) for side in (stand, card)))
        session = asyncio.create_task(listen(card, design))
        answered = 0
        poller = await radio.select(stand)
        for _ in range(COMMANDS):
            try:
                answered += await poller.transceive(COMMAND) == OK
            except Fault:
                await stand.pn532.setup(BAUDRATE)
                poller = await radio.select(stand, 20_000)
        session.cancel()
        await asyncio.gather(session, return_exceptions=True)
        return answered, card.line.device.dropped_fifo, len(nacks)

    return play(story)


async def listen(side: Side, design: Design) -> None:
    while True:
        try:
            await side.pn532.listen()
            await design(side)
        except Fault:
            await side.pn532.setup(BAUDRATE)


def counting_nacks(side: Side) -> list[Frame]:
    nacks: list[Frame] = []
    receive = side.chip.receive

    def counted(frame: Frame) -> None:
        if frame.kind == "nack":
            nacks.append(frame)
        receive(frame)

    side.chip.receive = counted  # type: ignore[method-assign]  # a wire tap
    return nacks


def test_flash_programmed_while_the_radio_is_quiet_loses_no_byte() -> None:
    assert outcome(while_quiet) == (COMMANDS, 0, 0)


@pytest.mark.parametrize("design", [while_a_command_comes, in_a_task_of_its_own])
def test_flash_programmed_at_another_moment_loses_bytes(
    design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver asks for them again; one that does not is torn."""
    answered, dropped, nacks = outcome(design)
    print(design.__name__, "answered", answered, "dropped", dropped, "asked again", nacks)
    assert dropped > FIFO_BYTES
    assert nacks > 0
    monkeypatch.setattr(pn532_link, "NACKS_MAX", 0)
    answered, _, _ = outcome(design)
    assert answered < COMMANDS


def test_the_shipped_firmware_drops_nothing_in_two_sales(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: dict[str, int] = {}
    close = LocalStage.close

    async def counted(stage: LocalStage) -> None:
        for name, device in stage.devices.items():
            uart = device.board.line.device
            dropped[name] = uart.dropped_fifo + uart.dropped_ring
        await close(stage)

    monkeypatch.setattr(LocalStage, "close", counted)
    assert all(tap.done and tap.parts["flash"] for tap in two_sales(RP2040_THUMB, BAUDRATE))
    assert set(dropped.values()) == {0}
