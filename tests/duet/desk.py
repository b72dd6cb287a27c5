# SPDX-License-Identifier: Apache-2.0
"""What a card's or stand's app asks of its unit, over a device without a board."""

from __future__ import annotations

from typing import Any

from drivers.hanzi import glyphs
from duotap import reasons, tap
from duotap.refunding import Refunding

from duet.makers import Maker


class Glass:
    """Keeps the words of one screen."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return self._draws

    def _draws(self, *values: object) -> None:
        self.words += [value for value in values if isinstance(value, str)]

    def clear(self) -> None:
        self.words = []


class Unit:
    """What a Card asks of its unit, over a device without a board."""

    def __init__(self, maker: Maker) -> None:
        self.parts = self.radio = self.battery = self.link = self
        self.display = Glass()
        self.device, self.purse = maker.device, maker.purse
        self.applet, self.payee = maker.applet, maker.payee
        self.events = maker.applet.events
        self.now_ms = 1
        self.in_session = False
        self.charge = 80

    def percent(self) -> int:
        return self.charge

    def poll(self, steps: object) -> None:
        """Nobody is led here."""

    def sound(self, name: str) -> None:
        """Quiet."""

    def tap(self) -> tap.Tap:
        return tap.Tap(self.payee)

    def refund(self) -> tap.Tap:
        return Refunding(self.payee)

    def reason(self, sw: int) -> tuple[str, bytes]:
        words, zh = reasons.text(sw)
        return words, glyphs(zh)

    def dismiss(self) -> None:
        """No cable."""

    def press_sync(self) -> None:
        """No cable."""

    def deadline(self, ms: int) -> int:
        return self.now_ms + ms

    def left_ms(self, deadline: int) -> int:
        return max(0, deadline - self.now_ms)

    def passed(self, deadline: int) -> bool:
        return deadline <= self.now_ms

    def name_of(self, peer: bytes) -> str:
        known = self.device.peers.by_id(peer)
        return str(known.name_en) if known is not None else peer.hex()
