# SPDX-License-Identifier: Apache-2.0
"""`duotap wipe`: a board becomes an unprovisioned one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import rich_click as click

from duotap_host.cli import workbench
from duotap_host.cli.desk import RESCUE, Desk
from duotap_host.device.client import NEW, Client, Hello
from duotap_host.device.errors import NoAnswer, NoLine, NotUnderstood
from duotap_host.device.serial_line import SerialLine
from duotap_host.flash import deposited, image, kept, rp2040
from duotap_host.flash.failures import FlashError, JournalAtRisk, NotUsable
from duotap_host.flash.geometry import BOARDS, RP2040
from duotap_host.ledger.local import now_us

UNKNOWN = (
    "nobody knows whether this board holds a purse: duotap recover brings it back, and"
    " --discard-journal says that what is on it is lost anyway"
)
WHICH = "it is wiped by writing its flash: say what it is by --board and --micropython"


@click.command("wipe")
@click.argument("port", required=False)
@workbench.BOARD
@workbench.INTERPRETER
@workbench.DRIVE
@workbench.NO_STUB
@workbench.SIGNED
@click.option("--discard-journal", is_flag=True, help="Wipe even if a purse is lost by it.")
@click.pass_obj
def command(
    desk: Desk,
    /,
    port: str | None,
    board: str | None,
    interpreter: Path | None,
    drive: Path | None,
    no_stub: bool,
    discard_journal: bool,
    **signed: Any,
) -> None:
    """Take key, certificate and journal off the board at PORT.

    A device that answers is deposited first, and wiped only when it holds nothing. An ESP32 is
    written at PORT, an RP2040 plugged in with BOOTSEL held. Broken off, the same again goes on.
    """
    try:
        hello = None if port is None else _answers(port)
        if hello is not None and hello.state == NEW:
            desk.console.print("The board at the port is an unprovisioned one.")
            return
        if port is not None and hello is not None and hello.device and not discard_journal:
            _deposit(desk, port)
        is_free = discard_journal or hello is not None
        if board is None or interpreter is None:
            raise NotUsable(WHICH if is_free else f"nothing answers there; {WHICH}")
        written = workbench.image_of(desk, board, interpreter, **signed)
        _write(desk, port, board, *written, drive, not no_stub, is_free)
    except FlashError as error:
        raise click.ClickException(str(error)) from None
    if hello is not None and hello.device:
        kept.forget(RESCUE, hello.device)
    desk.console.print(f"{board} is wiped. Its first start takes up to 15 s.")


def _answers(port: str) -> Hello | None:
    try:
        with SerialLine(port) as line:
            return asyncio.run(Client(line).connect())
    except (NoAnswer, NotUnderstood, NoLine):
        return None


def _deposit(desk: Desk, port: str) -> None:
    """JournalAtRisk unless nothing can be lost."""
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger, SerialLine(port) as line:
        epoch = issuer.epoch(now_us())
        asyncio.run(deposited.deposit_all(Client(line), ledger, issuer, epoch))


def _write(
    desk: Desk,
    port: str | None,
    board: str,
    content: bytes,
    firmware: image.Firmware,
    drive: Path | None,
    stub: bool,
    is_free: bool,
) -> None:
    if BOARDS[board] is RP2040:
        whole = rp2040.combined(rp2040.interpreter(content), firmware)
        if not is_free:
            raise JournalAtRisk(UNKNOWN)
        workbench.drop(desk, whole, drive)
        return
    chip = workbench.esp32_chip(port, stub)
    from duotap_host.flash import esp32

    parts = esp32.pieces(content, board, firmware)
    if not is_free and esp32.has_journal(chip):
        raise JournalAtRisk(UNKNOWN)
    with workbench.bar(desk) as step:
        # The key goes first: without it the journal is worth nothing, and a start blanks it.
        chip.write([*reversed(parts), esp32.blank_journal()], step)
