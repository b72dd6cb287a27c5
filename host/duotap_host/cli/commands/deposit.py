# SPDX-License-Identifier: Apache-2.0
"""`duotap deposit`: bring a journal to the ledger, and the ledger's news to the device."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli import cable
from duotap_host.cli.desk import Desk
from duotap_host.device.deposit import Deposit, deposit
from duotap_host.ledger.local import now_us
from duotap_host.money import show as money


@click.command("deposit")
@cable.PORT
@click.pass_obj
def command(desk: Desk, port: str) -> None:
    """Deposit the journal of the device at PORT, and hand over what the ledger has for it.

    Broken off anywhere, the same command goes on. `duotap reconcile` books what came.
    """
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger:
        epoch = issuer.epoch(now_us())
        done = cable.visit(
            desk,
            port,
            lambda client, tell: deposit(client, ledger, issuer, epoch, tell),
            "depositing",
        )
    _tell(desk, done)


def _tell(desk: Desk, done: Deposit) -> None:
    out = desk.console.print
    out(f"Device {done.device.hex()}: {done.records} new records, {done.handed} handed over.")
    out(f"It holds {money(done.balance)}; its battery is at {done.battery} %.")
    for note in done.notes:
        out(f"[yellow]{note}[/]", soft_wrap=True)
    if not done.covers:
        out("[yellow]A part of its journal is missing: nothing after it is booked.[/]")
