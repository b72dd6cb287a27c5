# SPDX-License-Identifier: Apache-2.0
"""`duotap esp32-secure`: close an ESP32 by its fuses, or look whether it is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click
from click.exceptions import Exit

from duotap_host.cli.desk import Desk
from duotap_host.flash import esp32_fuses, linked, partitions
from duotap_host.flash.esp32_fuses import Chip
from duotap_host.flash.failures import FlashError

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEVER = "--burn-what-can-never-be-undone"


def _chip(function: Any) -> Any:
    function = click.argument("port", metavar="[PORT]", required=False)(function)
    says = "A file of virtual fuses (espefuse --virt)."
    path = click.Path(path_type=Path)
    function = click.option("--virtual", metavar="FILE", type=path, help=says)(function)
    says = "RSA-3072 (PEM), of espsecure generate-signing-key --version 2."
    return click.option("--signing-key", metavar="FILE", type=FILE, required=True, help=says)(
        function
    )


@click.group("esp32-secure")
def command() -> None:
    """Secure boot v2 and flash encryption of an ESP32, for a build of its own."""


@command.command("plan")
@_chip
@click.option("--flash-key", metavar="FILE", type=FILE, required=True, help="32 random bytes.")
@click.option(NEVER, "burns", is_flag=True, help="Burn the fuses; else only say what would be.")
@click.pass_obj
def plan(
    desk: Desk,
    port: str | None,
    virtual: Path | None,
    signing_key: Path,
    flash_key: Path,
    burns: bool,
) -> None:
    """Say which fuses close the chip at PORT, step by step."""
    try:
        if flash_key.stat().st_size != esp32_fuses.KEY_BYTES:
            raise click.ClickException(f"{flash_key} has not {esp32_fuses.KEY_BYTES} bytes")
        chip = _at(port, virtual)
        steps = esp32_fuses.left(chip, esp32_fuses.plan(signing_key, flash_key))
        for step in steps:
            words = f"espefuse {' '.join(step.arguments)}"
            desk.console.print(words, "  #", step.why, soft_wrap=True)
            if burns:
                esp32_fuses.burn(chip, step)
    except FlashError as error:
        raise click.ClickException(str(error)) from None
    told = "burned" if burns else f"to burn; nothing was, without {NEVER}"
    desk.console.print(f"{len(steps)} steps {told}.")


@command.command("check")
@_chip
@click.option("--table", metavar="FILE", type=FILE, help="Its partition table, if another (CSV).")
@click.pass_obj
def check(
    desk: Desk,
    port: str | None,
    virtual: Path | None,
    signing_key: Path,
    table: Path | None,
) -> None:
    """Say what is still open on the chip at PORT; status 1 when something is."""
    try:
        digest = esp32_fuses.signing_digest(signing_key)
        found = list(esp32_fuses.faults(_at(port, virtual).summary(), digest))
        rows = partitions.read_csv(table or linked.BOARDS / "locked" / "partitions_secure.csv")
        found += esp32_fuses.of_partitions(rows)
    except FlashError as error:
        raise click.ClickException(str(error)) from None
    for fault in found:
        desk.console.print(fault, soft_wrap=True)
    if found:
        raise Exit(1)
    desk.console.print("Closed: secure boot v2 by this key, flash encrypted, debugging shut.")


def _at(port: str | None, virtual: Path | None) -> Chip:
    if (port is None) == (virtual is None):
        raise click.UsageError("name PORT, or --virtual")
    return Chip(port or "", virtual)
