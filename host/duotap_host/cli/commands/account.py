# SPDX-License-Identifier: Apache-2.0
"""`duotap account`: wallets of holders and accounts of merchants."""

from __future__ import annotations

import rich_click as click
from rich.table import Table

from duotap_host.cli.amounts import TAKES_AMOUNT, amount
from duotap_host.cli.desk import Desk
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.interface import Account
from duotap_host.money import show as money

OF_PEOPLE = (AccountCode.WALLET, AccountCode.MERCHANT)


@click.group("account")
def command() -> None:
    """Wallets of holders and accounts of merchants."""


@command.command("open")
@click.option("--holder", type=int, metavar="NUMBER", help="Open a wallet for this holder.")
@click.option("--merchant", type=int, metavar="NUMBER", help="Open an account for this merchant.")
@click.option("--name", default="", help="What people call it.")
@click.pass_obj
def open_(desk: Desk, holder: int | None, merchant: int | None, name: str) -> None:
    """Open a holder's wallet or a merchant's account."""
    if (holder is None) == (merchant is None):
        raise click.UsageError("give either --holder or --merchant")
    code = AccountCode.WALLET if holder is not None else AccountCode.MERCHANT
    with desk.ledger() as ledger:
        account = ledger.open_account(code, holder or merchant or 0, name)
    desk.console.print(f"{account.name} is open.")


@command.command("fund", context_settings=TAKES_AMOUNT)
@click.argument("account")
@click.argument("amount", type=amount)
@click.pass_obj
def fund(desk: Desk, account: str, amount: int) -> None:
    """Bring AMOUNT (such as 200 or 66.60) from issuance to ACCOUNT (such as wallet:7)."""
    with desk.ledger() as ledger:
        funded = ledger.fund(account, amount)
    desk.console.print(f"{funded.name} holds {money(funded.balance)}.")


@command.command("show")
@click.argument("account", required=False)
@click.option("--all", "is_all", is_flag=True, help="The ledger's own accounts and purses too.")
@click.pass_obj
def show(desk: Desk, account: str | None, is_all: bool) -> None:
    """Show ACCOUNT, or all."""
    with desk.ledger() as ledger:
        found = [ledger.account(account)] if account else ledger.accounts()
    shown = [each for each in found if account or is_all or each.code in OF_PEOPLE]
    if not shown:
        desk.console.print("No account is open yet.")
    else:
        desk.console.print(_table(shown))


def _table(found: list[Account]) -> Table:
    table = Table("account", "name", box=None)
    for column in ("debits", "credits", "balance"):
        table.add_column(column, justify="right")
    for each in found:
        amounts = (each.debits_posted, each.credits_posted, each.balance)
        table.add_row(each.name, each.title, *map(money, amounts))
    return table
