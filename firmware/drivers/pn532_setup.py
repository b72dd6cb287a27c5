# SPDX-License-Identifier: Apache-2.0
"""Setting a PN532 up: find it at whatever speed it listens, tell it everything, raise the speed.

Needed after power-on and after a fault, so a board imports it late. A chip keeps SetParameters and
its baud rate over a reset of its host: nothing is taken for granted. Raising the speed can end in
four ways: both ends agree and a test of the line passes; the chip knows no such speed; one end has
missed the change; the wires do not carry it. In the last three the next lower speed is tried, from
wherever the chip is found again. UM0701-02 §7.2.1, §7.2.7, §7.2.9 to §7.2.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap.errors import Fault

if TYPE_CHECKING:
    from drivers.pn532 import Pn532

RESET_BAUDRATE = 115200
RAISED = (921600, 460800, 230400)
CODES = {115200: 4, 230400: 5, 460800: 6, 921600: 7}

LINE_TEST = b"\x00\x00"  # Diagnose, communication line test: the chip sends it back
PATTERN = b"\x00\xff\x55\xaa\x0f\xf0\x00\x80" * 4
GET_FIRMWARE_VERSION = b"\x02"
# AutoATR_RES, AutoRATS, ISO 14443-4 PICC; the chip answers RATS by itself and does the blocks.
SET_PARAMETERS = b"\x12\x34"
SET_SERIAL_BAUD_RATE = 0x10
SAM_CONFIGURATION = b"\x14\x01\x00\x01"  # normal mode: the SAM is not used; IRQ driven
# MxRtyATR, MxRtyPSL as after reset; passive activation is tried twice, then nobody is there.
RETRIES = b"\x32\x05\xff\x01\x01"
IC_PN532 = 0x32
PAUSE_MS = 2  # the chip changes its speed within 1 ms of our ACK


async def set_up(pn532: Pn532) -> None:
    """From whatever state to known parameters, field off, at the speed of `pn532.baudrate`.

    Raises Fault without a PN532, or with one that cannot be spoken to.
    """
    link = pn532.link
    await _find(pn532)
    for speed in RAISED:
        if link.bus.baudrate and link.bus.baudrate < speed <= pn532.baudrate:
            await _raise(pn532, speed)
    pn532.firmware_version = bytes(await link.command(GET_FIRMWARE_VERSION))
    if pn532.firmware_version[:1] != bytes([IC_PN532]):
        raise Fault("this is not a PN532")
    await link.command(SET_PARAMETERS)
    await link.command(RETRIES)
    pn532.type_a_only = False
    await pn532.field_off()


async def _find(pn532: Pn532) -> None:
    """Awake and out of LowVbat, at whatever speed it listens; if at none, it is restarted.

    Each speed is tried twice: the ACKs of the first round may be what a change has waited for.
    """
    bus = pn532.link.bus
    speeds = [bus.baudrate]
    fastest = max(bus.baudrate_max, pn532.baudrate)
    if bus.baudrate:
        others = (RESET_BAUDRATE,) + RAISED
        speeds += [speed for speed in others if speed != bus.baudrate and speed <= fastest]
    for speed in speeds * 2:
        if speed != bus.baudrate:
            bus.set_baudrate(speed)
        if await _answers(pn532):
            return
    restarted = await bus.restart()
    if not restarted and bus.baudrate:
        bus.set_baudrate(RESET_BAUDRATE)
    if not restarted or not await _answers(pn532):
        raise Fault("the PN532 gives no ACK at any speed")


async def _answers(pn532: Pn532) -> bool:
    """Whether it is there, and now in its normal mode."""
    await pn532.link.recover()
    try:
        await pn532.link.command(SAM_CONFIGURATION)
    except Fault:
        return False
    return True


async def _raise(pn532: Pn532, speed: int) -> None:
    """Change to `speed`; if that fails, find the chip again, and do not try so fast once more."""
    bus = pn532.link.bus
    try:
        await set_baudrate(pn532, speed)
    except Fault:
        pn532.baudrate = max([slower for slower in CODES if slower < speed])
        await bus.restart()
        await _find(pn532)


async def set_baudrate(pn532: Pn532, baudrate: int) -> None:
    """Change the speed of both ends; a Fault means that they may disagree."""
    link = pn532.link
    await link.command(bytes([SET_SERIAL_BAUD_RATE, CODES[baudrate]]))
    await link.confirm()
    link.bus.set_baudrate(baudrate)
    await link.clock.sleep_ms(PAUSE_MS)
    if bytes(await link.command(LINE_TEST, PATTERN)) != LINE_TEST[1:] + PATTERN:
        raise Fault("the line spoils bytes at this speed")
