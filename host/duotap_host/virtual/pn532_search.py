# SPDX-License-Identifier: Apache-2.0
"""InListPassiveTarget of the virtual PN532: calling, selecting and activating up to two targets.

UM0701-02 §7.3.5. A search that may last for ever costs nothing while nobody comes: it looks
again when the field reports a change, at the attempt that would have noticed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap_host.virtual import pn532_basic
from duotap_host.virtual.field import Card, Station
from duotap_host.virtual.isodep_pcd import Pcd
from duotap_host.virtual.pn532_command import Command

if TYPE_CHECKING:
    from duotap_host.virtual.pn532_initiator import Initiator

ATTEMPT_US = 5_000  # one passive activation that nobody answers
FIFO_NOBODY = 0x26  # what CIU_FIFOData shows after nobody answered
FOR_EVER = 0xFF
CASCADE_TAG = 0x88
TYPE_A, FELICA_212, FELICA_424, TYPE_B, JEWEL = range(5)


class Remote:
    """A listener that has been found; `pcd` is there once it has answered RATS."""

    def __init__(self, tg: int, station: Station, card: Card) -> None:
        self.tg = tg
        self.station = station
        self.card = card
        self.ats = b""
        self.pcd: Pcd | None = None
        self.rest = b""

    def entry(self) -> bytes:
        """Its part of InListPassiveTarget's response."""
        card = self.card
        head = bytes([self.tg]) + card.sens_res + bytes([card.sel_res, len(card.uid)])
        return head + card.uid + self.ats


class Search:
    """One InListPassiveTarget: attempts until somebody answers or the retries are used up."""

    def __init__(self, initiator: Initiator, command: Command, wanted: int, kind: int) -> None:
        self._initiator = initiator
        self._command = command
        self._wanted = wanted
        self._kind = kind
        self._uid = _without_cascade_tags(command.params[2:]) if kind == TYPE_A else b""
        self._left = initiator.retries
        self._for_ever = initiator.retries == FOR_EVER
        self._remotes: list[Remote] = []
        self._begun_us = 0
        self._chip = command.chip
        self._watching = False

    def end(self) -> None:
        if self._watching:
            self._watching = False
            self._chip.field.unwatch(self._changed)

    def attempt(self) -> None:
        """Call; who answers is activated, one after another."""
        if not self._command.alive:
            return
        if self._kind == TYPE_A:
            self._remotes = self._call()
            if self._remotes:
                self._bring_up(0)
                return
        elif self._kind in (FELICA_212, FELICA_424) and self._felica():
            return
        self._nobody()

    def _call(self) -> list[Remote]:
        """Who answers REQA; if the host named a UID, whether that one answers WUPA."""
        found = self._chip.field.callers(self._chip, wake=bool(self._uid))
        if self._uid:
            found = [entry for entry in found if entry[0].uid == self._uid]
        chosen = enumerate(found[: self._wanted], 1)
        return [Remote(tg, station, card) for tg, (card, station) in chosen]

    def _felica(self) -> bool:
        found = self._chip.field.felica_callers(self._chip)
        if found:
            polled = bytes([18, 0x01]) + found[0][:16]
            self._command.respond(b"\x01\x01" + polled)
        return bool(found)

    def _nobody(self) -> None:
        """Try again, or, if that may go on for ever, when there is a reason to."""
        if self._for_ever:
            self._begun_us = self._chip.timeline.now_us()
            self._watching = True
            self._chip.field.watch(self._changed)
        else:
            self._again()

    def _again(self) -> None:
        """The next attempt; after the last one, say that there was nobody."""
        last = self._left == 0 and not self._for_ever
        self._left -= 1
        self._chip.timeline.after(ATTEMPT_US, self._give_up if last else self.attempt)

    def _changed(self) -> None:
        """Something in the field may answer now: the next attempt would find out."""
        self.end()
        timeline = self._chip.timeline
        waited_us = timeline.now_us() - self._begun_us
        timeline.at(self._begun_us + (waited_us // ATTEMPT_US + 1) * ATTEMPT_US, self.attempt)

    def _give_up(self) -> None:
        self._chip.registers[pn532_basic.CIU_FIFO] = FIFO_NOBODY
        self._command.respond(b"\x00")

    def _bring_up(self, index: int) -> None:
        if self._command.alive:
            remote = self._remotes[index]
            self._initiator.activate(remote, lambda success: self._up(index, success))

    def _up(self, index: int, success: bool) -> None:
        if not self._command.alive:
            return
        if not success:
            self._initiator.restart_carrier()
            self._again()
        elif index + 1 == len(self._remotes):
            self._initiator.found(self._remotes)
            entries = b"".join(remote.entry() for remote in self._remotes)
            self._chip.registers[pn532_basic.CIU_FIFO] = 0x00
            self._command.respond(bytes([len(self._remotes)]) + entries)
        else:
            self._put_aside(index)

    def _put_aside(self, index: int) -> None:
        """Halt this one, by DESELECT if it is active, so that the next one can be selected."""
        pcd = self._remotes[index].pcd
        if pcd is not None:
            pcd.deselect(lambda _status, _answer: self._bring_up(index + 1))
        else:
            out_us = self._initiator.halt()
            self._chip.timeline.after(out_us, self._bring_up, index + 1)


def _without_cascade_tags(uid: bytes) -> bytes:
    """The UID itself: hosts put 88h in front of each but the last four bytes of it."""
    whole = b""
    while len(uid) > 4 and uid[0] == CASCADE_TAG:
        whole, uid = whole + uid[1:4], uid[4:]
    return whole + uid
