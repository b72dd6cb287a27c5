# SPDX-License-Identifier: Apache-2.0
"""`duotap flash`: a board gets MicroPython and our firmware."""

from __future__ import annotations

import asyncio
from pathlib import Path

import rich_click as click

from duotap_host.cli import workbench
from duotap_host.cli.desk import Desk
from duotap_host.device.client import Client
from duotap_host.device.errors import NoLine
from duotap_host.device.serial_line import SerialLine
from duotap_host.flash import boot_drive, deposited, image, rp2040
from duotap_host.flash.failures import FlashError, JournalAtRisk
from duotap_host.flash.geometry import BOARDS, RP2040
from duotap_host.ledger.local import now_us

UNKNOWN = (
    "nobody knows whether this board holds a purse: name the PORT where it runs, or say"
    " --discard-journal if it is new or its journal is lost anyway"
)


@click.command("flash")
@click.argument("port", metavar="[PORT]", required=False)
@click.option("--board", type=click.Choice(sorted(BOARDS)), required=True, help="What it is.")
@click.option(
    "--micropython",
    "interpreter",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The stock MicroPython 1.26 or newer: RPI_PICO .uf2, or ESP32_GENERIC .bin.",
)
@click.option("--drive", metavar="DIR", type=click.Path(path_type=Path), help="RP2040: its drive.")
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="RP2040: the UF2 only."
)
@click.option("--no-stub", is_flag=True, help="ESP32: speak to the ROM, already in download mode.")
@workbench.SIGNED
@click.option("--discard-journal", is_flag=True, help="Flash even if a purse may be lost by it.")
@click.option("--develop", is_flag=True, help="A build that can be left for a prompt; no money.")
@click.pass_obj
def command(
    desk: Desk,
    port: str | None,
    board: str,
    interpreter: Path,
    drive: Path | None,
    out: Path | None,
    no_stub: bool,
    signature: Path | None,
    root: Path | None,
    unsigned: bool,
    discard_journal: bool,
    develop: bool,
) -> None:
    """Flash a stock MicroPython and the firmware of a BOARD.

    The image needs the issuer's signature. What runs at PORT is asked first: a device with a purse
    is deposited, and flashed only when it holds nothing. An RP2040 is then plugged in with BOOTSEL
    held; an ESP32 is flashed at PORT.
    """
    try:
        content = interpreter.read_bytes()
        firmware = image.firmware(BOARDS[board].arch, board)
        if develop:
            firmware = firmware.for_development()
        else:
            workbench.check_signed(desk, board, content, firmware, signature, root, unsigned)
        if BOARDS[board] is not RP2040:
            _esp32(desk, port, board, content, firmware, not no_stub, discard_journal)
            return
        whole = rp2040.combined(rp2040.interpreter(content), firmware)
        if out is not None:
            out.write_bytes(whole)
            desk.console.print(f"{out}: {len(whole)} bytes for {board}.")
            return
        _drop(desk, port, board, whole, drive, discard_journal)
    except FlashError as error:
        raise click.ClickException(str(error)) from None


def _drop(
    desk: Desk, port: str | None, board: str, whole: bytes, drive: Path | None, discard: bool
) -> None:
    """An RP2040, by its boot drive."""
    if drive is not None:
        boot_drive.check(drive)
    if not discard and (port is None or not _is_free(desk, port)):
        raise JournalAtRisk(UNKNOWN)
    workbench.drop(desk, whole, drive)
    _done(desk, board)


def _esp32(
    desk: Desk,
    port: str | None,
    board: str,
    content: bytes,
    firmware: image.Firmware,
    stub: bool,
    discard: bool,
) -> None:
    """An ESP32, by its ROM's boot loader."""
    chip = workbench.esp32_chip(port, stub)
    from duotap_host.flash import esp32

    parts = esp32.pieces(content, board, firmware)
    if not discard and not _is_free(desk, port) and esp32.has_journal(chip):
        raise JournalAtRisk(UNKNOWN)
    with workbench.bar(desk) as step:
        chip.write(parts, step)
    _done(desk, board)


def _is_free(desk: Desk, port: str | None) -> bool:
    """Whether what runs there may be overwritten; False if nobody answers. JournalAtRisk."""
    if port is None:
        return False
    try:
        with SerialLine(port) as line:
            device = asyncio.run(deposited.answers(Client(line)))
    except NoLine:
        return False
    if device:
        issuer = desk.issuer()
        issuer.unlock()
        with desk.ledger() as ledger, SerialLine(port) as line:
            epoch = issuer.epoch(now_us())
            asyncio.run(deposited.deposit_all(Client(line), ledger, issuer, epoch))
    return device is not None


def _done(desk: Desk, board: str) -> None:
    start = "a second" if BOARDS[board] is RP2040 else "up to 15 s"
    desk.console.print(f"{board} is flashed. Its first start takes {start}; then provision it.")
