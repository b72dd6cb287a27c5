# SPDX-License-Identifier: Apache-2.0
"""`duotap fleet`: the units of a list, what has become of them, and their labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click
from click.exceptions import Exit
from rich.table import Table

from duotap_host.cli.desk import FLEET, Desk
from duotap_host.cli.line import STOCK, write_label
from duotap_host.ledger.interface import LedgerError
from duotap_host.provision.manifest import Manifest, State, Unit
from duotap_host.provision.profile import describe

SHOWN = 20  # refusals that are told one by one
STATES = click.option(
    "--states",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=FLEET,
    show_default=True,
    help="Where duotap provision --manifest keeps them; of a factory key: DIR/fleet.sqlite.",
)


@click.group("fleet")
def command() -> None:
    """Units of a list that duotap provision --manifest makes.

    \b
    The list is a CSV file, one unit a line; its columns:
      unit               what it is called: 1 to 24 letters, digits, '-', '_', '.'
      role               person (a card) or stand
      holder, merchant   whose it is, a number: a card has the first, a stand the second
      name_en, name_zh   of a stand, the second may be empty; of a card on the label only
      balance_max, payment_max, total_max, count_max, received_max,
      received_total_max, load_cap, days
                         as the options of duotap provision; empty: its defaults
    """


@contextmanager
def _opened(path: Path) -> Iterator[Manifest]:
    manifest = Manifest(path)
    try:
        yield manifest
    finally:
        manifest.close()


@command.command("show")
@STATES
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only these.")
@click.pass_obj
def show(desk: Desk, states: Path, state: str | None) -> None:
    """List the units and what has become of them."""
    with _opened(states) as manifest:
        units, counts = manifest.units(), manifest.counts()
    table = Table("number", "unit", "for", "state", "device", box=None)
    for unit in units:
        if state in (None, unit.state.value):
            owner = describe(unit.profile.role, unit.profile.holder)
            device = unit.device.hex() or "-"
            table.add_row(str(unit.number), unit.name, owner, unit.state.value, device)
    desk.console.print(table)
    told = ", ".join(f"{count} {each}" for each, count in counts.items() if count)
    desk.console.print(f"Units: {told or 'none'}.")


@command.command("book")
@STATES
@click.pass_obj
def book(desk: Desk, states: Path) -> None:
    """Enter the confirmed devices of a factory in the ledger's book.

    To be done before the factory key ends and before the devices leave the factory. Doing it again
    changes nothing. What the ledger refuses is told, and the others are entered.
    """
    refused: list[str] = []
    with _opened(states) as manifest, desk.ledger() as ledger:
        units = [unit for unit in manifest.units() if unit.state is State.CONFIRMED]
        before = len(ledger.devices())
        for unit in units:
            try:
                ledger.register_device(unit.certificate)
            except LedgerError as error:
                refused.append(f"{unit.name} is refused: {error}")
        entered = len(ledger.devices()) - before
        waiting = manifest.counts()[State.UNCONFIRMED]
    for told in refused[:SHOWN]:
        desk.console.print(told, markup=False, soft_wrap=True)
    known = len(units) - entered - len(refused)
    desk.console.print(f"Entered {entered}, known before {known}, refused {len(refused)}.")
    if waiting:
        desk.console.print(f"{waiting} are not confirmed yet: they are not entered.")
    if refused:
        raise Exit(1)


@command.command("labels")
@STATES
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--unit", "unit_name", metavar="UNIT", help="Of this one only: its label is lost.")
@STOCK
@click.pass_obj
def labels(desk: Desk, states: Path, directory: Path, unit_name: str | None, stock: str) -> None:
    """Write the label of each confirmed unit to DIR/UNIT.svg."""
    with _opened(states) as manifest:
        units = manifest.units() if unit_name is None else (_named(manifest, unit_name),)
    confirmed = [unit for unit in units if unit.state is State.CONFIRMED]
    if unit_name is not None and not confirmed:
        raise click.ClickException(f"{unit_name} is {units[0].state}: it has no label")
    for unit in confirmed:
        write_label(directory, unit, stock)
    desk.console.print(f"Wrote {len(confirmed)} labels to {directory}.")


@command.command("retire")
@STATES
@click.argument("unit_name", metavar="UNIT")
@click.pass_obj
def retire(desk: Desk, states: Path, unit_name: str) -> None:
    """Give up UNIT, whose board is lost or broken. Its certificate is given to nobody else; make
    another unit in its place. A device that left the line is retired with duotap retire."""
    with _opened(states) as manifest:
        unit = _named(manifest, unit_name)
        if unit.state is not State.UNCONFIRMED:
            raise click.ClickException(f"{unit.name} is {unit.state}, not unconfirmed")
        manifest.retire(unit.device)
    desk.console.print(f"{unit.name} is retired.")


def _named(manifest: Manifest, name: str) -> Unit:
    for unit in manifest.units():
        if unit.name == name:
            return unit
    raise click.ClickException(f"there is no unit {name} in {manifest.path}")
