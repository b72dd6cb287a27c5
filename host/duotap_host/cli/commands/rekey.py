# SPDX-License-Identifier: Apache-2.0
"""`duotap rekey`: a new key makes a new device, which takes the place of a retired one."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli import cable
from duotap_host.cli.amounts import TAKES_AMOUNT, amount
from duotap_host.cli.desk import Desk
from duotap_host.cli.device_id import device_id
from duotap_host.device.load import load
from duotap_host.ledger import ids
from duotap_host.ledger.local import now_us
from duotap_host.money import show as money
from duotap_host.provision.profile import describe
from duotap_host.provision.rekeying import rekey


@click.command("rekey", context_settings=TAKES_AMOUNT)
@cable.PORT
@click.option("--from", "old", metavar="DEVICE", required=True, help="The retired one's id.")
@click.option("--load", "value", type=amount, help="Bring this much from home to the new one.")
@click.pass_obj
def command(desk: Desk, port: str, old: str, value: int | None) -> None:
    """Make the unprovisioned board at PORT what a retired DEVICE was: whose, its names and limits.

    No counter goes on: it is a new device with a key of its own. What the old one held went home
    when it was retired; the ledger loads it to the new one. Broken off, the same again goes on.
    """
    before = device_id(old)
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger:
        epoch = issuer.epoch(now_us())
        done = cable.visit(
            desk,
            port,
            lambda client, _tell: rekey(client, ledger, issuer, epoch, before),
            "provisioning",
        )
        desk.console.print(
            f"Device {done.device.id.hex()} is {describe(done.device.role, done.device.holder)},"
            f" in the place of {old}."
        )
        if value:
            request = ids.digest("rekey", before)
            loaded = cable.visit(
                desk,
                port,
                lambda client, tell: load(
                    client, ledger, issuer, epoch, value, request=request, tell=tell
                ),
                "loading",
            )
            desk.console.print(f"It holds {money(loaded.balance)}.")
