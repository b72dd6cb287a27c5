# SPDX-License-Identifier: Apache-2.0
"""How the virtual PN532 finds listeners: calling, selecting and activating up to two of them.

UM0701-02 §7.3.5 and §7.3.13. A search that may last for ever costs nothing while nobody comes: it
looks again when the field reports a change, at the attempt that would have noticed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from duotap_host.virtual import pn532_basic
from duotap_host.virtual.field import Card, Station
from duotap_host.virtual.isodep_pcd import Pcd
from duotap_host.virtual.pn532_command import Command

if TYPE_CHECKING:
    from duotap_host.virtual.pn532_initiator import Initiator

GUARD_US = 5_000  # from carrier on to the first command (ISO 14443-3 §6.1.5)
ATTEMPT_US = 5_000  # one passive activation that nobody answers
FIFO_NOBODY = 0x26  # what CIU_FIFOData shows after nobody answered
FOR_EVER = 0xFF
CASCADE_TAG = 0x88
TYPE_A, FELICA_212, FELICA_424, TYPE_B, JEWEL = range(5)
FELICA_FRAMING = {FELICA_212: 0x12, FELICA_424: 0x22}  # in CIU_TxMode and CIU_RxMode
POLLING_ALL = bytes.fromhex("00ffff0000")  # any system code, one time slot
SYSTEM_CODE = 0x01  # request code: the answer ends with it


class Remote:
    """A listener that has been found; `pcd` is there once it has answered RATS.

    `polled` is what a FeliCa listener answered to polling, behind its length byte.
    """

    def __init__(self, tg: int, station: Station, card: Card, polled: bytes = b"") -> None:
        self.tg = tg
        self.station = station
        self.card = card
        self.polled = polled
        self.ats = b""
        self.pcd: Pcd | None = None
        self.rest = b""

    def entry(self) -> bytes:
        """Its part of InListPassiveTarget's response."""
        card = self.card
        if self.polled:
            return bytes([self.tg, len(self.polled) + 1]) + self.polled
        head = bytes([self.tg]) + card.sens_res + bytes([card.sel_res, len(card.uid)])
        return head + card.uid + self.ats


class Wanted(NamedTuple):
    """Whom to call: the type, how many at most, what goes with the call, and whether RATS may.

    `initial` is what InListPassiveTarget calls InitiatorData: of type A the UID of the only one
    that is meant, of FeliCa the payload of the polling request.
    """

    kind: int
    most: int = 1
    initial: bytes = b""
    rats: bool = True


class Search:
    """Attempts until somebody answers or the retries are used up; `done(remotes)` ends it."""

    def __init__(
        self,
        initiator: Initiator,
        command: Command,
        wanted: Wanted,
        retries: int,
        done: Callable[[list[Remote]], None],
    ) -> None:
        self._initiator = initiator
        self._command = command
        self._wanted = wanted
        self._uid = _without_cascade_tags(wanted.initial) if wanted.kind == TYPE_A else b""
        self._left = retries
        self._for_ever = retries == FOR_EVER
        self._done = done
        self._remotes: list[Remote] = []
        self._begun_us = 0
        self._chip = command.chip
        self._watching = False
        command.on_abort = self.end

    def begin(self) -> None:
        """Make sure of the carrier and call."""
        chip = self._chip
        crc_on = pn532_basic.CRC_ON
        framing = crc_on | FELICA_FRAMING.get(self._wanted.kind, 0)
        chip.registers[pn532_basic.TX_MODE] = chip.registers[pn532_basic.RX_MODE] = framing
        guard_us = 0 if chip.field.has_carrier(chip) else GUARD_US
        chip.field.carrier(chip, True)
        chip.timeline.after(guard_us, self.attempt)

    def end(self) -> None:
        if self._watching:
            self._watching = False
            self._chip.field.unwatch(self._changed)

    def attempt(self) -> None:
        """Call; who answers is activated, one after another."""
        if not self._command.alive:
            return
        if self._wanted.kind == TYPE_A:
            self._remotes = self._call()
        elif self._wanted.kind in FELICA_FRAMING:
            self._remotes = self._poll()
        if self._remotes:
            self._bring_up(0)
        else:
            self._nobody()

    def _call(self) -> list[Remote]:
        """Who answers REQA; if the host named a UID, whether that one answers WUPA."""
        found = self._chip.field.callers(self._chip, wake=bool(self._uid))
        if self._uid:
            found = [entry for entry in found if entry[0].uid == self._uid]
        chosen = enumerate(found[: self._wanted.most], 1)
        return [Remote(tg, station, card) for tg, (card, station) in chosen]

    def _poll(self) -> list[Remote]:
        """Who answers a FeliCa polling request: 00, system code, request code, time slots."""
        request = self._wanted.initial or POLLING_ALL
        remotes: list[Remote] = []
        for answer, station in self._chip.field.felica_callers(self._chip):
            system = answer[16:18]
            if all(want in (0xFF, have) for want, have in zip(request[1:3], system, strict=True)):
                polled = b"\x01" + answer[:16] + (system if request[3] == SYSTEM_CODE else b"")
                card = Card(answer[:8], b"", 0)
                remotes.append(Remote(len(remotes) + 1, station, card, polled))
        return remotes[: self._wanted.most]

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
        if self._command.alive:
            self._chip.registers[pn532_basic.CIU_FIFO] = FIFO_NOBODY
            self._done([])

    def _bring_up(self, index: int) -> None:
        if self._command.alive:
            remote = self._remotes[index]
            self._initiator.activate(
                remote, self._wanted.rats, lambda success: self._up(index, success)
            )

    def _up(self, index: int, success: bool) -> None:
        if not self._command.alive:
            return
        if not success:
            self._initiator.restart_carrier()
            self._again()
        elif index + 1 == len(self._remotes):
            self._chip.registers[pn532_basic.CIU_FIFO] = 0x00
            self._done(self._remotes)
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
