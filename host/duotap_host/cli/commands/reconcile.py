# SPDX-License-Identifier: Apache-2.0
"""`duotap reconcile`: book what the deposited journals say."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli.commands.findings import show
from duotap_host.cli.desk import Desk


@click.command("reconcile")
@click.option("--zh", "is_chinese", is_flag=True, help="Findings in Chinese.")
@click.pass_obj
def command(desk: Desk, is_chinese: bool) -> None:
    """Book what the deposited journals say, and tell what they contradict."""
    with desk.ledger() as ledger:
        done = ledger.reconcile()
    desk.console.print(f"Booked {_count(done.transfers, 'transfer')}.")
    if done.corrections:
        desk.console.print(f"Took back {_count(done.corrections, 'transfer')} booked before.")
    if done.refused:
        desk.console.print(f"Could not take back {_count(done.refused, 'settlement')}.")
    show(desk.console, done.findings, is_chinese)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
