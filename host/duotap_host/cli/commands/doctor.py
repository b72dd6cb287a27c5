# SPDX-License-Identifier: Apache-2.0
"""`duotap doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

import json
import platform
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import rich_click as click
from click.exceptions import Exit
from rich.table import Table

from duotap_host import doctor, doctor_book
from duotap_host.cli.desk import LEDGER, Desk
from duotap_host.doctor import Finding, Verdict
from duotap_host.issuer import IssuerError
from duotap_host.ledger.interface import LedgerError
from duotap_host.ledger.local import now_us

STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}
PACKAGES = ("duotap", "littlefs-python", "mpremote", "pyserial", "sqlalchemy")


@click.command("doctor")
@click.argument("port", metavar="[PORT]", required=False)
@click.option("--json", "as_json", is_flag=True, help="For a program to read.")
@click.option(
    "--bundle",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a zip to send to whoever helps: without keys, names, paths and full ids.",
)
@click.pass_obj
def command(desk: Desk, port: str | None, as_json: bool, bundle: Path | None) -> None:
    """Look this installation over, and the device at PORT.

    Ends with status 1 when something is FAIL.
    """
    found = list(_checks(desk, port))
    if as_json:
        print(json.dumps([finding._asdict() for finding in found], indent=2))
    else:
        desk.console.print(_table(found))
    if bundle is not None:
        write_bundle(bundle, found)
        desk.console.print(f"{bundle} is for whoever helps.")
    if any(finding.verdict is Verdict.FAIL for finding in found):
        raise Exit(1)


def _checks(desk: Desk, port: str | None) -> Iterator[Finding]:
    yield doctor.python()
    yield from doctor.tools()
    yield doctor.clock()
    yield from doctor.keys(desk.keys, desk.issuer)
    yield from doctor.ledger(desk.ledger)
    yield from _book(desk)
    yield doctor.room(Path(desk.ledger_url.removeprefix("sqlite:///") if _is_file(desk) else "."))
    yield from doctor.ports(None if port is None else [port])
    if port is not None:
        yield from doctor.device(port, lambda device: _days_left(desk, device))


def _book(desk: Desk) -> Iterator[Finding]:
    """Nothing when there is no ledger: that was told."""
    try:
        issuer = desk.issuer()
        with desk.ledger() as ledger:
            devices = ledger.devices()
    except (IssuerError, LedgerError):
        return
    epoch = issuer.epoch(now_us())
    yield doctor_book.schema(desk.ledger_url)
    yield from doctor_book.working_keys(issuer.keycerts, epoch)
    yield from doctor_book.certificates(devices, epoch)
    yield from doctor_book.checkpoints(desk.ledger_url, devices, now_us())


def _days_left(desk: Desk, device: bytes) -> int | None:
    try:
        epoch = desk.issuer().epoch(now_us())
        with desk.ledger() as ledger:
            return doctor_book.days_left(ledger.device(device), epoch)
    except (IssuerError, LedgerError):
        return None


def _is_file(desk: Desk) -> bool:
    return desk.ledger_url.startswith(LEDGER.partition("///")[0])


def _table(found: list[Finding]) -> Table:
    table = Table("", "", "", "do this", box=None)
    for finding in found:
        style = STYLES[finding.verdict]
        verdict = f"[{style}]{finding.verdict}[/]"
        table.add_row(verdict, finding.what, finding.told, finding.remedy)
    return table


def write_bundle(path: Path, found: list[Finding]) -> None:
    """Verdicts and versions. What was told, and what to do, may name people and places: it stays
    here."""
    report = [{"what": doctor.redacted(each), "verdict": each.verdict} for each in found]
    machine = {
        "system": platform.system(),
        "release": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("report.json", json.dumps(report, indent=2))
        bundle.writestr("machine.json", json.dumps(machine, indent=2))
