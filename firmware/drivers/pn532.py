# SPDX-License-Identifier: Apache-2.0
"""The PN532's commands as coroutines: set up, poll for cards, listen as one.

One command runs at a time; each can be cancelled, and after any Fault `setup()` brings the chip
back. It carries APDUs as bytes and reads none of them. Nothing is kept in the chip that `setup`
does not write: SetParameters outlives everything but power. UM0701-02 §7.2 and §7.3.
"""

from __future__ import annotations

import asyncio
from collections import namedtuple
from typing import TYPE_CHECKING

from duotap.errors import Fault, Timeout

from drivers.pn532_link import Link
from drivers.pn532_session import Poller
from drivers.pn532_status import MORE_BIT, check, check_listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from port.clock import Clock

    from drivers.pn532_link import Bus

WRITE_REGISTER = b"\x08"
FIELD_OFF = b"\x32\x01\x00"
IN_DATA_EXCHANGE = 0x40
IN_LIST_PASSIVE_TARGET = 0x4A
IN_RELEASE_ALL = b"\x52\x00"
TG_GET_DATA = b"\x86"
TG_INIT_AS_TARGET = 0x8C
TG_SET_DATA = b"\x8e"
TG_SET_META_DATA = b"\x94"

TYPE_A_106 = 0x00
# CIU_Mode 3Fh switches the mode detector off; else a phone may see FeliCa instead of type A.
TYPE_A_ONLY = WRITE_REGISTER + b"\x63\x01\x3f"
PASSIVE_PICC_ONLY = 0x05
SENS_RES = b"\x04\x00"
SEL_RES = 0x20  # ISO 14443-4
# NFCID2 of a card that is none (01 FE), PAD, system code: never sent while TYPE_A_ONLY holds.
FELICA = b"\x01\xfe\xa2\xa3\xa4\xa5\xa6\xa7" + b"\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7" + b"\xff\xff"
NFCID3 = bytes(10)
MODE_PICC = 0x08

DATA_MAX = 262  # of one InDataExchange, TgGetData or TgSetData
COMMAND_MS = 100  # what touches no other antenna takes the chip about 1 ms
LIST_MS = 1000  # two cards, each with retries of its activation
EXCHANGE_MS = 5000  # a card may ask for 1.08 s more again and again; signing takes up to 1 s
RELEASE_MS = 200  # S(DESELECT) to a card that has gone, three times
SEND_MS = 5000  # a lost grant of time alone holds an answer up for 1.08 s
LISTEN_STEP_MS = 2  # nobody waits for an activation to the millisecond

# Tg; SENS_RES; SEL_RES; UID; ATS with its TL byte, empty without ISO 14443-4
Target = namedtuple("Target", ("tg", "sens_res", "sel_res", "uid", "ats"))


class Pn532:
    """`nfcid1t()` gives the three bytes behind 08h in the UID of each `listen`."""

    def __init__(self, bus: Bus, clock: Clock, nfcid1t: Callable[[], bytes] | None = None) -> None:
        self.link = Link(bus, clock)
        self.firmware_version = b""
        self.baudrate = bus.baudrate_max  # what `setup` tries first
        self._nfcid1t = nfcid1t
        self._field_on = False
        self.type_a_only = False

    @property
    def quiet(self) -> bool:
        """Whether no byte of the chip can arrive: only then may flash be programmed.

        True from `get_apdu`'s return to `put_apdu`, and from `exchange`'s to the next command.
        """
        return self.link.quiet

    # Setting up

    async def setup(self, baudrate: int | None = None) -> None:
        """From whatever state to known parameters, field off; Fault without a chip.

        The speed becomes `baudrate`, by default what the bus was made for, or the next lower one
        that its wires carry; that one from now on.
        """
        from drivers.pn532_setup import set_up

        if baudrate is not None:
            self.baudrate = baudrate
        await set_up(self)

    async def field_off(self) -> None:
        await self.link.command(FIELD_OFF)
        self._field_on = False

    # Polling

    async def list_passive(self, targets_max: int = 2) -> tuple[Target, ...]:
        """Switch the field on and select whoever is there; empty when nobody is.

        With two, the last one is selected. The field stays on until `release`.
        """
        self._field_on, self.type_a_only = True, False
        head = bytes([IN_LIST_PASSIVE_TARGET, targets_max, TYPE_A_106])
        return _targets(bytes(await self.link.command(head, b"", LIST_MS)))

    async def exchange(self, apdu: bytes, tg: int = 1, timeout_ms: int = EXCHANGE_MS) -> bytes:
        """Send a C-APDU of any length to a selected target and return its whole R-APDU."""
        at = 0
        while len(apdu) - at > DATA_MAX:
            head = bytes([IN_DATA_EXCHANGE, tg | MORE_BIT])
            body = await self.link.command(head, apdu[at : at + DATA_MAX], timeout_ms)
            check(_status(body))
            at += DATA_MAX
        head = bytes([IN_DATA_EXCHANGE, tg])
        body = await self.link.command(head, apdu[at:], timeout_ms)
        check(_status(body))
        answer = bytes(body[1:])
        while body[0] & MORE_BIT:
            body = await self.link.command(head, b"", timeout_ms)
            check(_status(body))
            answer += bytes(body[1:])
        return answer

    def poller(self, target: Target) -> Poller:
        """What speaks to a target that `list_passive` has selected."""
        return Poller(self, target)

    async def release(self) -> None:
        """Let go of every target, tell it, and switch the field off."""
        await self.link.command(IN_RELEASE_ALL, b"", RELEASE_MS)
        await self.field_off()

    # Listening

    async def listen(self, timeout_ms: int | None = None, historical: bytes = b"") -> bytes:
        """Be a type A card until a poller activates it; returns the RATS.

        Cancelled or timed out (Timeout) it can no longer be activated, also not by a poller
        that was just about to. `historical` are the ATS's historical bytes (Tk).
        """
        if self._field_on:
            await self.field_off()
        if not self.type_a_only:
            await self.link.command(TYPE_A_ONLY)
            self.type_a_only = True
        head = bytes([TG_INIT_AS_TARGET, PASSIVE_PICC_ONLY])
        body = await self._listening(head, self._identity(historical), timeout_ms, LISTEN_STEP_MS)
        if not _status(body) & MODE_PICC:
            await self.stop_listening()
            raise Fault("activated otherwise than as an ISO 14443-4 card")
        return bytes(body[1:])

    async def get_apdu(self, timeout_ms: int | None = None) -> bytes:
        """The next C-APDU, whole; Released when the poller has ended it.

        Cancelled or timed out it ends the activation, as does `put_apdu`.
        """
        apdu = b""
        more = MORE_BIT
        while more:
            body = await self._listening(TG_GET_DATA, b"", timeout_ms)
            check_listening(_status(body))
            more = body[0] & MORE_BIT
            apdu += bytes(body[1:])
        return apdu

    async def put_apdu(self, answer: bytes) -> None:
        """Send the R-APDU; returns once its last block is out, which nobody confirms."""
        at = 0
        while len(answer) - at > DATA_MAX:
            part = answer[at : at + DATA_MAX]
            check_listening(_status(await self._listening(TG_SET_META_DATA, part, SEND_MS)))
            at += DATA_MAX
        check_listening(_status(await self._listening(TG_SET_DATA, answer[at:], SEND_MS)))

    async def stop_listening(self) -> None:
        """Fall silent in the middle of an activation: the poller finds out by itself.

        Whatever led here counts, not what the chip says to it.
        """
        try:
            await self.link.command(IN_RELEASE_ALL, b"", RELEASE_MS)
        except Fault:
            pass

    async def _listening(
        self, head: bytes, tail: bytes, timeout_ms: int | None, step_ms: int = 1
    ) -> memoryview:
        """A command of the listener; one that is given up must not leave the chip activated.

        An aborted TgInitAsTarget is over, unless a poller was faster than our ACK.
        """
        try:
            return await self.link.command(head, tail, timeout_ms, step_ms)
        except (asyncio.CancelledError, Timeout):
            await self.stop_listening()
            raise

    def _identity(self, historical: bytes) -> bytes:
        """TgInitAsTarget behind its mode: MifareParams, FeliCaParams, NFCID3t, no Gt, Tk."""
        uid = self._nfcid1t() if self._nfcid1t is not None else bytes(3)
        mifare = SENS_RES + uid + bytes([SEL_RES])
        return mifare + FELICA + NFCID3 + bytes([0, len(historical)]) + historical


def _status(body: memoryview) -> int:
    """The first byte; a response without one is the chip's fault, not ours."""
    if not len(body):
        raise Fault("the PN532 sends no status")
    return body[0]


def _targets(body: bytes) -> tuple[Target, ...]:
    """Parse InListPassiveTarget's response for type A (UM0701-02 §7.3.5)."""
    found: tuple[Target, ...] = ()
    at = 1
    try:
        for _ in range(body[0]):
            uid_end = at + 5 + body[at + 4]
            sel_res = body[at + 3]
            end = uid_end
            if sel_res & SEL_RES and uid_end < len(body):
                end += body[uid_end]
            ats = body[uid_end:end]
            found += (
                Target(body[at], body[at + 1 : at + 3], sel_res, body[at + 5 : uid_end], ats),
            )
            at = end
    except IndexError:
        raise Fault("the PN532 lists targets unreadably") from None
    return found
