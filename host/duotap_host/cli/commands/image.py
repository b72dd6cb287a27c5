# SPDX-License-Identifier: Apache-2.0
"""`duotap image`: sign what is flashed, and verify a signature."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from duotap_host.cli.desk import Desk
from duotap_host.flash import image, signed
from duotap_host.flash.failures import FlashError
from duotap_host.flash.geometry import BOARDS
from duotap_host.issuer.store import public_key
from duotap_host.ledger.local import now_us

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
BOARD = click.option("--board", type=click.Choice(sorted(BOARDS)), required=True)
INTERPRETER = click.option(
    "--micropython", "interpreter", metavar="FILE", type=FILE, required=True, help="The same file."
)
ROOT = click.option(
    "--root", metavar="FILE", type=FILE, help="The issuer's public root key; else of --keys."
)


@click.group("image")
def command() -> None:
    """Sign the image of a board, or verify that the issuer signed it."""


@command.command("sign")
@BOARD
@INTERPRETER
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), required=True)
@click.pass_obj
def sign(desk: Desk, board: str, interpreter: Path, out: Path) -> None:
    """Let an image out: this firmware with that interpreter, on boards of this kind."""
    wanted = of(board, interpreter)
    out.write_bytes(signed.sign(wanted, desk.issuer()))
    desk.console.print(f"{out}: firmware {wanted.firmware.hex()} for {board}.")


@command.command("verify")
@BOARD
@INTERPRETER
@click.option("--signature", metavar="FILE", type=FILE, required=True)
@ROOT
@click.pass_obj
def verify(desk: Desk, board: str, interpreter: Path, signature: Path, root: Path | None) -> None:
    """Say whether the issuer let this image out."""
    wanted = of(board, interpreter)
    check(desk, signature, wanted, root)
    desk.console.print(f"Signed: firmware {wanted.firmware.hex()} for {board}.")


def of(board: str, interpreter: Path) -> signed.Image:
    """The image that `duotap flash` makes of these."""
    digest = image.firmware(BOARDS[board].arch, board).digest
    return signed.Image.of(board, interpreter.read_bytes(), digest)


def check(desk: Desk, signature: Path, wanted: signed.Image, root: Path | None) -> None:
    """ClickException unless it holds. A root alone knows no epoch, so no expiry either."""
    roots: tuple[bytes, ...]
    try:
        if root is not None:
            roots, epoch = (public_key(root.read_bytes()),), 0
        else:
            issuer = desk.issuer()
            roots, epoch = issuer.roots, issuer.epoch(now_us())
        signed.check(signature.read_bytes(), wanted, roots, epoch)
    except ValueError:
        raise click.ClickException(f"{root} is not a public key of P-256") from None
    except FlashError as error:
        raise click.ClickException(str(error)) from None
