# SPDX-License-Identifier: Apache-2.0
"""`duotap flash`: a board gets MicroPython and our firmware."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from duotap_host.cli.commands.image import FILE, ROOT, check
from duotap_host.cli.desk import Desk
from duotap_host.device.client import Client
from duotap_host.device.errors import NoLine
from duotap_host.device.serial_line import SerialLine
from duotap_host.flash import boot_drive, deposited, image, rp2040
from duotap_host.flash.failures import FlashError, JournalAtRisk, NotUsable
from duotap_host.flash.geometry import BOARDS, RP2040
from duotap_host.flash.signed import Image
from duotap_host.ledger.local import now_us

BOOTSEL_S = 120.0  # somebody looks for the button
LOOK_S = 0.5
UNKNOWN = (
    "nobody knows whether this board holds a purse: name the PORT where it runs, or say"
    " --discard-journal if it is new or its journal is lost anyway"
)

UNSIGNED = (
    "nobody signed this image: name its --signature (duotap image sign makes one), or say"
    " --unsigned"
)

Step = Callable[[str, int, int], object]


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
@click.option("--signature", metavar="FILE", type=FILE, help="Of this image (duotap image sign).")
@ROOT
@click.option("--unsigned", is_flag=True, help="Flash an image that nobody signed.")
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
        elif signature is not None:
            check(desk, signature, Image.of(board, content, firmware.digest), root)
        elif not unsigned:
            raise NotUsable(UNSIGNED)
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
    place = drive or _bootsel(desk)
    with _bar(desk) as step:
        boot_drive.write(whole, place, step)
    _done(desk, board)


def _bootsel(desk: Desk) -> Path:
    """Wait for a board to be plugged in with its button held."""
    desk.console.print("Hold BOOTSEL and plug the board in.")
    ends = time.monotonic() + BOOTSEL_S
    while True:
        try:
            return boot_drive.find()
        except NotUsable:
            if time.monotonic() > ends:
                raise
            time.sleep(LOOK_S)


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
    try:
        from duotap_host.flash import esp32
    except ModuleNotFoundError:
        raise NotUsable("esptool is not installed: pip install 'duotap[esp32]'") from None
    if port is None:
        raise NotUsable("an ESP32 is flashed at its serial port: name PORT")
    parts = esp32.pieces(content, board, firmware)
    chip = esp32.Board(port, stub)
    if not discard and not _is_free(desk, port) and esp32.has_journal(chip):
        raise JournalAtRisk(UNKNOWN)
    with _bar(desk) as step:
        chip.write(parts, step)
    _done(desk, board)


def _is_free(desk: Desk, port: str) -> bool:
    """Whether what runs there may be overwritten; False if nobody answers. JournalAtRisk."""
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
    desk.console.print(f"{board} is flashed. Its first start takes up to 15 s; then provision it.")


@contextmanager
def _bar(desk: Desk) -> Iterator[Step]:
    """Bytes and the time that is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=desk.console) as bar:
        task = bar.add_task("flashing", total=None)
        yield lambda what, done, whole: bar.update(
            task, description=f"flashing {what}", completed=done, total=whole
        )
