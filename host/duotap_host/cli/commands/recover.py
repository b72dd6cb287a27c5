# SPDX-License-Identifier: Apache-2.0
"""`duotap recover`: a board that does not come up any more works again, with its purse."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import rich_click as click

from duotap_host.cli import workbench
from duotap_host.cli.commands.image import FILE
from duotap_host.cli.desk import RESCUE, Desk
from duotap_host.device.client import READY, STOPPED, Client, Hello
from duotap_host.device.deposit import deposit
from duotap_host.device.errors import DeviceError, NoAnswer, NoLine, NotUnderstood
from duotap_host.device.serial_line import SerialLine
from duotap_host.flash import image, kept, prompt, rescue, rp2040
from duotap_host.flash.failures import FlashError, NotUsable
from duotap_host.flash.geometry import BLOCK_BYTES, BOARDS, ESP32, RP2040
from duotap_host.flash.rebuilt import rebuilt
from duotap_host.flash.rescue import Left
from duotap_host.flash.stock import NotReadable
from duotap_host.ledger.local import now_us
from duotap_host.money import show as money
from duotap_host.provision.profile import describe

START_S = 30.0  # the first start after flashing takes up to 15 s
LOOK_S = 0.5
AGAIN = "Switch the board off and on, then: duotap recover {port}"
NO_DUMP = (
    "nothing at {port} answers, and there is no prompt: hold BOOTSEL and plug the board in, read"
    " it with `picotool save --all dump.uf2`, then give --dump dump.uf2 to this command"
)


@click.command("recover")
@click.argument("port")
@workbench.BOARD
@workbench.INTERPRETER
@workbench.DRIVE
@workbench.NO_STUB
@workbench.SIGNED
@click.option("--dump", metavar="FILE", type=FILE, help="RP2040: all of its flash.")
@click.pass_obj
def command(
    desk: Desk,
    /,
    port: str,
    board: str | None,
    interpreter: Path | None,
    drive: Path | None,
    no_stub: bool,
    dump: Path | None,
    **signed: Any,
) -> None:
    """Bring the device at PORT back, whatever is left of it.

    Of one that answers it is told whose it is, and it is deposited. Of another the flash is read:
    its journal and its key are kept, everything else is written anew around them. Broken off, the
    same again goes on.
    """
    try:
        found = _answers(port)
        if found is None:
            if board is None or interpreter is None:
                raise NotUsable(
                    f"nothing at {port} answers: say what it is by --board and --micropython"
                )
            written = workbench.image_of(desk, board, interpreter, **signed)
            if BOARDS[board] is RP2040:
                _rp2040(desk, port, *written, drive, dump)
            else:
                _esp32(desk, port, board, *written, not no_stub)
                if no_stub:
                    desk.console.print(AGAIN.format(port=port))
                    return
            found = _wait(port)
        _tell_answer(desk, port, found)
    except (FlashError, NotReadable) as error:
        raise click.ClickException(str(error)) from None


def _answers(port: str) -> Hello | None:
    try:
        with SerialLine(port) as line:
            return asyncio.run(Client(line).connect())
    except (NoAnswer, NotUnderstood, NoLine):
        return None


def _wait(port: str) -> Hello:
    """What answers after a start. NoAnswer."""
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        found = _answers(port)
        if found is not None:
            return found
        time.sleep(LOOK_S)
    raise NoAnswer(f"all is written, but nothing answers: {AGAIN.format(port=port)}")


# A device that answers


def _tell_answer(desk: Desk, port: str, hello: Hello) -> None:
    if not hello.device:
        desk.console.print(f"A board without a purse answers: duotap provision {port}")
        return
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger:
        device = ledger.device(hello.device)
        with SerialLine(port) as line:
            epoch = issuer.epoch(now_us())
            done = asyncio.run(deposit(Client(line), ledger, issuer, epoch))
    desk.console.print(
        f"Device {device.id.hex()} answers: {describe(device.role, device.holder)}, holds"
        f" {money(done.balance)}."
    )
    kept.forget(RESCUE, device.id)
    if hello.state in STOPPED:
        raise DeviceError(
            f"its journal is {hello.state}, and deposited: replace the device, and let the ledger"
            f" pay for it: duotap lost report {device.id.hex()} --reason {hello.state}"
        )
    if hello.state == READY:
        desk.console.print("It works; its journal is deposited.")


# One that does not


def _esp32(
    desk: Desk, port: str, board: str, interpreter: bytes, firmware: image.Firmware, stub: bool
) -> None:
    chip = workbench.esp32_chip(port, stub)
    from duotap_host.flash import esp32

    esp32.pieces(interpreter, board, firmware)  # refused before anything is read
    at, size = ESP32.journal_at, ESP32.journal_blocks * BLOCK_BYTES
    with workbench.bar(desk, "reading") as step:
        whole = chip.read(at, size + ESP32.files_blocks * BLOCK_BYTES, step)
    left = rescue.look(whole[size:], ESP32, whole[:size])
    if left.device:
        left = kept.either(RESCUE, left, whole[size:])
    _check(desk, port, left)
    files = rebuilt(firmware, ESP32, left.files, ())
    with workbench.bar(desk) as step:
        chip.write(esp32.pieces(interpreter, board, firmware, files), step)


def _rp2040(
    desk: Desk,
    port: str,
    interpreter: bytes,
    firmware: image.Firmware,
    drive: Path | None,
    dump: Path | None,
) -> None:
    base = rp2040.interpreter(interpreter)
    if dump is None:
        try:
            with workbench.bar(desk) as step:
                count = prompt.put(port, firmware, step)
        except prompt.NoPrompt:
            raise NotUsable(NO_DUMP.format(port=port)) from None
        desk.console.print(f"{count} files are written anew; the board restarts.")
        return
    left = rescue.look(rp2040.dumped(dump.read_bytes()), RP2040)
    _check(desk, port, left)
    files = rebuilt(firmware, RP2040, left.files, left.blocks)
    workbench.drop(desk, rp2040.combined(base, firmware, files, left.blocks), drive)


def _check(desk: Desk, port: str, left: Left) -> None:
    """Say what was found. NotUsable where it is not enough to go on, with what to do."""
    state = "whole" if left.mounts else "broken"
    journal = "damaged" if left.damaged else "whole" if left.device else "empty"
    key = "there" if left.has_key else "not there"
    desk.console.print(f"The file system is {state}, the journal {journal}, the key {key}.")
    if not left.device and not left.has_key:
        raise NotUsable(
            "there is no purse on this board: flash it as a new one, with --discard-journal"
        )
    if not left.device:
        return
    assert left.certificate is not None
    who = describe(left.certificate.role, left.certificate.holder)
    desk.console.print(
        f"By its journal it is device {left.device.hex()}, {who}, and holds {money(left.balance)}."
    )
    if not left.has_key:
        path = kept.put(RESCUE, f"{left.device.hex()}.journal", left.journal)
        raise NotUsable(
            f"its key is lost, so it never signs again; its journal is kept in {path}. Let the"
            f" ledger pay for it: duotap lost report {left.device.hex()} --reason dead"
        )
