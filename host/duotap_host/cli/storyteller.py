# SPDX-License-Identifier: Apache-2.0
"""The story on the terminal, while it happens."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.columns import Columns
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from duotap_host.cli.commands.ledger import balance, summary
from duotap_host.demo.playing import Played
from duotap_host.demo.telling import Entry, Said, Screens, Tapped
from duotap_host.virtual.costs import COMPUTING
from duotap_host.virtual.timesheet import TapTime

SCREEN_COLUMNS = 25  # 21 characters and the frame
INDENT = (0, 0, 0, 3)
PARTS_SHOWN_US = 50  # a part below this is rounded to nothing


class Storyteller:
    """Tells chapters; `is_full` with all that happens in them, else their titles only."""

    def __init__(self, console: Console, is_full: bool) -> None:
        self._console = console
        self._is_full = is_full
        self._title = ""
        self._number = 0
        self._began = time.monotonic()
        self._status: Status = console.status("")

    def __enter__(self) -> Storyteller:
        self._status.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._status.stop()
        self._end(error[0] is None)

    def chapter(self, title: str) -> None:
        self._end(True)
        self._title = title
        self._number += 1
        self._began = time.monotonic()
        if self._is_full:
            self._console.print(f"\n[bold cyan]{self._number}. {title}[/]")
        self._status.update(title)

    def entry(self, entry: Entry) -> None:
        if not self._is_full:
            return
        if isinstance(entry, Said):
            self._console.print(Padding(entry.text, INDENT))
        elif isinstance(entry, Screens):
            self._console.print(_screens(entry))
        elif isinstance(entry, Tapped):
            self._console.print(Padding(_tapped(entry), INDENT))

    def _end(self, is_well: bool) -> None:
        """Of a chapter, where only titles are told."""
        if self._title and not self._is_full:
            sign = "[green]✓[/]" if is_well else "[red]✗[/]"
            took_s = time.monotonic() - self._began
            self._console.print(f"   {sign} {self._number:2d}. {self._title:44s} {took_s:5.1f} s")
        self._title = ""


def _screens(entry: Screens) -> Columns:
    panels = [
        Panel(
            Text("\n".join(line.center(SCREEN_COLUMNS - 4) for line in shot.lines)),
            title=shot.device,
            width=SCREEN_COLUMNS,
            height=6,
            border_style="blue",
        )
        for shot in entry.shots
    ]
    return Columns([Text(" "), *panels])


def _tapped(entry: Tapped) -> Text:
    told = Text("   ")
    told.append(f"{entry.what}: ", "bold")
    told.append(
        f"{entry.time.total_us / 1e6:.2f} s", "bold green" if entry.time.done else "bold yellow"
    )
    if entry.time.parts[COMPUTING]:
        told.append("  " + _parts(entry.time), "dim")
    return told


def _parts(tap: TapTime) -> str:
    """The split of a tap's time, largest first as they are named."""
    named = ", ".join(
        f"{kind} {us / 1e6:.3f}" for kind, us in tap.parts.items() if us > PARTS_SHOWN_US
    )
    after = f"; then the card verifies the receipt: {tap.receipt_us / 1e6:.3f}"
    return named + (after if tap.receipt_us else "")


def books(console: Console, played: Sequence[Played]) -> None:
    """Times, journals and trial balance after the story."""
    told = played[0]
    if any(tap.time.parts[COMPUTING] for tap in told.telling.taps()):
        console.print(f"\n[bold]Times of taps[/] in seconds, with the costs of {_costs(told)}")
        console.print(_tap_table(told.telling.taps()))
        console.print(" [dim]then: the card verifies the receipt; it may have left already[/]")
    console.print("\n[bold]Journals[/]")
    console.print(_journal_table(played))
    console.print("\n[bold]Trial balance[/]")
    console.print(balance(told.trial))
    console.print(summary(told.trial))


def _costs(played: Played) -> str:
    return played.telling.taps()[0].time.costs


def _tap_table(taps: Sequence[Tapped]) -> Table:
    table = Table("tap", box=None)
    for column in ("total", *taps[0].time.parts, "then"):
        table.add_column(column, justify="right")
    for tap in taps:
        cells = [tap.time.total_us, *tap.time.parts.values(), tap.time.receipt_us]
        style = "" if tap.time.done else "yellow"
        table.add_row(tap.what, *(f"{us / 1e6:.3f}" for us in cells), style=style)
    return table


def _journal_table(played: Sequence[Played]) -> Table:
    """How many records each journal has, and the hash that stands for all of them."""
    table = Table("journal", "records", "hash of the last record", box=None)
    for name, entries in played[0].journals.items():
        row = [name, str(len(entries)), entries[-1].hash.hex()[:32]]
        for other in played[1:]:
            same = other.journals[name] == entries
            word = "[green]byte for byte the same[/]" if same else "[red]different[/]"
            row[-1] += f"  {word} on {other.form}"
        table.add_row(*row)
    return table
