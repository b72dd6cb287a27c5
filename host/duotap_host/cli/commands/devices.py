# SPDX-License-Identifier: Apache-2.0
"""`duotap devices`: what was provisioned."""

from __future__ import annotations

import rich_click as click
from duotap.fields import ROLE_STAND
from rich.table import Table

from duotap_host.cli.desk import Desk
from duotap_host.ledger import codes
from duotap_host.money import show as money

CLASSES = ("none", "count", "bound")  # PROTOCOL.md §3


@click.command("devices")
@click.pass_obj
def command(desk: Desk) -> None:
    """List the devices in the ledger's book."""
    with desk.ledger() as ledger:
        devices = ledger.devices()
        balances = {account.name: account.balance for account in ledger.accounts()}
    if not devices:
        desk.console.print("No device is provisioned yet.")
        return
    table = Table("device", "role", "of", "rollback class", "state", box=None)
    table.add_column("booked in its purse", justify="right")
    for device in devices:
        is_stand = device.role == ROLE_STAND
        owner = (codes.merchant if is_stand else codes.wallet)(device.holder)
        table.add_row(
            device.id.hex(),
            "stand" if is_stand else "person",
            owner,
            CLASSES[device.rollback_class],
            str(device.state),
            money(balances.get(codes.purse(device.id), 0)),
        )
    desk.console.print(table)
