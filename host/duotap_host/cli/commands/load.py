# SPDX-License-Identifier: Apache-2.0
"""`duotap load`: from an account at the ledger into a device's purse."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli import cable
from duotap_host.cli.amounts import TAKES_AMOUNT, amount
from duotap_host.cli.desk import Desk
from duotap_host.device.load import load
from duotap_host.ledger.local import now_us
from duotap_host.money import show as money


@click.command("load", context_settings=TAKES_AMOUNT)
@cable.PORT
@click.argument("amount", type=amount)
@click.option("--from", "account", metavar="ACCOUNT", default="", help="Not the holder's own.")
@click.pass_obj
def command(desk: Desk, port: str, amount: int, account: str) -> None:
    """Load AMOUNT (such as 200 or 66.60) onto the device at PORT, from its holder's account.

    Once the load is signed it is under way: if the cable breaks then, it goes to the device with
    its next deposit, and is not to be loaded again.
    """
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger:
        epoch = issuer.epoch(now_us())
        done = cable.visit(
            desk,
            port,
            lambda client, tell: load(client, ledger, issuer, epoch, amount, account, tell=tell),
            "loading",
        )
        left = ledger.account(done.account).balance
    desk.console.print(
        f"Loaded {money(amount)}: device {done.device.hex()} holds {money(done.balance)},"
        f" {done.account} {money(left)}."
    )
