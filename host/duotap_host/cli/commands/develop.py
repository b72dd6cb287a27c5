# SPDX-License-Identifier: Apache-2.0
"""`duotap develop`: what changed goes to a board that runs a development build."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli.desk import Desk
from duotap_host.flash import develop, image
from duotap_host.flash.failures import FlashError
from duotap_host.flash.geometry import BOARDS


@click.command("develop")
@click.argument("port", metavar="PORT")
@click.option("--board", type=click.Choice(sorted(BOARDS)), required=True, help="What it is.")
@click.pass_obj
def command(desk: Desk, port: str, board: str) -> None:
    """Copy the files that changed since the board at PORT was flashed with --develop.

    By mpremote; key and journal of the device stay.
    """
    firmware = image.firmware(BOARDS[board].arch, board).for_development()
    try:
        done = develop.copy(port, firmware)
    except FlashError as error:
        raise click.ClickException(str(error)) from None
    desk.console.print(f"{done.files - done.same} of {done.files} files copied.")
