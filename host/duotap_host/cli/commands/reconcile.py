# SPDX-License-Identifier: Apache-2.0
"""`duotap reconcile`: book what the deposited journals say."""

from __future__ import annotations

from collections.abc import Sequence

import rich_click as click

from duotap_host.cli.commands.findings import show
from duotap_host.cli.desk import Desk
from duotap_host.ledger.interface import LedgerError


@click.command("reconcile")
@click.option(
    "--from-scratch",
    "is_anew",
    is_flag=True,
    help="Look at the whole archive, not at what is new.",
)
@click.option("--zh", "is_chinese", is_flag=True, help="Findings in Chinese.")
@click.pass_obj
def command(desk: Desk, is_anew: bool, is_chinese: bool) -> None:
    """Book what the deposited journals say, and tell what they contradict.

    With --from-scratch, fail where what earlier runs worked out differs from what the whole
    archive says; the book then follows the archive.
    """
    differences: Sequence[str] = ()
    with desk.ledger() as ledger:
        if is_anew:
            done, differences = ledger.reconcile_anew()
        else:
            done = ledger.reconcile()
    desk.console.print(f"Booked {_count(done.transfers, 'transfer')}.")
    if done.corrections:
        desk.console.print(f"Took back {_count(done.corrections, 'transfer')} booked before.")
    if done.refused:
        desk.console.print(f"Could not take back {_count(done.refused, 'settlement')}.")
    show(desk.console, done.findings, is_chinese)
    for line in differences:
        desk.console.print(f"  {line}", style="red", soft_wrap=True)
    if differences:
        raise LedgerError(f"earlier runs differed from the archive: {differences[0]}")
    if is_anew:
        desk.console.print("Earlier runs came to the same.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
