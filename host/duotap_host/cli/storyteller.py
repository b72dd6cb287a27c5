# SPDX-License-Identifier: Apache-2.0
"""The story on the terminal, while it happens."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from duotap_host.demo.journals import Entry as Record
from duotap_host.demo.telling import Entry, Said, Screens, Tapped
from duotap_host.virtual.timesheet import TapTime

SCREEN_COLUMNS = 25  # 21 characters and the frame
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
            self._console.print(f"   {entry.text}")
        elif isinstance(entry, Screens):
            self._console.print(_screens(entry))
        elif isinstance(entry, Tapped):
            self._console.print(_tapped(entry))

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
    told.append(seconds(entry.time.total_us), "bold green" if entry.time.done else "bold yellow")
    if any(entry.time.parts[kind] for kind in ("computing",)):
        told.append("  " + parts(entry.time), "dim")
    return told


def parts(tap: TapTime) -> str:
    """The split of a tap's time, largest first as they are named."""
    named = ", ".join(
        f"{kind} {us / 1e6:.3f}" for kind, us in tap.parts.items() if us > PARTS_SHOWN_US
    )
    after = f"; then the card verifies the receipt: {tap.receipt_us / 1e6:.3f}"
    return named + (after if tap.receipt_us else "")


def seconds(us: int) -> str:
    return f"{us / 1e6:.2f} s"


def tap_table(taps: Sequence[Tapped]) -> Table:
    """Each tap's time, split."""
    table = Table("tap", box=None)
    kinds = list(taps[0].time.parts) if taps else []
    for column in ("total", *kinds, "receipt verified after"):
        table.add_column(column, justify="right")
    for tap in taps:
        cells = [tap.time.total_us, *tap.time.parts.values(), tap.time.receipt_us]
        style = "" if tap.time.done else "yellow"
        table.add_row(tap.what, *(f"{us / 1e6:.3f}" for us in cells), style=style)
    return table


def journal_table(journals: Mapping[str, Sequence[Record]], others: bool) -> Table:
    """How many records each journal has, and the hash that stands for all of them."""
    table = Table("journal", "records", "chain hash of the last", box=None)
    for device, entries in journals.items():
        same = "  [green]the same in both forms[/]" if others else ""
        table.add_row(device, str(len(entries)), entries[-1].hash.hex()[:32] + same)
    return table
