# SPDX-License-Identifier: Apache-2.0
"""`duotap retire`: a device goes out of service, and its value home."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli import cable
from duotap_host.cli.desk import Desk
from duotap_host.device.load import home
from duotap_host.device.retire import retire
from duotap_host.ledger.local import now_us
from duotap_host.money import show as money


@click.command("retire")
@cable.PORT
@click.pass_obj
def command(desk: Desk, port: str) -> None:
    """Deposit the device at PORT, bring its value home, and close it in the ledger's book.

    The next deny list lists it, and nothing is signed for it any more. Broken off, the same again
    goes on.
    """
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger:
        epoch = issuer.epoch(now_us())
        done = cable.visit(
            desk,
            port,
            lambda client, tell: retire(client, ledger, issuer, epoch, tell),
            "retiring",
        )
        account = home(ledger.device(done.device))
    out = desk.console.print
    out(f"Device {done.device.hex()} {'is' if done.is_new else 'was already'} retired.")
    if done.amount:
        out(f"{money(done.amount)} went home to {account}.")
    out("duotap deny publish lists it; duotap wipe makes an unprovisioned board of it.")
