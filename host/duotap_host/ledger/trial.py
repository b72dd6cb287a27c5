# SPDX-License-Identifier: Apache-2.0
"""The trial balance: every rule of the book, added up anew from its rows.

It trusts no balance and repairs nothing; what it says is for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from duotap_host.ledger import accounts, codes
from duotap_host.ledger.codes import AccountCode, AccountFlag, TransferFlag
from duotap_host.ledger.interface import Account, Trial
from duotap_host.money import show

POSTED = (
    "SELECT {side}, SUM(amount) FROM transfers"
    f" WHERE flags & {int(TransferFlag.PENDING | TransferFlag.VOID_PENDING)} = 0 GROUP BY {{side}}"
)
PENDING = (
    "SELECT {side}, SUM(amount) FROM transfers"
    f" WHERE flags & {int(TransferFlag.PENDING)} <> 0 AND state = 'pending' GROUP BY {{side}}"
)
OPEN = "SELECT kind, SUM(amount) FROM settlements WHERE state = 'under way' GROUP BY kind"
NUMBERS = (
    "SELECT d.id, d.next_number, COUNT(DISTINCT s.number), MAX(s.number) FROM devices d"
    " LEFT JOIN statements s ON s.device = d.id GROUP BY d.id, d.next_number"
)
HELD = (AccountCode.WALLET, AccountCode.MERCHANT, AccountCode.GUARANTEE)


class Sums(NamedTuple):
    """What the transfers of one account add up to."""

    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0


def check(connection: Connection) -> Trial:
    """The balance, and one line for each rule that does not hold."""
    every = accounts.everyone(connection)
    failures = (
        *_sides(every),
        *_columns(connection, every),
        *_limits(every),
        *_under_way(connection, every),
        *_numbers(connection),
    )
    held = _sum(every, *HELD)
    in_purses = _sum(every, AccountCode.PURSE)
    under_way = _sum(every, AccountCode.UNDER_WAY)
    loads = _sum(every, AccountCode.LOADS_UNDER_WAY)
    circulating = -_sum(every, AccountCode.ISSUANCE)
    if held + in_purses + under_way + loads != circulating:
        gone = show(circulating - held - in_purses - under_way - loads)
        failures = (*failures, f"{gone} of what issuance gave out is in no account")
    return Trial(
        every,
        sum(account.debits_posted for account in every),
        sum(account.credits_posted for account in every),
        circulating,
        held,
        in_purses,
        under_way,
        loads,
        failures,
    )


def _sum(every: Sequence[Account], *of: AccountCode) -> int:
    return sum(account.balance for account in every if account.code in of)


def _sides(every: Sequence[Account]) -> Iterator[str]:
    for ledger in sorted({account.ledger for account in every}):
        of = [account for account in every if account.ledger == ledger]
        for what in ("posted", "pending"):
            debits = sum(getattr(account, f"debits_{what}") for account in of)
            credits = sum(getattr(account, f"credits_{what}") for account in of)
            if debits != credits:
                yield (
                    f"ledger {ledger}: debits {what} are {show(debits)},"
                    f" credits {what} {show(credits)}"
                )


def _columns(connection: Connection, every: Sequence[Account]) -> Iterator[str]:
    """Each balance is the sum of its transfers, and each transfer is of accounts that exist."""
    columns = []
    for query, side in (
        (POSTED, "debit_id"),
        (POSTED, "credit_id"),
        (PENDING, "debit_id"),
        (PENDING, "credit_id"),
    ):
        rows = connection.execute(text(query.format(side=side)))
        columns.append({bytes(row[0]): int(row[1]) for row in rows})
    for account in every:
        summed = Sums(*(column.pop(account.id, 0) for column in columns))
        for name, value in summed._asdict().items():
            if getattr(account, name) != value:
                has = show(getattr(account, name))
                yield f"{account.name}: {name} is {has}, its transfers make {show(value)}"
    for key in sorted({key for column in columns for key in column}):
        yield f"transfers name the account {key.hex()}, which does not exist"


def _limits(every: Sequence[Account]) -> Iterator[str]:
    for account in every:
        debits = account.debits_posted + account.debits_pending
        credits = account.credits_posted + account.credits_pending
        is_limited = account.flags & AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
        if is_limited and debits > account.credits_posted:
            yield f"{account.name}: debits exceed credits"
        is_limited = account.flags & AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS
        if is_limited and credits > account.debits_posted:
            yield f"{account.name}: credits exceed debits"


def _under_way(connection: Connection, every: Sequence[Account]) -> Iterator[str]:
    """What lies under way is exactly the payments, refunds and loads that are open."""
    of = {kind: int(amount) for kind, amount in connection.execute(text(OPEN))}
    loads = of.pop("load", 0)
    balances = {account.name: account.balance for account in every}
    for name, expected in ((codes.LOADS_UNDER_WAY, loads), (codes.UNDER_WAY, sum(of.values()))):
        if balances.get(name, 0) != expected:
            has = show(balances.get(name, 0))
            yield f"{name}: holds {has}, what is open makes {show(expected)}"


def _numbers(connection: Connection) -> Iterator[str]:
    for device, number, count, last in connection.execute(text(NUMBERS)):
        if count != number - 1 or (last or 0) != count:
            yield f"device {bytes(device).hex()}: the numbers of its statements have a gap"
