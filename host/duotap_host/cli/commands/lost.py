# SPDX-License-Identifier: Apache-2.0
"""`duotap lost`: devices that do not come back, and what is paid for them after the wait."""

from __future__ import annotations

import rich_click as click
from rich.table import Table

from duotap_host.cli.desk import Desk
from duotap_host.cli.device_id import device_id
from duotap_host.ledger.interface import LossReason
from duotap_host.money import show as money


@click.group("lost")
def command() -> None:
    """Devices that are lost, dead, damaged or quarantined."""


@command.command("report")
@click.argument("device")
@click.option(
    "--reason",
    type=click.Choice([str(reason) for reason in LossReason]),
    default=str(LossReason.LOST),
    show_default=True,
)
@click.pass_obj
def report(desk: Desk, device: str, reason: str) -> None:
    """Sign nothing for DEVICE any more, and begin to wait."""
    with desk.ledger() as ledger:
        due = ledger.report_lost(device_id(device), LossReason(reason))
    desk.console.print(f"Noted. What it holds is paid out from epoch {due} on.")


@command.command("found")
@click.argument("device")
@click.pass_obj
def found(desk: Desk, device: str) -> None:
    """DEVICE is back before anything was paid for it."""
    with desk.ledger() as ledger:
        ledger.report_found(device_id(device))
    desk.console.print("Noted. It is a device like any other again.")


@command.command("pay")
@click.argument("device")
@click.pass_obj
def pay(desk: Desk, device: str) -> None:
    """Pay what DEVICE held to its holder, and from the guarantee those who wait for it."""
    with desk.ledger() as ledger:
        ledger.reconcile()
        paid = ledger.pay_lost(device_id(device))
    for each in paid:
        desk.console.print(f"{money(each.amount)} from {each.debit} to {each.credit}.")
    if not paid:
        desk.console.print("There is nothing to pay.")


@command.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List lost devices, and from which epoch on they are paid for."""
    with desk.ledger() as ledger:
        losses = [(loss, ledger.due_epoch(loss.device)) for loss in ledger.losses()]
    if not losses:
        desk.console.print("No device is lost.")
        return
    table = Table("device", "reason", "paid from epoch", box=None)
    for loss, due in losses:
        table.add_row(loss.device.hex(), str(loss.reason), str(due))
    desk.console.print(table)
