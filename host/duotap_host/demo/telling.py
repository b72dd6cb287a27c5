# SPDX-License-Identifier: Apache-2.0
"""What is told of one playing of the story: chapters of lines, screens and taps.

Whoever wants to hear it while it happens is a `Listener`. It knows no form and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.timesheet import TapTime


@dataclass(frozen=True)
class Said:
    """A sentence."""

    text: str


@dataclass(frozen=True)
class Shot:
    """A screen as it was, with the lines that stand on it."""

    device: str
    lines: tuple[str, ...]
    png: Path


@dataclass(frozen=True)
class Screens:
    """Screens side by side."""

    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class Tapped:
    """A tap and where its time went."""

    what: str
    time: TapTime


Entry = Said | Screens | Tapped


@dataclass
class Chapter:
    title: str
    entries: list[Entry] = field(default_factory=list)


class Listener(Protocol):
    """Hears the story while it happens."""

    def chapter(self, title: str) -> None: ...
    def entry(self, entry: Entry) -> None: ...


class Nobody:
    """Does not listen."""

    def chapter(self, title: str) -> None:
        """Unheard."""

    def entry(self, entry: Entry) -> None:
        """Unheard."""


class Telling:
    """Keeps the chapters; pictures go to `folder`."""

    def __init__(self, folder: Path, listener: Listener) -> None:
        self.chapters: list[Chapter] = []
        self._folder = folder
        self._listener = listener
        self._pictures = 0
        folder.mkdir(parents=True, exist_ok=True)

    def chapter(self, title: str) -> None:
        self.chapters.append(Chapter(title))
        self._listener.chapter(title)

    def say(self, text: str) -> None:
        self._add(Said(text))

    def screens(self, devices: Sequence[VirtualDevice]) -> None:
        """Save what these devices show now."""
        self._add(Screens(tuple(self._shot(device) for device in devices)))

    def tapped(self, what: str, time: TapTime) -> None:
        self._add(Tapped(what, time))

    def taps(self) -> list[Tapped]:
        """All taps in their order."""
        entries = [entry for chapter in self.chapters for entry in chapter.entries]
        return [entry for entry in entries if isinstance(entry, Tapped)]

    def _shot(self, device: VirtualDevice) -> Shot:
        self._pictures += 1
        name = device.board.name
        path = self._folder / f"{self._pictures:02d}-{name.replace(' ', '-')}.png"
        device.screen_png(path)
        return Shot(name, device.screen_lines(), path)

    def _add(self, entry: Entry) -> None:
        self.chapters[-1].entries.append(entry)
        self._listener.entry(entry)
