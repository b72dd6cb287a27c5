# SPDX-License-Identifier: Apache-2.0
"""`duotap provision`: make a new device a holder's card or a merchant's stand, or a fleet of
them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click
from duotap.fields import TEXTS

from duotap_host.cli import cable
from duotap_host.cli.amounts import TAKES_AMOUNT, amount
from duotap_host.cli.desk import FACTORY_VARIABLE, FLEET, Desk
from duotap_host.cli.line import STOCK, Labels, Makers, make
from duotap_host.ledger.local import now_us
from duotap_host.money import show as money
from duotap_host.provision.fleet import PATIENCE_S
from duotap_host.provision.profile import Profile, describe
from duotap_host.provision.provisioning import provision

NUMBERS = click.IntRange(1, (1 << 30) - 1)
# Option, field of Limits, what it bounds.
AMOUNTS = (
    ("--balance-max", "balance", "It may hold this much."),
    ("--payment-max", "payment", "Largest payment."),
    ("--total-max", "total", "Sum of payments between two deposits."),
    ("--received-max", "received", "Largest amount taken from a device without secure element."),
    ("--received-total-max", "received_total", "Sum of these between two deposits."),
)
NO_PRESS = (
    ("--no-press-max", "payment", "Largest payment to a stand without a press."),
    ("--no-press-total", "total", "Sum of these until a press."),
)


def _options(function: Any) -> Any:
    for name, field, says in reversed(AMOUNTS):
        function = click.option(name, f"limit_{field}", type=amount, help=says)(function)
    for name, field, says in reversed(NO_PRESS):
        function = click.option(name, f"no_press_{field}", type=amount, help=says)(function)
    return function


@click.command("provision", context_settings=TAKES_AMOUNT)
@click.argument("ports", metavar="PORT...", nargs=-1, required=True)
@click.option("--role", type=click.Choice(["person", "stand"]))
@click.option("--holder", type=NUMBERS, metavar="NUMBER", help="Whose card it is.")
@click.option("--merchant", type=NUMBERS, metavar="NUMBER", help="Whose stand it is.")
@click.option("--name-en", metavar="NAME", help="On the payer's screen; a stand has one.")
@click.option("--name-zh", metavar="NAME", help="The same in Chinese.")
@_options
@click.option("--count-max", type=NUMBERS, help="Number of payments between two deposits.")
@click.option("--no-press-count", type=NUMBERS, help="Number of payments without a press.")
@click.option("--load-cap", type=amount, help="Sum of loads between two deposits.")
@click.option("--days", type=click.IntRange(1, 3660), help="Life of the certificate.")
@click.option(
    "--manifest",
    "list_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A fleet: the CSV list of units to make (columns: duotap fleet --help).",
)
@click.option(
    "--states",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"A fleet: where the state of each unit is kept; else {FLEET}, or in DIR.",
)
@click.option(
    "--factory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A fleet: certify with this factory key alone (duotap issuer factory).",
)
@click.option(
    "--factory-passphrase-file",
    "passphrase_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Holds the passphrase of that key; else {FACTORY_VARIABLE}, else it is asked for.",
)
@click.option(
    "--labels",
    "label_path",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="A fleet: write the label of each device that is made to DIR/UNIT.svg.",
)
@STOCK
@click.option(
    "--patience",
    "patience_s",
    metavar="SECONDS",
    type=click.FloatRange(1),
    default=PATIENCE_S,
    show_default=True,
    help="A fleet: a port is over when nothing new comes for so long.",
)
@click.pass_obj
def command(
    desk: Desk,
    /,
    ports: tuple[str, ...],
    list_path: Path | None,
    states: Path | None,
    factory: Path | None,
    passphrase_file: Path | None,
    label_path: Path | None,
    stock: str,
    patience_s: float,
    **chosen: Any,
) -> None:
    """Give the new device at PORT its key, its certificate and the issuer's root keys.

    Run again, it goes on where it was broken off; a device is certified once.

    With --manifest it makes all units of a list, at several ports at once: change the board at a
    port when its line says "next board". Killed at any moment and run again it goes on, whatever
    board is plugged in where.
    """
    if list_path is None:
        if states or factory or passphrase_file or label_path:
            raise click.UsageError("states, a factory's key and labels are a fleet's: --manifest")
        _one(desk, ports, chosen)
    elif any(chosen.values()):
        raise click.UsageError("the list says what the units are: no other option beside it")
    else:
        makers, labels = Makers(desk, factory, passphrase_file), Labels(label_path, stock)
        make(makers, list_path, states or makers.states(), ports, patience_s, labels)


def _one(desk: Desk, ports: tuple[str, ...], chosen: dict[str, Any]) -> None:
    if len(ports) != 1:
        raise click.UsageError("one PORT, or --manifest for a fleet")
    if chosen["role"] is None:
        raise click.UsageError("Missing option '--role'")
    profile = _profile(**chosen)
    issuer = desk.issuer()
    issuer.unlock()
    with desk.ledger() as ledger:
        epoch = issuer.epoch(now_us())
        done = cable.visit(
            desk,
            ports[0],
            lambda client, _tell: provision(client, ledger, issuer, epoch, profile),
            "provisioning",
        )
    state = "is" if done.is_new else "was already"
    limit = f", may hold {money(profile.limits.balance)}" if done.is_new else ""
    desk.console.print(
        f"Device {done.device.id.hex()} {state}"
        f" {describe(done.device.role, done.device.holder)}{limit}."
    )


def _profile(role: str, **chosen: Any) -> Profile:
    """What the options say, over the defaults of the role."""
    if role == "person":
        holder = _required(chosen, "holder", "merchant", role)
        if chosen["name_en"] or chosen["name_zh"]:
            raise click.UsageError("only a stand has names")
        profile = Profile.person(holder)
    else:
        merchant = _required(chosen, "merchant", "holder", role)
        if not chosen["name_en"]:
            raise click.UsageError("a stand needs --name-en")
        profile = Profile.stand(merchant, chosen["name_en"], chosen["name_zh"])
    for field in ("name_en", "name_zh"):
        if len((chosen[field] or "").encode()) > TEXTS[field]:
            raise click.UsageError(f"--{field.replace('_', '-')} is above {TEXTS[field]} bytes")
    return _limited(profile, chosen)


def _required(chosen: dict[str, Any], wanted: str, other: str, role: str) -> int:
    if chosen[wanted] is None or chosen[other] is not None:
        raise click.UsageError(f"a {role} needs --{wanted}, and no --{other}")
    number: int = chosen[wanted]
    return number


def _limited(profile: Profile, chosen: dict[str, Any]) -> Profile:
    limits = {field: chosen[f"limit_{field}"] for _, field, _ in AMOUNTS}
    limits["count"] = chosen["count_max"]
    no_press = {field: chosen[f"no_press_{field}"] for _, field, _ in NO_PRESS}
    no_press["count"] = chosen["no_press_count"]
    if any(no_press.values()) and not all(no_press.values()):
        raise click.UsageError("payments without a press need an amount, a sum and a number")
    return replace(
        profile,
        limits=_over(profile.limits, limits),
        nobutton=_over(profile.nobutton, no_press),
        load_cap=chosen["load_cap"] or profile.load_cap,
        epochs=chosen["days"] or profile.epochs,
    )


def _over(defaults: Any, chosen: dict[str, Any]) -> Any:
    """A Limits or NoButton with what was chosen in the place of its defaults."""
    return defaults._replace(**{field: value for field, value in chosen.items() if value})
