# SPDX-License-Identifier: Apache-2.0
"""What the commands that write a board's flash have in common: the options that say which board,
the way to it, and what is shown while it lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from duotap_host.cli.commands.image import FILE, ROOT, check
from duotap_host.cli.desk import Desk
from duotap_host.flash import boot_drive, image
from duotap_host.flash.failures import NotUsable
from duotap_host.flash.geometry import BOARDS
from duotap_host.flash.image import Firmware
from duotap_host.flash.signed import Image

BOOTSEL_S = 120.0  # somebody looks for the button
LOOK_S = 0.5

Step = Callable[[str, int, int], object]

BOARD = click.option("--board", type=click.Choice(sorted(BOARDS)), help="What it is.")
INTERPRETER = click.option(
    "--micropython",
    "interpreter",
    metavar="FILE",
    type=FILE,
    help="The stock MicroPython 1.26 or newer: RPI_PICO .uf2, or ESP32_GENERIC .bin.",
)
DRIVE = click.option(
    "--drive", metavar="DIR", type=click.Path(path_type=Path), help="RP2040: its drive."
)
NO_STUB = click.option(
    "--no-stub", is_flag=True, help="ESP32: speak to the ROM, already in download mode."
)
UNSIGNED = (
    "nobody signed this image: name its --signature (duotap image sign makes one), or say"
    " --unsigned"
)


def SIGNED(function: Any) -> Any:
    """The options that `check_signed` is told of."""
    help_text = "Write an image that nobody signed."
    function = click.option("--unsigned", is_flag=True, help=help_text)(function)
    help_text = "Of this image (duotap image sign)."
    return click.option("--signature", metavar="FILE", type=FILE, help=help_text)(ROOT(function))


def image_of(
    desk: Desk,
    board: str,
    interpreter: Path,
    signature: Path | None,
    root: Path | None,
    unsigned: bool,
) -> tuple[bytes, Firmware]:
    """Interpreter and firmware that are to be written. FlashError."""
    content = interpreter.read_bytes()
    firmware = image.firmware(BOARDS[board].arch, board)
    check_signed(desk, board, content, firmware, signature, root, unsigned)
    return content, firmware


def check_signed(
    desk: Desk,
    board: str,
    interpreter: bytes,
    firmware: Firmware,
    signature: Path | None,
    root: Path | None,
    unsigned: bool,
) -> None:
    """FlashError unless the issuer has signed what is to be written, or nobody need have."""
    if signature is not None:
        check(desk, signature, Image.of(board, interpreter, firmware.digest), root)
    elif not unsigned:
        raise NotUsable(UNSIGNED)


def bootsel(desk: Desk) -> Path:
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


def drop(desk: Desk, whole: bytes, drive: Path | None) -> None:
    """A UF2 on the drive of an RP2040. FlashError."""
    place = drive or bootsel(desk)
    with bar(desk) as step:
        boot_drive.write(whole, place, step)


def esp32_chip(port: str | None, stub: bool) -> Any:
    """The ESP32 at a port (flash.esp32.Board). NotUsable."""
    try:
        from duotap_host.flash import esp32
    except ModuleNotFoundError:
        raise NotUsable("esptool is not installed: pip install 'duotap[esp32]'") from None
    if port is None:
        raise NotUsable("an ESP32 is flashed at its serial port: name PORT")
    return esp32.Board(port, stub)


@contextmanager
def bar(desk: Desk, doing: str = "flashing") -> Iterator[Step]:
    """Bytes and the time that is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=desk.console) as shown:
        task = shown.add_task(doing, total=None)
        yield lambda what, done, whole: shown.update(
            task, description=f"{doing} {what}", completed=done, total=whole
        )
