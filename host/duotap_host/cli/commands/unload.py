# SPDX-License-Identifier: Apache-2.0
"""`duotap unload`: from a device's purse home, to its holder's or merchant's account."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli import cable
from duotap_host.cli.amounts import TAKES_AMOUNT, amount
from duotap_host.cli.desk import Desk
from duotap_host.device.unload import unload
from duotap_host.ledger.local import now_us
from duotap_host.money import show as money


@click.command("unload", context_settings=TAKES_AMOUNT)
@cable.PORT
@click.argument("amount", type=amount, required=False, default=None)
@click.option("--all", "everything", is_flag=True, help="Whatever the device holds.")
@click.pass_obj
def command(desk: Desk, port: str, amount: int | None, everything: bool) -> None:
    """Bring AMOUNT (such as 200 or 66.60) of the device at PORT home, to its holder's account.

    Once the device has signed, its purse holds less: if the cable breaks then, the money arrives
    with the next deposit, and is not to be unloaded again.
    """
    if (amount is None) != everything:
        raise click.UsageError("give either AMOUNT or --all")
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger:
        epoch = issuer.epoch(now_us())
        done = cable.visit(
            desk,
            port,
            lambda client, tell: unload(client, ledger, issuer, epoch, amount or 0, tell=tell),
            "unloading",
        )
        ledger.reconcile()
        left = ledger.account(done.account).balance
    desk.console.print(
        f"Unloaded {money(done.amount)}: device {done.device.hex()} holds {money(done.balance)},"
        f" {done.account} {money(left)}."
    )
