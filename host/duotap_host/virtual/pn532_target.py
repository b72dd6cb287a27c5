# SPDX-License-Identifier: Apache-2.0
"""The virtual PN532 as listener: TgInitAsTarget, activation, APDUs from and to the host.

UM0701-02 §7.3.14 to §7.3.21. RATS is answered by the chip with its fixed ATS when SetParameters
and SEL_RES allow ISO 14443-4 (else frames pass raw, by 88h and 90h); a UID of three zero bytes
is replaced by a random one. Once deselected it does not answer REQA before the carrier has gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap_host.virtual import isodep, pn532_basic, pn532_raw
from duotap_host.virtual.field import Card
from duotap_host.virtual.isodep_picc import Picc
from duotap_host.virtual.pn532_command import (
    MORE,
    OK,
    RELEASED,
    WRONG_STATE,
    Command,
    Entry,
)

if TYPE_CHECKING:
    from duotap_host.virtual.pn532_chip import VirtualPn532

TG_INIT_AS_TARGET = 0x8C
DATA_MAX = 262  # bytes of one TgGetData or TgSetData
UID_PREFIX = 0x08  # random ID (ISO 14443-3 §6.4.4)
FRAME_MAX = 64  # FSCI 5, also what it sends at most
# T0: TA, TB, TC follow, FSCI 5; TA 212 and 424 kbit/s offered; FWI 9, SFGI 2; CID and NAD.
ATS_FIXED = bytes.fromhex("75339203")
ISO_14443_4 = 0x20  # in SEL_RES
MODE_PICC = 0x08
CRC_106 = pn532_basic.CRC_ON  # in CIU_TxMode and CIU_RxMode: type A, 106 kbit/s
HALT = bytes([0x50, 0x00])
PARAMS_LEAST = 37

# States. `halted` goes beside them: it lasts as long as the carrier.
IDLE, ARMED, SELECTED, RAW, ACTIVE, GONE = range(6)
# As TgGetTargetStatus names them.
STATUS_BYTES = {ACTIVE: 0x81, RAW: 0x01, GONE: 0x82}


class Target:
    """The listener half of a chip."""

    def __init__(self, chip: VirtualPn532) -> None:
        self._chip = chip
        self._state = IDLE
        self._picc: Picc | None = None
        self.power_up()

    def power_up(self) -> None:
        self._halted = False
        self._command: Command | None = None
        self._reader: Command | None = None
        self._writer: Command | None = None
        self._apdu: bytes | None = None
        self._rest = b""
        self._historical = b""
        self._card = Card(b"", b"", 0)
        self._felica = b""

    def stop(self) -> None:
        """Neither armed nor active any more."""
        self._close()
        self._state = IDLE
        self._command = None

    def _close(self) -> None:
        if self._picc is not None:
            self._picc.close()
            self._picc = None
        self._apdu, self._rest = None, b""

    def doing(self) -> str:
        """What it is at, in a word; empty when it does not listen."""
        if self._state in (ARMED, SELECTED):
            return "listening"
        return "activated" if self._state in (RAW, ACTIVE) else ""

    # TgInitAsTarget

    def arm(self, command: Command) -> None:
        """Wait, asleep, for a poller: mode, 6 bytes Mifare, 18 FeliCa, 10 NFCID3, Gt, Tk."""
        params = command.params
        gt_end = 36 + params[35]
        if len(params) <= gt_end or len(params) != gt_end + 1 + params[gt_end]:
            command.syntax_error()
            return
        chip = self._chip
        chip.initiator.power_off()
        self.stop()
        chip.registers[pn532_basic.TX_MODE] = chip.registers[pn532_basic.RX_MODE] = CRC_106
        uid = params[3:6] if any(params[3:6]) else chip.random.randbytes(3)
        self._card = Card(bytes([UID_PREFIX]) + uid, params[2:0:-1], params[6])
        self._felica = params[7:25]
        self._historical = params[gt_end + 1 :]
        self._state, self._command = ARMED, command
        command.on_abort = self.stop
        chip.sleep()
        chip.field.touched()

    def outside_carrier(self, present: bool) -> None:
        if not present:
            self._halted = False
            if self._state == SELECTED:
                self._state = ARMED
            elif self._state in (RAW, ACTIVE):
                self._gone()

    def answers(self, wake: bool) -> Card | None:
        armed = self._state == ARMED and (wake or not self._halted)
        return self._card if armed else None

    def answers_felica(self) -> bytes | None:
        only_a = self._chip.registers.get(pn532_basic.CIU_MODE) == pn532_basic.NO_MODE_DETECTOR
        return self._felica if self._state == ARMED and not only_a else None

    def selected(self) -> None:
        if self._state == ARMED:
            self._state = SELECTED

    def hear(self, frame: bytes | None) -> None:
        if self._state == ACTIVE and self._picc is not None:
            self._picc.hear(frame)
        elif frame is None:
            return
        elif self._state == SELECTED and frame == HALT:
            self._state, self._halted = ARMED, True
        elif self._state == SELECTED:
            self._first(frame)
        elif self._state == RAW:
            self._deliver(frame)

    def _first(self, frame: bytes) -> None:
        """The first frame after selection ends TgInitAsTarget, in either way of working."""
        chip, command = self._chip, self._command
        if command is None:
            return
        picc = chip.flags & pn532_basic.PICC_14443_4 and self._card.sel_res & ISO_14443_4
        if picc and frame[0] != isodep.RATS:
            return
        self._command = None
        chip.wake()
        if picc:
            self._activate(frame)
            command.respond(bytes([MODE_PICC]) + frame)
        else:
            self._state = RAW
            command.respond(bytes([0x00]) + frame)

    def _activate(self, rats: bytes) -> None:
        fsd = isodep.FRAME_SIZES[min(rats[1] >> 4, 8)] if len(rats) > 1 else FRAME_MAX
        self._picc = Picc(
            self._chip.timeline,
            min(fsd, FRAME_MAX),
            lambda frame: self._chip.field.send(self._chip, frame),
            self._deliver,
            self._deselected,
        )
        self._state = ACTIVE
        ats = ATS_FIXED + self._historical
        self._chip.timeline.after(
            isodep.TURNAROUND_US, self._chip.field.send, self._chip, bytes([len(ats) + 1]) + ats
        )

    def _deselected(self) -> None:
        self._halted = True
        self._gone()

    def _gone(self) -> None:
        """The poller has ended it: who waits hears so, else the next one does."""
        self._close()
        waiting = [command for command in (self._reader, self._writer) if command is not None]
        self._reader = self._writer = None
        alive = [command for command in waiting if command.alive]
        self._state = IDLE if alive else GONE
        for command in alive:
            command.status(RELEASED)

    # APDUs

    def _deliver(self, apdu: bytes) -> None:
        self._apdu = apdu
        if self._reader is not None and self._reader.alive:
            self._hand_over(self._reader)

    def get_data(self, command: Command) -> None:
        if not self._usable(command, (ACTIVE, RAW)):
            return
        self._reader = command
        if self._apdu is not None or self._rest:
            self._hand_over(command)

    def _hand_over(self, command: Command) -> None:
        """Give the host the C-APDU; b6 of the status promises what one response cannot hold."""
        whole = self._rest or self._apdu or b""
        if self._state == RAW and not self._rest:
            whole = pn532_raw.incoming(self._chip, whole)
        part, self._rest, self._apdu = whole[:DATA_MAX], whole[DATA_MAX:], None
        self._reader = None
        command.status(OK | (MORE if self._rest else 0), part)

    def set_data(self, command: Command, more: bool) -> None:
        if not self._usable(command, (ACTIVE, RAW)):
            return
        self._writer = command
        if self._picc is not None:
            self._picc.answer(command.params, more, self._sent)
        else:
            frame = pn532_raw.outgoing(self._chip, command.params)
            out_us = self._chip.field.send(self._chip, frame) if frame else 0
            self._chip.timeline.after(out_us, self._sent)

    def _sent(self) -> None:
        command, self._writer = self._writer, None
        if command is not None:
            command.status(OK)

    def _usable(self, command: Command, states: tuple[int, ...]) -> bool:
        """Whether a poller is there; if not, `command` is told why and when."""
        if self._state in states:
            return True
        released = self._state == GONE
        if released:
            self._state = IDLE
        command.status(RELEASED if released else WRONG_STATE)
        return False

    def target_status(self, command: Command) -> None:
        command.respond(bytes([STATUS_BYTES.get(self._state, 0x00), 0x00]))


COMMANDS = {
    0x86: Entry(lambda command: command.chip.target.get_data(command), 0, 0),
    0x88: Entry(lambda command: command.chip.target.get_data(command), 0, 0),
    0x8A: Entry(lambda command: command.chip.target.target_status(command), 0, 0),
    TG_INIT_AS_TARGET: Entry(
        lambda command: command.chip.target.arm(command), PARAMS_LEAST, PARAMS_LEAST + 47 + 48
    ),
    0x8E: Entry(lambda command: command.chip.target.set_data(command, False), 0, DATA_MAX),
    0x90: Entry(lambda command: command.chip.target.set_data(command, False), 0, DATA_MAX),
    0x94: Entry(lambda command: command.chip.target.set_data(command, True), 0, DATA_MAX),
}
