# SPDX-License-Identifier: Apache-2.0
"""Accounts: opening them, and from names to rows.

It moves no money (`post` does) and knows no device but as the owner of a shadow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, text

from duotap_host.ledger import codes, ids
from duotap_host.ledger.codes import FLAGS, OWN_MONEY, AccountCode
from duotap_host.ledger.interface import Account, NotFound, Refused
from duotap_host.ledger.post import ACCOUNT_COLUMNS, account_of

HOLDER_MAX = (1 << 30) - 1  # PROTOCOL.md §1: a certificate carries it as a counter
TITLE_MAX = 80  # one line of a page
INSERT = (
    "INSERT INTO accounts (id, ledger, code, name, title, holder, device, scope, flags,"
    " debits_posted, credits_posted, debits_pending, credits_pending, opened_us)"
    " VALUES (:id, :ledger, :code, :name, :title, :holder, :device, :scope, :flags,"
    " 0, 0, 0, 0, :now) ON CONFLICT (name) DO NOTHING"
)
NAMES = {AccountCode.WALLET: codes.wallet, AccountCode.MERCHANT: codes.merchant}


def open_standing(connection: Connection, ledger: int, now_us: int) -> None:
    """The accounts that every ledger has."""
    for name, code in codes.STANDING.items():
        _insert(connection, ledger, code, name, now_us)


def open_account(
    connection: Connection, ledger: int, code: AccountCode, holder: int, title: str, now_us: int
) -> Account:
    """A wallet or a merchant's account. Refused if it exists or makes no sense."""
    if code not in NAMES:
        raise Refused("only wallets and merchants' accounts are opened by hand")
    if not 1 <= holder <= HOLDER_MAX:
        raise Refused(f"the number of a holder or merchant is 1 to {HOLDER_MAX}")
    if len(title) > TITLE_MAX or not (title.isprintable()):
        raise Refused(f"a title is one line of at most {TITLE_MAX} characters")
    name = NAMES[code](holder)
    if not _insert(connection, ledger, code, name, now_us, title, holder):
        raise Refused(f"{name} is open already")
    return find(connection, name)


def open_purses(connection: Connection, ledger: int, names: Collection[str], now_us: int) -> None:
    """Shadows of purses that are not open yet; other names are passed over."""
    wanted = sorted(name for name in names if codes.purse_of(name) is not None)
    known = keys_of(connection, wanted)
    for name in wanted:
        if name not in known:
            _insert(connection, ledger, AccountCode.PURSE, name, now_us)


def _insert(
    connection: Connection,
    ledger: int,
    code: AccountCode,
    name: str,
    now_us: int,
    title: str = "",
    holder: int = 0,
) -> bool:
    device, scope = codes.purse_of(name) or (None, OWN_MONEY)
    row = {
        "id": ids.random_id(),
        "ledger": ledger,
        "code": int(code),
        "name": name,
        "title": title,
        "holder": holder,
        "device": device,
        "scope": scope,
        "flags": int(FLAGS[code]),
        "now": now_us,
    }
    return connection.execute(text(INSERT), row).rowcount == 1


def find(connection: Connection, name: str) -> Account:
    """By name. NotFound."""
    query = text(f"SELECT {ACCOUNT_COLUMNS} FROM accounts WHERE name = :name")
    row = connection.execute(query, {"name": name}).first()
    if row is None:
        raise NotFound(f"there is no account {name}")
    return account_of(row)


def everyone(connection: Connection) -> tuple[Account, ...]:
    """All accounts, by name."""
    query = text(f"SELECT {ACCOUNT_COLUMNS} FROM accounts ORDER BY name")
    return tuple(sorted(map(account_of, connection.execute(query)), key=lambda a: a.name))


def keys_of(connection: Connection, names: Sequence[str]) -> dict[str, bytes]:
    """Ids by name, of those that exist."""
    found: dict[str, bytes] = {}
    query = text("SELECT id FROM accounts WHERE name = :name")
    for name in names:
        row = connection.execute(query, {"name": name}).first()
        if row is not None:
            found[name] = bytes(row[0])
    return found
