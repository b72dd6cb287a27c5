# SPDX-License-Identifier: Apache-2.0
"""`duotap ledger`: is the book right?"""

from __future__ import annotations

import rich_click as click
from rich.table import Table

from duotap_host.cli.desk import Desk
from duotap_host.ledger.interface import LedgerError, Trial
from duotap_host.money import show as money


@click.group("ledger")
def command() -> None:
    """Is the book right?"""


@command.command("check")
@click.pass_obj
def check(desk: Desk) -> None:
    """Print the trial balance; fail if a rule of the book does not hold."""
    with desk.ledger() as ledger:
        trial = ledger.check()
    desk.console.print(balance(trial))
    desk.console.print(summary(trial))
    if trial.failures:
        for failure in trial.failures:
            desk.console.print(f"  {failure}", style="red")
        raise LedgerError(f"the book is wrong: {trial.failures[0]}")
    desk.console.print("The trial balance closes.")


def balance(trial: Trial) -> Table:
    """Every account that was ever moved."""
    table = Table("account", box=None, show_footer=True)
    table.columns[0].footer = "total"
    for column, total in (
        ("debits", money(trial.debits)),
        ("credits", money(trial.credits)),
        ("balance", money(trial.credits - trial.debits)),
    ):
        table.add_column(column, total, justify="right")
    for each in trial.accounts:
        if each.debits_posted or each.credits_posted:
            amounts = (each.debits_posted, each.credits_posted, each.balance)
            table.add_row(each.name, *map(money, amounts))
    return table


def summary(trial: Trial) -> str:
    """Where the money is that issuance gave out."""
    return (
        f"In circulation {money(trial.circulating)}: accounts {money(trial.held)},"
        f" purses {money(trial.in_purses)}, under way {money(trial.under_way)},"
        f" loads under way {money(trial.loads_under_way)}."
    )
