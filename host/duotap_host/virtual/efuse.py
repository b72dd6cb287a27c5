# SPDX-License-Identifier: Apache-2.0
"""Fuses of a microcontroller: bits that are only ever set, and that a cut may leave undecided."""

from __future__ import annotations

from duotap_host.virtual.nor import PowerCut


class VirtualFuses:
    """`total` bits (an ESP32 has 256 in its user block). `plan_cut` leaves the next bit burnt or
    not."""

    def __init__(self, total: int = 256) -> None:
        self.total = total
        self._burnt = 0
        self._cut: bool | None = None

    def burnt(self) -> int:
        return self._burnt

    def burn(self) -> None:
        cut, self._cut = self._cut, None
        if self._burnt == self.total:
            raise ValueError("all bits are burnt")
        self._burnt += cut is not False
        if cut is not None:
            raise PowerCut

    def plan_cut(self, taken: bool) -> None:
        """The next burning is cut; `taken`: the bit reads burnt afterwards."""
        self._cut = taken

    def power_on(self) -> None:
        self._cut = None
