# SPDX-License-Identifier: Apache-2.0
"""The virtual PN532 as poller: carrier, finding listeners, exchanging APDUs and raw frames.

UM0701-02 §7.3: RFConfiguration, InListPassiveTarget, InDataExchange, InCommunicateThru,
InDeselect, InRelease, InSelect. Type A at 106 kbit/s is complete as far as ISO 14443-4 goes;
FeliCa polling tells only that somebody answered; the other types find nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from duotap_host.virtual import isodep, pn532_basic, pn532_raw
from duotap_host.virtual.field import SELECTION_US
from duotap_host.virtual.isodep import Ats
from duotap_host.virtual.isodep_pcd import Pcd
from duotap_host.virtual.pn532_command import (
    CRC,
    MORE,
    NOT_ACCEPTABLE,
    OK,
    PARAMETER,
    TIMEOUT,
    Command,
    Entry,
)
from duotap_host.virtual.pn532_search import FOR_EVER, JEWEL, Remote, Search, Wanted

if TYPE_CHECKING:
    from duotap_host.virtual.pn532_chip import VirtualPn532

EXCHANGE_MAX = 262  # bytes of one InDataExchange, either way
TARGETS_MAX = 2
RATS = bytes([isodep.RATS, 0x50])  # FSDI 5, CID 0
ATS_WAIT_US = 6_000  # activation frame waiting time 65536/fc, and the turnaround
ISO_14443_4 = 0x20  # in SEL_RES
HALT = bytes([0x50, 0x00])
STILL_THERE = bytes([isodep.PCB_R | isodep.NAK])
ITEM_FIELD, ITEM_TIMINGS, ITEM_RETRIES = 0x01, 0x02, 0x05


class Initiator:
    """The poller half of a chip."""

    def __init__(self, chip: VirtualPn532) -> None:
        self._chip = chip
        self._alarm: asyncio.TimerHandle | None = None
        self._waiting: Callable[[int, bytes], None] | None = None
        self._caller = pn532_raw.Caller(chip)
        self.power_up()

    def power_up(self) -> None:
        self.retries = FOR_EVER
        self.retry_code = 0x0A
        self._forget()

    def power_off(self) -> None:
        """The carrier is gone, and with it everything that was found."""
        self._forget()
        self._chip.field.carrier(self._chip, False)

    def known(self) -> list[int]:
        return [remote.tg for remote in self._remotes]

    def _forget(self) -> None:
        self._remotes: list[Remote] = []
        self._current: Remote | None = None
        self._unexpect()

    # Frames

    def send(self, frame: bytes) -> int:
        return self._chip.field.send(self._chip, frame)

    def hear(self, frame: bytes | None) -> None:
        if self._waiting is not None:
            answer = self._unexpect()
            answer(CRC if frame is None else OK, frame or b"")
        elif self._current is not None and self._current.pcd is not None:
            self._current.pcd.hear(frame)

    def _ask(
        self, frame: bytes | None, wait_us: int, answer: Callable[[int, bytes], None]
    ) -> None:
        """Send a raw frame; `answer(status, frame)` gets what comes back, or a time-out.

        None is one that nobody understands; it is not sent.
        """
        out_us = self.send(frame) if frame else 0
        self._waiting = answer
        self._alarm = self._chip.timeline.after(out_us + wait_us, self._silence)

    def _silence(self) -> None:
        self._unexpect()(TIMEOUT, b"")

    def _stop_waiting(self) -> None:
        self._unexpect()

    def _unexpect(self) -> Callable[[int, bytes], None]:
        waiting, self._waiting = self._waiting, None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        return waiting if waiting is not None else _nobody

    # RFConfiguration

    def configure(self, command: Command) -> None:
        item, values = command.params[0], command.params[1:]
        if item == ITEM_FIELD and values:
            if values[0] & 0x01:
                self._chip.field.carrier(self._chip, True)
            else:
                self.power_off()
        elif item == ITEM_TIMINGS and len(values) == 3:
            self.retry_code = values[2]
        elif item == ITEM_RETRIES and len(values) == 3:
            self.retries = values[2]
        command.respond()

    # InListPassiveTarget

    def list_passive(self, command: Command) -> None:
        count, kind = command.params[0], command.params[1]
        if not 1 <= count <= TARGETS_MAX or kind > JEWEL:
            command.status(PARAMETER)
            return

        def found(remotes: list[Remote]) -> None:
            self.found(remotes)
            entries = b"".join(remote.entry() for remote in remotes)
            command.respond(bytes([len(remotes)]) + entries)

        self.poll_afresh()
        Search(self, command, Wanted(kind, count, command.params[2:]), self.retries, found).begin()

    def poll_afresh(self) -> None:
        """From now on a poller that knows nobody."""
        self._chip.target.stop()
        self._forget()

    def restart_carrier(self) -> None:
        """Drop the carrier for a moment, so that whoever is half activated starts anew."""
        self._chip.field.carrier(self._chip, False)
        self._chip.field.carrier(self._chip, True)

    def found(self, remotes: list[Remote]) -> None:
        self._remotes = remotes
        self._current = remotes[-1] if remotes else None

    def activate(self, remote: Remote, rats: bool, done: Callable[[bool], None]) -> None:
        """Select `remote` and, if `rats` and it may, have it answer RATS; `done(success)`."""
        self._chip.timeline.after(SELECTION_US, self._selected, remote, rats, done)

    def _selected(self, remote: Remote, rats: bool, done: Callable[[bool], None]) -> None:
        chip = self._chip
        if remote.polled:
            done(True)
            return
        if not chip.field.select(chip, remote.station, remote.card.uid):
            done(False)
            return
        self._current = remote
        rats = rats and bool(chip.flags & pn532_basic.AUTO_RATS)
        if not (rats and remote.card.sel_res & ISO_14443_4):
            done(True)
            return

        def answered(status: int, ats: bytes) -> None:
            if status == OK:
                remote.ats = ats
                remote.pcd = Pcd(chip.timeline, Ats.of(ats), self.send)
            done(status == OK)

        self._ask(RATS, ATS_WAIT_US, answered)

    # Exchanges

    def _remote(self, tg: int) -> Remote | None:
        return next((remote for remote in self._remotes if remote.tg == tg), None)

    def exchange(self, command: Command) -> None:
        tg, data = command.params[0], command.params[1:]
        remote = self._remote(tg & ~MORE)
        if remote is None:
            command.status(NOT_ACCEPTABLE)
        elif remote is not self._current:
            self._reselect(command, remote, lambda: self._exchange_with(command, remote))
        elif remote.rest and not data:
            self._hand_over(command, remote, OK, remote.rest)
        else:
            self._exchange_with(command, remote)

    def _exchange_with(self, command: Command, remote: Remote) -> None:
        more, data = bool(command.params[0] & MORE), command.params[1:]
        remote.rest = b""
        if remote.pcd is None:
            self._raw(command, data)
            return
        command.on_abort = remote.pcd.cancel
        remote.pcd.exchange(
            data, more, lambda status, answer: self._hand_over(command, remote, status, answer)
        )

    def _hand_over(self, command: Command, remote: Remote, status: int, answer: bytes) -> None:
        """Give the host as much as one response holds; b6 of the status promises the rest."""
        part, remote.rest = answer[:EXCHANGE_MAX], answer[EXCHANGE_MAX:]
        command.status(status | (MORE if remote.rest else 0), part)

    def communicate_thru(self, command: Command) -> None:
        self._raw(command, command.params)

    def _raw(self, command: Command, frame: bytes) -> None:
        """A frame as it is; its CRC is the chip's business while CIU_TxMode says so."""
        code = self.retry_code
        wait_us = 100 << (code - 1) if code else isodep.FWT_MAX_US
        answer = self._caller.answer(frame)
        if answer is not None:
            self._called(command, frame, answer, wait_us)
            return

        def heard(status: int, answer: bytes) -> None:
            command.status(status, pn532_raw.incoming(self._chip, answer) if answer else b"")

        command.on_abort = self._stop_waiting
        self._ask(pn532_raw.outgoing(self._chip, frame), wait_us, heard)

    def _called(self, command: Command, frame: bytes, answer: bytes, wait_us: int) -> None:
        """A step of a selection, done by the host: it takes its time on the air."""
        air_us = isodep.air_us(len(frame) + len(answer))
        if answer:
            self._chip.timeline.after(air_us, command.status, OK, answer)
        else:
            self._chip.timeline.after(air_us + wait_us, command.status, TIMEOUT)

    def attend(self, command: Command) -> None:
        """Diagnose 06h: whether the activated card still answers R(NAK)."""
        if self._current is None or self._current.pcd is None:
            command.status(NOT_ACCEPTABLE)
            return
        command.on_abort = self._stop_waiting
        self._ask(STILL_THERE, ATS_WAIT_US, lambda status, _answer: command.status(status))

    # Selecting and releasing

    def select(self, command: Command) -> None:
        remote = self._remote(command.params[0])
        if remote is None:
            command.status(NOT_ACCEPTABLE)
        elif remote is self._current:
            command.status(OK)
        else:
            self._reselect(command, remote, lambda: command.status(OK))

    def _reselect(self, command: Command, remote: Remote, then: Callable[[], None]) -> None:
        """Deselect who is selected, wake `remote` and activate it again."""

        def awake(success: bool) -> None:
            if success and command.alive:
                then()
            else:
                command.status(TIMEOUT)

        def call(_status: int, _answer: bytes) -> None:
            found = self._chip.field.callers(self._chip, wake=True)
            if any(card.uid == remote.card.uid for card, _station in found):
                self.activate(remote, remote.pcd is not None, awake)
            else:
                awake(False)

        self._deselect(call)

    def _deselect(self, done: Callable[[int, bytes], None]) -> None:
        current, self._current = self._current, None
        if current is not None and current.pcd is not None:
            self._current = current
            current.pcd.deselect(lambda status, answer: self._let_go(status, answer, done))
        else:
            done(OK, b"")

    def _let_go(self, status: int, answer: bytes, done: Callable[[int, bytes], None]) -> None:
        self._current = None
        done(status, answer)

    def deselect(self, command: Command) -> None:
        self._deselect(lambda status, _answer: command.status(OK))

    def release(self, command: Command) -> None:
        """Deselect and forget; with Tg 0 listening ends too."""
        if command.params[0] == 0:
            self._chip.target.stop()

        def released(_status: int, _answer: bytes) -> None:
            self._forget()
            command.status(OK)

        self._deselect(released)

    def halt(self) -> int:
        return self.send(HALT)


def _nobody(_status: int, _answer: bytes) -> None:
    """Nobody waits for this answer."""


COMMANDS = {
    0x32: Entry(lambda command: command.chip.initiator.configure(command), 2, 12),
    0x40: Entry(lambda command: command.chip.initiator.exchange(command), 1, EXCHANGE_MAX + 1),
    0x42: Entry(lambda command: command.chip.initiator.communicate_thru(command), 0, 263),
    0x44: Entry(lambda command: command.chip.initiator.deselect(command), 1, 1),
    0x4A: Entry(lambda command: command.chip.initiator.list_passive(command), 2, 20),
    0x52: Entry(lambda command: command.chip.initiator.release(command), 1, 1),
    0x54: Entry(lambda command: command.chip.initiator.select(command), 1, 1),
}
