# SPDX-License-Identifier: Apache-2.0
"""`duotap issuer`: the keys that everything else trusts."""

from __future__ import annotations

import rich_click as click

from duotap_host.cli.desk import Desk
from duotap_host.issuer import Issuer, IssuerError
from duotap_host.ledger.interface import NotFound
from duotap_host.ledger.local import now_us
from duotap_host.ledger.opening import create_ledger, is_taken, open_ledger


@click.group("issuer")
def command() -> None:
    """The keys that everything else trusts."""


@command.command("init")
@click.pass_obj
def init(desk: Desk) -> None:
    """Make root and working keys, and open a ledger with them.

    Run again after an interruption, it goes on with the keys that are there. It never replaces a
    key or a ledger.
    """
    is_new = not desk.keys.exists()
    if is_new:
        _check_free(desk)
        Issuer.create(desk.keys, desk.passphrase(confirm=True), now_us())
    issuer = desk.issuer()
    if not is_new:
        issuer.unlock()
        if _has_ledger(desk, issuer):
            raise IssuerError(
                f"there is an issuer in {desk.keys}, and its ledger; nothing changed"
            )
    create_ledger(desk.ledger_url, issuer).close()
    desk.console.print(f"Issuer [bold]{issuer.root_id.hex()}[/] in {desk.keys}")
    desk.console.print("Move root.pem and next-root.pem offline; daily work does not need them.")
    desk.console.print("The ledger is open.")


def _check_free(desk: Desk) -> None:
    """Before any key is made: the place for the ledger can be reached, and nobody is there."""
    if is_taken(desk.ledger_url):
        raise IssuerError("there is a ledger already, of keys that are not here; nothing changed")


def _has_ledger(desk: Desk, issuer: Issuer) -> bool:
    try:
        open_ledger(desk.ledger_url, issuer).close()
    except NotFound:
        return False
    return True
