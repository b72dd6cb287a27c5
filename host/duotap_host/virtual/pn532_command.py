# SPDX-License-Identifier: Apache-2.0
"""One running command of the virtual PN532, and the entry of a command table.

Knows no command; it exists so that what a command scheduled can see that it was aborted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from duotap_host.virtual.pn532_chip import VirtualPn532

# Status bytes (UM0701-02 §7.1)
OK = 0x00
TIMEOUT = 0x01
CRC = 0x02
PARAMETER = 0x10
WRONG_STATE = 0x25
NOT_ACCEPTABLE = 0x27
RELEASED = 0x29
MORE = 0x40  # b6: more follows


def _nothing() -> None:
    """Nothing is to be done then."""


class Command:
    """Alive until it has answered or is aborted; `on_abort` is called when it is aborted."""

    def __init__(self, chip: VirtualPn532, code: int, params: bytes) -> None:
        self.chip = chip
        self.code = code
        self.params = params
        self.alive = True
        self.on_abort: Callable[[], None] = _nothing

    def respond(self, body: bytes = b"", then: Callable[[], None] = _nothing) -> None:
        """Answer, unless aborted meanwhile; `then` runs as the response begins to leave."""
        if self.alive:
            self.chip.respond(self, body, then)

    def status(self, status: int, rest: bytes = b"") -> None:
        self.respond(bytes([status]) + rest)

    def syntax_error(self) -> None:
        """The error frame: the parameters make no command."""
        if self.alive:
            self.chip.refuse(self)

    def abort(self) -> None:
        """The host has changed its mind: there will be no response."""
        if self.alive:
            self.alive = False
            self.on_abort()


class Entry(NamedTuple):
    """What runs a command, and how many parameter bytes it takes."""

    run: Callable[[Command], None]
    least: int
    most: int
