# SPDX-License-Identifier: Apache-2.0
"""A line that makes a fleet, as the terminal shows it: who certifies, a line for each port while
it works, and what it came to at the end."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

import rich_click as click
from click.exceptions import Exit
from duotap.certificate import Certificate
from duotap.fields import ROLE_PERSON
from rich.console import Console
from rich.live import Live
from rich.table import Table

from duotap_host.cli.desk import FLEET, Desk
from duotap_host.device.serial_line import SerialLine
from duotap_host.issuer import IssuerError
from duotap_host.issuer.factory import FactoryKey, beyond
from duotap_host.ledger import codes
from duotap_host.ledger.interface import LedgerError
from duotap_host.ledger.local import now_us
from duotap_host.provision import label, sheet
from duotap_host.provision.fleet import Event, Fleet, Maker, What
from duotap_host.provision.manifest import Manifest, ManifestError, State, Unit
from duotap_host.provision.profile import RANDOM_BYTES
from duotap_host.provision.provisioning import Trusted, trusted

if TYPE_CHECKING:
    from duotap_host.ledger.local import LocalLedger

STOCK = click.option(
    "--stock",
    type=click.Choice(list(label.STOCK)),
    default="62x29",
    show_default=True,
    help="Of labels: width and height in mm.",
)
FAILED = 1
SHOWN = 5  # units that wait for their boards
STYLES = {What.MADE: "green", What.KNOWN: "green", What.FAILED: "red", What.BROKEN: "bold red"}
SHORT_BYTES = 4  # of a device's id, enough to tell two apart on a screen
MINUTE_S = 60.0


class Board:
    """Hears what happens at the ports; on a terminal a table that stays, else a line each."""

    def __init__(
        self, console: Console, counts: Mapping[State, int], ports: Sequence[str]
    ) -> None:
        self._console = console
        self._last = {port: Event(port, What.WAITING) for port in ports}
        self._made = Counter[str]()
        self._came = Counter[What]()
        self._total = sum(counts.values()) - counts[State.RETIRED]
        self._done = counts[State.CONFIRMED]
        self._began_s = time.monotonic()
        self._live = Live(console=console, get_renderable=self._table, auto_refresh=False)

    def __enter__(self) -> Board:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Something happened."""
        self._last[event.port] = event
        self._came[event.what] += 1
        if event.what is What.MADE:
            self._made[event.port] += 1
            self._done += 1
        if self._console.is_terminal:
            self._live.refresh()
        elif event.what not in (What.WAITING, What.WORKING):
            self._console.print(
                f"{event.port}: {_said(event)} ({self._rate()})", markup=False, soft_wrap=True
            )

    def came(self, what: What) -> int:
        """How often that happened."""
        return self._came[what]

    def troubles(self) -> list[Event]:
        """The ports that ended before there was nothing left to do."""
        return [event for event in self._last.values() if event.what is What.OVER and event.told]

    def _rate(self) -> str:
        made = sum(self._made.values())
        a_minute = made * MINUTE_S / max(time.monotonic() - self._began_s, 1e-3)
        told = f"{self._done} of {self._total}"
        if not made:
            return told
        return f"{told}, {a_minute:.1f} a minute, {_long((self._total - self._done) / a_minute)}"

    def _table(self) -> Table:
        table = Table("port", "made", "", box=None, caption=self._rate())
        for port, event in self._last.items():
            style = STYLES.get(event.what, "")
            table.add_row(port, str(self._made[port]), _said(event), style=style)
        return table


def _said(event: Event) -> str:
    if event.what in (What.MADE, What.KNOWN):
        word = "made" if event.what is What.MADE else "made before"
        return f"{event.unit} is {word}, device {event.device.hex()}: next board"
    return f"{event.what}{': ' if event.told else ''}{event.told}"


def _long(minutes: float) -> str:
    hours, minutes = divmod(round(minutes), 60)
    return f"{hours} h {minutes:02.0f} min left"


class Makers:
    """Who certifies: this issuer with its ledger, or a factory key with neither."""

    def __init__(self, desk: Desk, factory: Path | None, passphrase_file: Path | None) -> None:
        self.desk = desk
        self._factory = factory
        self._passphrase_file = passphrase_file

    def states(self) -> Path:
        """Where the manifest is: a factory key counts its devices in its own."""
        return self._factory / FLEET.name if self._factory else FLEET

    @contextmanager
    def maker(self, rows: Sequence[sheet.Row], path: Path) -> Iterator[Maker]:
        """SheetError for rows that it may not make."""
        if self._factory is not None:
            yield self._of_factory(self._factory)
            return
        with self.desk.ledger() as ledger:
            _check_owners(ledger, rows, path)
            yield self._of_issuer(ledger)

    def _of_issuer(self, ledger: LocalLedger) -> Maker:
        issuer = self.desk.issuer()
        issuer.unlock()
        epoch = issuer.epoch(now_us())

        def sign(unit: Unit, public: bytes, firmware: bytes) -> bytes:
            random = os.urandom(RANDOM_BYTES)
            fields = unit.profile.certificate(random, public, firmware, epoch)
            return issuer.sign_certificate(fields)

        return Maker(trusted(ledger, issuer, epoch), sign, ledger.register_device)

    def _of_factory(self, folder: Path) -> Maker:
        key = FactoryKey(folder, lambda: self.desk.factory_passphrase(self._passphrase_file))
        key.unlock()
        epoch = key.epoch(now_us())

        def fields(unit: Unit, public: bytes, firmware: bytes) -> Certificate:
            number = unit.number.to_bytes(RANDOM_BYTES, "big")
            return unit.profile.certificate(number, public, firmware, epoch)

        def sign(unit: Unit, public: bytes, firmware: bytes) -> bytes:
            return key.sign_certificate(fields(unit, public, firmware))

        def check(unit: Unit) -> None:
            why = beyond(fields(unit, b"", b""), key.keycert)
            if why:
                raise ManifestError(f"unit {unit.name} is beyond the factory key: {why}")

        return Maker(Trusted(key.roots, key.keycerts, key.statements), sign, check=check)


def _check_owners(ledger: LocalLedger, rows: Sequence[sheet.Row], path: Path) -> None:
    """SheetError unless every unit has an account to belong to."""
    known = {account.name for account in ledger.accounts()}
    told = []
    for row in rows:
        profile = sheet.profile_of(row.cells)
        home = (codes.wallet if profile.role == ROLE_PERSON else codes.merchant)(profile.holder)
        if home not in known:
            told.append(f"{path} line {row.line}: there is no account {home}; open it first")
    if told:
        raise sheet.SheetError(told)


class Labels(NamedTuple):
    """Where labels go, None for nowhere, and what they are printed on."""

    directory: Path | None
    stock: str

    def write(self, manifest: Manifest, event: Event) -> None:
        """Of a device that was made or is made already."""
        unit = manifest.find(event.device) if event.device else None
        if self.directory is not None and unit is not None:
            write_label(self.directory, unit, self.stock)


def write_label(directory: Path, unit: Unit, stock: str) -> None:
    """As a whole or not at all. ManifestError if there is no place for it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{unit.name}.svg"
        draft = path.with_suffix(".new")
        draft.write_text(label.svg(unit.device, unit.name, unit.names(), stock), "utf-8")
        draft.replace(path)
    except OSError as error:
        raise ManifestError(f"cannot write labels to {directory}: {error.strerror}") from None


def make(
    makers: Makers,
    path: Path,
    states: Path,
    ports: Sequence[str],
    patience_s: float,
    labels: Labels,
) -> None:
    """Make the list at `path`. Leaves with status 1 if it is not all made then."""
    rows = sheet.read(path)
    with makers.maker(rows, path) as maker:
        manifest = Manifest(states)
        try:
            manifest.claim()
            manifest.enter(rows, maker.check)
            names = {row.name for row in rows}
            with Board(makers.desk.console, manifest.counts(names), ports) as board:

                def tell(event: Event) -> None:
                    labels.write(manifest, event)
                    board.tell(event)

                fleet = Fleet(
                    manifest, maker, SerialLine, tell, names=names, patience_s=patience_s
                )
                _run(makers.desk.console, fleet, ports)
            _sum_up(makers.desk.console, manifest.units(names), board)
        finally:
            manifest.close()


def _run(console: Console, fleet: Fleet, ports: Sequence[str]) -> None:
    failed: list[Exception] = []
    try:
        asyncio.run(fleet.run(ports))
    except* KeyboardInterrupt:
        console.print("Stopped; nothing is lost.")
    except* (ManifestError, LedgerError, IssuerError) as group:
        failed += group.exceptions
    if failed:  # raised in there it would be a group again before Python 3.11.4
        raise failed[0]


def _sum_up(console: Console, units: Sequence[Unit], board: Board) -> None:
    counts = Counter(unit.state for unit in units)
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    made, known = board.came(What.MADE), board.came(What.KNOWN)
    console.print(f"Made {made}, found {known} made before. Units: {states or 'none'}.")
    for event in board.troubles():
        console.print(
            f"{event.port}: {event.told}. Look at it with: duotap doctor {event.port}",
            markup=False,
            soft_wrap=True,
        )
    for unit in [each for each in units if each.state is State.UNCONFIRMED][:SHOWN]:
        console.print(f"{unit.name} waits for its board, which is device {unit.device.hex()}.")
    if counts[State.INTENT] or counts[State.UNCONFIRMED]:
        console.print(
            "The same command again goes on: plug in the boards that are new or were not"
            " confirmed. duotap fleet show lists them; duotap fleet retire gives up one whose"
            " board is lost."
        )
        raise Exit(FAILED)
