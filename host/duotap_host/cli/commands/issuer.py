# SPDX-License-Identifier: Apache-2.0
"""`duotap issuer`: the keys that everything else trusts."""

from __future__ import annotations

from pathlib import Path

import rich_click as click
from duotap.fields import COUNTER_MAX, ROLE_PERSON, ROLE_STAND

from duotap_host.cli.amounts import TAKES_AMOUNT, amount
from duotap_host.cli.desk import FACTORY_VARIABLE, Desk
from duotap_host.issuer import Issuer, IssuerError
from duotap_host.issuer.factory import CLASSES, FactoryKey, hand_out
from duotap_host.ledger.interface import NotFound
from duotap_host.ledger.local import now_us
from duotap_host.ledger.opening import create_ledger, is_taken, open_ledger
from duotap_host.money import show as money

ROLES = {"person": ROLE_PERSON, "stand": ROLE_STAND}


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


@command.command("factory", context_settings=TAKES_AMOUNT)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--devices", type=click.IntRange(1, COUNTER_MAX), required=True, help="At most so many."
)
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="Cards or stands.")
@click.option(
    "--class", "class_name", type=click.Choice(CLASSES), default=CLASSES[0], show_default=True
)
@click.option("--balance-max", type=amount, required=True, help="One may hold this much at most.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="From today."
)
@click.option(
    "--factory-passphrase-file",
    "passphrase_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Holds the passphrase of the new key; else {FACTORY_VARIABLE}, else it is asked for.",
)
@click.pass_obj
def factory(
    desk: Desk,
    directory: Path,
    devices: int,
    role: str,
    class_name: str,
    balance_max: int,
    days: int,
    passphrase_file: Path | None,
) -> None:
    """Make a key for a factory line, and write what the line needs to DIR.

    The root certifies the key for so many devices of one role, class and largest balance, for so
    many days. It lies in DIR encrypted, with a passphrase of its own, and is the only key there.
    The line works with: duotap provision --factory DIR. Run again after an interruption, it goes
    on with the key that is there.
    """
    issuer, now = desk.issuer(), now_us()
    with desk.ledger() as ledger:
        if not directory.exists():
            until = issuer.epoch(now) + days
            constraint = (devices, ROLES[role], CLASSES.index(class_name), balance_max, until)
            passphrase = desk.factory_passphrase(passphrase_file, confirm=True)
            hand_out(directory, passphrase, issuer, constraint, now)
        key = FactoryKey(directory, lambda: desk.factory_passphrase(passphrase_file))
        ledger.certifiers.add(key.raw)
    count, of_role, of_class, balance, until = key.keycert.constraint
    (role,) = [name for name, number in ROLES.items() if number == of_role]
    desk.console.print(
        f"{directory} holds factory key [bold]{key.id.hex()}[/]: {count} devices of role {role},"
        f" class {CLASSES[of_class]}, at most {money(balance)} each, until epoch {until} begins."
    )
    desk.console.print(
        "Devices learn of it with their next deposit. What it made is booked with: duotap fleet"
        " book, before that epoch and before the devices leave the factory."
    )


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
