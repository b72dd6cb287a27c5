# SPDX-License-Identifier: Apache-2.0
"""The commands of a device, typed: what the host may ask over a cable (PROTOCOL.md §5, column S).

A status word that says no becomes a DeviceRefused with plain English. It keeps no secret, decides
nothing, and opens nothing that is sealed.
"""

from __future__ import annotations

from typing import NamedTuple

from duotap import apdu, cbor, commands, slip, uint
from duotap.errors import Malformed, Refusal
from duotap.fields import VERSION

from duotap_host.device.errors import DeviceError, DeviceRefused, NotUnderstood
from duotap_host.device.link import HELLO_PATIENCE_S, PATIENCE_S, Line, Link

PIN_P2 = 0x80
NEW, KEY, READY, DAMAGED = "new", "key", "ready", "damaged"  # states of a device
QUARANTINED = "quarantined"
STOPPED = (DAMAGED, QUARANTINED)  # it journals nothing any more
SEQUENCE_BYTES = 4
SHAPE = (int, int, int, bytes, bytes, str, int, int)  # of the answer to HELLO
RADIO_UNASKED, RADIO_ANSWERS, RADIO_SILENT = 0, 1, 2  # drivers.nfc
FRAME_MIN = 32  # room for a command of some bytes


class Hello(NamedTuple):
    """Who is there; `device` is empty and `role` 0 before it is provisioned."""

    version: int
    frame_max: int
    role: int
    device: bytes
    firmware: bytes
    state: str  # NEW, KEY, READY, DAMAGED or QUARANTINED
    full_percent: int
    radio: int  # RADIO_UNASKED, RADIO_ANSWERS or RADIO_SILENT


class Client:
    """One device at the end of a line; `connect` first."""

    def __init__(self, line: Line) -> None:
        self.link = Link(line)
        self._part = slip.command_part(FRAME_MIN)

    async def connect(self) -> Hello:
        """Begin a session. NoAnswer, NotUnderstood."""
        self.link.begin()
        answer = await self._ask("HELLO", commands.HELLO, patience_s=HELLO_PATIENCE_S)
        hello = _hello(answer)
        self._part = slip.command_part(hello.frame_max)
        return hello

    # The reader's right

    async def get_challenge(self) -> bytes:
        """A nonce for `authenticate`."""
        return await self._ask("GET CHALLENGE", commands.GET_CHALLENGE, cla=commands.CLA_ISO)

    async def authenticate(self, permit: bytes, challenge: bytes) -> None:
        """Show a permit and the nonce signed by the reader that it names."""
        asked = cbor.encode([permit, challenge])
        name, ins = "EXTERNAL AUTHENTICATE", commands.EXTERNAL_AUTHENTICATE
        await self._ask(name, ins, asked, cla=commands.CLA_ISO)

    async def verify_pin(self, pin: bytes) -> None:
        """Show the shift PIN of a stand."""
        await self._ask("VERIFY", commands.VERIFY, pin, p2=PIN_P2, cla=commands.CLA_ISO)

    # What is sealed to the ledger; `command` is what the opening needs too

    async def open_sync(self) -> bytes:
        """The ephemeral key of all that is sealed from now on."""
        return await self._ask("OPEN SYNC", commands.OPEN_SYNC)

    async def read_journal(self, sequence: int) -> tuple[bytes, bytes]:
        """Command and sealed piece of the journal from this record on."""
        command = uint.encode(sequence, SEQUENCE_BYTES)
        return command, await self._ask("READ JOURNAL", commands.READ_JOURNAL, command)

    async def get_head(self, challenge: bytes, reader: bytes) -> tuple[bytes, bytes]:
        """Command and sealed head, signed over a challenge of the ledger."""
        command = cbor.encode([challenge, reader])
        return command, await self._ask("GET HEAD", commands.GET_HEAD, command)

    async def unload(self, number: int, amounts: tuple[tuple[int, int], ...]) -> bytes:
        """Have value sent home under this unload number: the signed unload."""
        asked = cbor.encode([number, dict(amounts)])
        return await self._ask("UNLOAD", commands.UNLOAD, asked)

    # What the ledger hands over

    async def put_statement(self, raw: bytes) -> None:
        """A statement of the issuer."""
        await self._ask("PUT STATEMENT", commands.PUT_STATEMENT, raw)

    async def put_base(self, part: int, parts: int, raw: bytes) -> None:
        """One part of a base, in order; its checkpoint is a statement."""
        await self._ask("PUT BASE", commands.PUT_BASE, raw, p1=part, p2=parts)

    async def forward(self, raw: bytes) -> bytes:
        """CBOR [message, certificate] of another device; the receipt or void, if there is one."""
        return await self._ask("FORWARD", commands.FORWARD, raw)

    async def put_list(self, part: int, raw: bytes) -> None:
        """A part of the set that the last deny list waits for."""
        p1, p2 = divmod(part, 256)
        await self._ask("PUT LIST", commands.PUT_LIST, raw, p1=p1, p2=p2)

    # Factory

    async def generate_key(self, entropy: bytes, challenge: bytes) -> tuple[bytes, bytes]:
        """Public key and proof of possession."""
        asked = cbor.encode([entropy, challenge])
        answer = await self._ask("GENERATE KEY", commands.GENERATE_KEY, asked)
        public, possession = _byte_strings(answer, 2)
        return public, possession

    async def install(
        self, certificate: bytes, roots: tuple[bytes, ...], keycerts: tuple[bytes, ...]
    ) -> None:
        """Certificate and keys, once and for all; the same again does nothing."""
        asked = cbor.encode([certificate, list(roots), list(keycerts)])
        await self._ask("INSTALL", commands.INSTALL, asked)

    async def _ask(
        self,
        name: str,
        ins: int,
        data: bytes = b"",
        *,
        p1: int = 0,
        p2: int = 0,
        cla: int = commands.CLA,
        patience_s: tuple[float, ...] = PATIENCE_S,
    ) -> bytes:
        steps = apdu.exchange(cla, ins, p1, p2, data, self._part)
        try:
            command = next(steps)
            while True:
                command = steps.send(await self.link.request(command, patience_s))
        except StopIteration as stop:
            answer: bytes = stop.value
            return answer
        except Malformed as error:
            raise NotUnderstood(f"the device's answer is not understood: {error}") from None
        except Refusal as refusal:
            raise DeviceRefused(name, refusal.sw) from None


def _hello(answer: bytes) -> Hello:
    try:
        found = cbor.decode(answer)
    except Malformed:
        found = None
    if not isinstance(found, list) or tuple(map(type, found)) != SHAPE:
        raise NotUnderstood("what answers there is no device of this protocol")
    hello = Hello(*found)
    if hello.version != VERSION:
        raise NotUnderstood(f"the device speaks version {hello.version} of the protocol")
    if hello.frame_max < FRAME_MIN:
        raise NotUnderstood("the device takes no frame of a useful size")
    return hello


def _byte_strings(answer: bytes, count: int) -> list[bytes]:
    try:
        found = cbor.decode(answer)
    except Malformed:
        found = None
    if not isinstance(found, list) or [type(item) for item in found] != [bytes] * count:
        raise DeviceError("the device's answer is not understood")
    return found
