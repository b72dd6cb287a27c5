# SPDX-License-Identifier: Apache-2.0
"""`duotap policy`: narrower limits than the certificates', for all devices or for one."""

from __future__ import annotations

import rich_click as click
from duotap import messages
from duotap.fields import Limits

from duotap_host.cli.amounts import amount
from duotap_host.cli.desk import Desk
from duotap_host.cli.device_id import device_id
from duotap_host.ledger.local import now_us

LIMITS = "BALANCE PAYMENT COUNT SUM RECEIVED RECEIVED_SUM"


@click.command("policy")
@click.option("--device", metavar="ID", default="", help="Only this one; else all.")
@click.option(
    "--limits",
    nargs=6,
    type=(amount, amount, click.IntRange(0), amount, amount, amount),
    metavar=LIMITS,
    help="What may be held; of one payment, number and sum since a sync; the same as a payee.",
)
@click.option(
    "--ceiling",
    nargs=2,
    type=(amount, amount),
    metavar="FIRST MORE",
    help="What one press allows, and what each further press adds.",
)
@click.pass_obj
def command(
    desk: Desk,
    device: str,
    limits: tuple[int, ...] | None,
    ceiling: tuple[int, int] | None,
) -> None:
    """Sign a policy of today. Deposits bring it to devices, and those for all go on by taps."""
    if limits is None and ceiling is None:
        raise click.UsageError("give --limits or --ceiling")
    of = device_id(device) if device else None
    issuer = desk.issuer()
    epoch = issuer.epoch(now_us())
    policy = messages.Policy(of, epoch, ceiling, None if limits is None else Limits(*limits), None)
    issuer.bulletin.put(issuer.sign_list(policy))
    whom = device or "all devices"
    desk.console.print(f"Policy of epoch {epoch} for {whom}: deposits bring it.")
