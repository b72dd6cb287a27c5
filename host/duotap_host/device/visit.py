# SPDX-License-Identifier: Apache-2.0
"""One visit of a device at the ledger: show the permit, pull the journal, take a head, hand over
what the ledger has for it (PROTOCOL.md §6).

Broken off anywhere, the next visit goes on: what was pulled is archived, what was handed over is
in the device's journal, and both sides know what they know already. It books nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any

from duotap import messages, record, status
from duotap.apdu import COMMAND_MAX
from duotap.cose import key_id
from duotap.errors import Malformed

from duotap_host.device.client import STOPPED, Client
from duotap_host.device.errors import REASONS, DeviceError, DeviceRefused, NotProven
from duotap_host.issuer import Issuer, Seal
from duotap_host.issuer.issuer import PERMIT_EPOCHS
from duotap_host.ledger.interface import Device, Handover, HeadTaken, Kind, Ledger

EPOCHS_AHEAD = 30  # from here on the root signs an epoch too (PROTOCOL.md §7)
# A load that a device cannot take now goes back; waiting, it would block all that comes after it.
CANCELLED_BY = (status.ABOVE_BALANCE, status.ABOVE_SUM, status.SCOPE, status.JOURNAL_FULL)


class Step(StrEnum):
    """What a visit has just done."""

    CONNECTED = "connected"
    PULLED = "pulled"  # and how many records so far
    HEAD = "head"
    HANDED = "handed"  # and how many things so far


Tell = Callable[[Step, int], object]


def silent(_step: Step, _count: int) -> None:
    """Nobody watches."""


class Visit:
    """A device that is connected, let this reader in, and seals to the ledger.

    `pulled` counts records that came, `taken` what the device took, `refused` has one line for
    each thing that it did not; `head` is the last one.
    """

    head: Any  # duotap.messages.Head, once there was a pull

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        issuer: Issuer,
        device: Device,
        tell: Tell,
    ) -> None:
        self.client = client
        self.ledger = ledger
        self.device = device
        self.pulled = 0
        self.taken = 0
        self.refused: list[str] = []
        self.cancelled: set[int] = set()  # numbers of loads that the device could not take
        self.is_stopped = False  # its journal is read-only: it gives what it has and takes nothing
        self.is_held_up = False  # a numbered statement was refused, and so are those after it
        self._issuer = issuer
        self._seal: Seal  # of one pull
        self._tell = tell

    @classmethod
    async def begin(
        cls, client: Client, ledger: Ledger, issuer: Issuer, epoch: int, tell: Tell = silent
    ) -> Visit:
        """Connect and show the permit. DeviceError, LedgerError, IssuerError."""
        hello = await client.connect()
        if not hello.device:
            raise DeviceError("the device is not provisioned yet")
        device = ledger.device(hello.device)
        tell(Step.CONNECTED, 1)
        permit = issuer.permit(epoch + PERMIT_EPOCHS)
        nonce = await client.get_challenge()
        await client.authenticate(permit, issuer.challenge(device.id, nonce))
        visit = cls(client, ledger, issuer, device, tell)
        visit.is_stopped = hello.state in STOPPED
        return visit

    # Pull

    async def pull(self) -> HeadTaken:
        """All records that the ledger lacks, and a head over them."""
        ephemeral = await self.client.open_sync()
        self._seal = self._issuer.open_seal(self.device.id, ephemeral)
        asked = 0
        missing = self.ledger.next_missing(self.device.id)
        while True:
            await self._records(missing)
            head = await self._head()
            if head.covers or head.missing <= asked:
                return head
            asked, missing = missing, head.missing

    async def _records(self, sequence: int) -> None:
        while True:
            command, sealed = await self.client.read_journal(sequence)
            try:
                statements = self._seal.chunk(command, sealed)
            except Malformed as error:
                raise _not_open(error) from None
            if not statements:
                return
            self.ledger.deposit(self.device.id, statements)
            self.pulled += len(statements)
            self._tell(Step.PULLED, self.pulled)
            sequence = record.decode(statements[-1]).sequence + 1

    async def _head(self) -> HeadTaken:
        challenge = self.ledger.new_challenge(self.device.id)
        command, sealed = await self.client.get_head(challenge, key_id(self._issuer.reader))
        try:
            raw = self._seal.head(command, sealed)
        except Malformed as error:
            raise _not_open(error) from None
        taken = self.ledger.put_head(raw)
        self.head = messages.decode(raw, messages.Head).message
        self._tell(Step.HEAD, self.head.sequence)
        return taken

    # Hand over

    async def raise_epoch(self, epoch: int) -> None:
        """Tell the device the day, when it is behind; far behind, with the root's signature."""
        own = self.head.epoch
        if own < epoch and not self.is_stopped:
            far = own > 0 and epoch > own + EPOCHS_AHEAD
            raw = self._issuer.sign_epoch(epoch, far)
            await self._hand(Handover(Kind.STATEMENT, raw))

    async def give_keys(self) -> None:
        """What the root says of factory keys; it refuses what is older than what it knows."""
        for raw in () if self.is_stopped else self.ledger.certifiers.statements():
            with suppress(DeviceRefused):
                await self.client.put_statement(raw)

    async def give_statements(self) -> None:
        """Policy, membership and reset, as far as the issuer has told any; what the device
        knows already it ignores, and one that it refuses keeps none of the others back."""
        if self.is_stopped:
            return
        for raw in self._issuer.bulletin.due(self.device.id):
            try:
                await self.client.put_statement(raw)
            except DeviceRefused as refusal:
                if refusal.sw != status.NUMBER_NOT_NEXT:  # a newer one is known
                    name = type(messages.decode(raw).message).__name__.lower()
                    self.refused.append(f"a statement ({name}) was refused: {refusal.reason}")

    async def give_list(self) -> None:
        """The newest deny list: its delta, and where that does not go on from what the device
        knows, all of it."""
        lists = self.ledger.deny_book.newest()
        if lists is None or self.is_stopped:
            return
        if lists.delta and await self._lists(lists.delta) is None:
            return
        refusal = await self._lists(lists.full)
        if refusal is not None and refusal.sw == status.UNKNOWN_REFERENCE and lists.set:
            for part, at in enumerate(range(0, len(lists.set), COMMAND_MAX)):
                await self.client.put_list(part, lists.set[at : at + COMMAND_MAX])
            refusal = await self._lists(lists.full)
        if refusal is not None:
            self.refused.append(f"the deny list was refused: {refusal.reason}")

    async def _lists(self, raw: bytes) -> DeviceRefused | None:
        """The refusal of a list, None where it was taken or is known."""
        try:
            await self.client.put_statement(raw)
        except DeviceRefused as refusal:
            return refusal
        return None

    async def hand_over(self) -> None:
        """Everything that the ledger has for this device. A statement that is refused holds up
        those with higher numbers, and nothing else."""
        if self.is_stopped:
            self.refused.append(REASONS[status.DAMAGED])
            return
        for handover in self.ledger.next_statements(self.device.id):
            if handover.kind is Kind.FORWARD:
                await self._hand(handover)
            elif not self.is_held_up:
                self.is_held_up = not await self._hand(handover)

    async def _hand(self, handover: Handover) -> bool:
        try:
            await self._put(handover)
        except DeviceRefused as refusal:
            self.refused.append(f"{_name(handover)} was refused: {refusal.reason}")
            return await self._cancelled(handover, refusal.sw)
        self.taken += 1
        self._tell(Step.HANDED, self.taken)
        return True

    async def _put(self, handover: Handover) -> None:
        if handover.kind is Kind.STATEMENT:
            await self.client.put_statement(handover.raw)
        elif handover.kind is Kind.BASE:
            await self.client.put_base(handover.part, handover.parts, handover.raw)
        else:
            await self.client.forward(handover.raw)

    async def _cancelled(self, handover: Handover, sw: int) -> bool:
        """Take back a load that the device cannot hold; False if it is something else."""
        if handover.kind is not Kind.STATEMENT or sw not in CANCELLED_BY:
            return False
        message = messages.decode(handover.raw).message
        if not isinstance(message, messages.Load):
            return False
        self.cancelled.add(message.number)
        cancel = self.ledger.issue_cancel(self.device.id, message.number)
        return await self._hand(Handover(Kind.STATEMENT, cancel))


def _not_open(error: Malformed) -> NotProven:
    return NotProven(f"what the device gave does not open: {error}")


def _name(handover: Handover) -> str:
    """What a person calls it."""
    if handover.kind is Kind.FORWARD:
        return "a forwarded message"
    if handover.kind is Kind.BASE:
        return "the base of a checkpoint"
    message = messages.decode(handover.raw).message
    return f"a statement ({type(message).__name__.lower()})"
