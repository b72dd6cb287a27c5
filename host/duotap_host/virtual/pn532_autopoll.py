# SPDX-License-Identifier: Apache-2.0
"""InAutoPoll of the virtual PN532: one type after another, a period each, until somebody answers.

UM0701-02 §7.3.13. Types that no listener here can be find nobody, in their time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap_host.virtual.pn532_command import Command, Entry
from duotap_host.virtual.pn532_search import (
    FELICA_212,
    FELICA_424,
    JEWEL,
    TYPE_A,
    TYPE_B,
    Remote,
    Search,
    Wanted,
)

if TYPE_CHECKING:
    from duotap_host.virtual.pn532_chip import VirtualPn532

PERIOD_US = 150_000
PERIODS_MAX = 15
TYPES_MAX = 15
ENDLESS = 0xFF
POLLED_MAX = 2
ISO_14443_4 = 0x20  # in SEL_RES

GENERIC_106, MIFARE, ISO_14443_4A = 0x00, 0x10, 0x20
# What is called for each type; the DEP types (40h, 80h and behind) are never answered here.
CALLS = {
    GENERIC_106: TYPE_A,
    0x01: FELICA_212,
    0x02: FELICA_424,
    0x03: TYPE_B,
    0x04: JEWEL,
    MIFARE: TYPE_A,
    0x11: FELICA_212,
    0x12: FELICA_424,
    ISO_14443_4A: TYPE_A,
    0x23: TYPE_B,
}
SILENT = (0x40, 0x41, 0x42, 0x80, 0x81, 0x82)


class AutoPoll:
    """One InAutoPoll; `command` has been checked."""

    def __init__(self, chip: VirtualPn532, command: Command) -> None:
        self._chip = chip
        self._command = command
        self._rounds = command.params[0]
        self._period_us = command.params[1] * PERIOD_US
        self._types = command.params[2:]
        self._turn = 0

    def begin(self) -> None:
        """Poll for the next type, or say that nobody came in all rounds."""
        if not self._command.alive:
            return
        rounds, index = divmod(self._turn, len(self._types))
        if rounds == self._rounds and self._rounds != ENDLESS:
            self._command.respond(b"\x00")
            return
        self._turn += 1
        began_us = self._chip.timeline.now_us()
        kind = self._types[index]

        def looked(remotes: list[Remote]) -> None:
            fitting = [remote for remote in remotes if _type_of(remote, kind) is not None]
            if fitting:
                self._found(remotes, kind)
            else:
                self._chip.timeline.at(began_us + self._period_us, self.begin)

        if kind in SILENT:
            looked([])
        else:
            wanted = Wanted(CALLS[kind], POLLED_MAX, rats=kind != MIFARE)
            Search(self._chip.initiator, self._command, wanted, 0, looked).begin()

    def _found(self, remotes: list[Remote], kind: int) -> None:
        self._chip.initiator.found(remotes)
        body = bytes([len(remotes)])
        for remote in remotes:
            entry = remote.entry()
            body += bytes([_type_of(remote, kind) or kind, len(entry)]) + entry
        self._command.respond(body)


def _type_of(remote: Remote, asked: int) -> int | None:
    """The type that is told of `remote`, None if it is not what was asked for."""
    if remote.polled:
        return asked | MIFARE
    is_4 = bool(remote.card.sel_res & ISO_14443_4)
    if asked == GENERIC_106:
        return ISO_14443_4A if is_4 else MIFARE
    return asked if asked == MIFARE or is_4 else None


def _auto_poll(command: Command) -> None:
    rounds, periods, types = command.params[0], command.params[1], command.params[2:]
    known = all(kind in CALLS or kind in SILENT for kind in types)
    if not rounds or not 1 <= periods <= PERIODS_MAX or not known:
        command.syntax_error()
        return
    command.chip.initiator.poll_afresh()
    AutoPoll(command.chip, command).begin()


COMMANDS = {0x60: Entry(_auto_poll, 3, 2 + TYPES_MAX)}
