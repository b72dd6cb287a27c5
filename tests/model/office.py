# SPDX-License-Identifier: Apache-2.0
"""The ledger of a run: an archive, what was issued, and what the shipped reconciling makes of it.

There is no database: an account is what the positions of all subjects say.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from duotap import messages
from duotap.certificate import decode_certificate
from duotap.cose import key_id as kid_of
from duotap_host.ledger import codes
from duotap_host.ledger.codes import TransferCode
from duotap_host.ledger.interface import Handover, Refused
from duotap_host.ledger.review import Gone, Review, review
from duotap_host.reconcile import handover, matching
from duotap_host.reconcile import losses as shipped
from duotap_host.reconcile.archive import (
    CANCEL,
    CHECKPOINT,
    LOAD,
    Archive,
    Archived,
    Award,
    HeadSeen,
    Issued,
    KnownDevice,
)
from duotap_host.reconcile.folding import Folds
from duotap_host.reconcile.handover import Base
from duotap_host.reconcile.matching import Line
from duotap_host.reconcile.reading import Reader

from model.facts import Store
from model.keys import NamedKey
from model.town import Town

KINDS = {messages.Load: LOAD, messages.Cancel: CANCEL, messages.Checkpoint: CHECKPOINT}
WALLET = "wallet:1"  # all loads are taken from it
BOOKED = (TransferCode.ACCOUNT, TransferCode.UNLOAD)
# Of one device: numbers of archived records, heads. Of all: one each.
Deposit = tuple[frozenset[int], frozenset[bytes]]
Archives = tuple[Deposit, ...]


class Losses(NamedTuple):
    """Devices that were reported as lost; whether their time is over; what was paid for them."""

    lost: frozenset[int] = frozenset()
    over: bool = False
    awards: tuple[Award, ...] = ()


NO_LOSSES = Losses()
NO_DEPOSIT: Deposit = (frozenset(), frozenset())


class View(NamedTuple):
    """What follows from an archive; by device where it is a tuple."""

    handovers: tuple[tuple[Handover, ...], ...]
    bases: tuple[Base | None, ...]  # None also where something forbids a checkpoint
    next_issues: tuple[int, ...]  # number of the next statement, as its journal shows
    purses: tuple[int, ...]  # what the shadow holds
    ends: dict[bytes, str]  # state of each position by subject
    merchants: int  # what all merchants were credited with for sales
    sent_home: int  # what all holders and merchants were credited with for unloads
    findings: frozenset[tuple[str, bytes]]  # code and device
    waiting: dict[bytes, tuple[bytes, int]]  # of what is under way: who is to get it, how much


class Office:
    """The issuer and its ledger."""

    def __init__(self, town: Town, store: Store) -> None:
        self.town, self.store = town, store
        self._devices = {
            device: KnownDevice(device, key.public, decode_certificate(raw).message, raw)
            for device, key, raw in zip(town.ids, town.keys, town.certificates, strict=True)
        }
        publics = {kid_of(public): public for public in town.publics()}
        self._reader = Reader({}, publics, NamedKey.verify)
        self._folds = Folds()
        self._known: dict[int, Archived] = {}
        self._views: dict[tuple[Archives, tuple[int, ...], Losses], View] = {}

    def view(
        self, archives: Archives, issued: tuple[int, ...], losses: Losses = NO_LOSSES
    ) -> View:
        """What the ledger makes of these deposits, statements and losses."""
        key = (archives, issued, losses)
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = self._view(self.review(*key), losses)
        return found

    def awards(
        self, archives: Archives, issued: tuple[int, ...], losses: Losses, who: int
    ) -> tuple[Award, ...]:
        """What is to be paid for a lost device, none before its time."""
        found, device = self.review(archives, issued, losses), self.town.ids[who]
        due = shipped.due_epoch(self._devices[device])
        gone = Gone(device, who in losses.lost, device in found.frozen)
        try:
            gone.check_due(due, due if losses.over else due - 1)
        except Refused:
            return ()
        held = shipped.shadows(found.positions.values())
        return shipped.awards(found.evidence, found.positions, held, device)

    def review(self, archives: Archives, issued: tuple[int, ...], losses: Losses) -> Review:
        """As the ledger looks at it."""
        archive = Archive(
            self._devices,
            {
                device: [self._archived(number) for number in sorted(given)]
                for device, (given, _) in zip(self.town.ids, archives, strict=True)
            },
            {
                device: [_head(raw) for raw in sorted(heads)]
                for device, (_, heads) in zip(self.town.ids, archives, strict=True)
            },
            [self._issued(number) for number in issued],
            losses.awards,
        )
        return review(archive, self._reader, self._folds)

    def _view(self, found: Review, losses: Losses) -> View:
        gone = [self.town.ids[who] for who in losses.lost]  # nothing is signed for or handed to
        evidence, ids = found.evidence, self.town.ids
        positions = list(found.positions.values())
        lines = [line for position in positions for line in position.lines]
        return View(
            tuple(
                () if each in gone else tuple(handover.handovers(evidence, each, found.frozen))
                for each in ids
            ),
            tuple(
                None
                if found.blocking(each) or each in gone
                else handover.next_base(evidence, each)
                for each in ids
            ),
            tuple(evidence.journals[each].folded.state.next_issue for each in ids),
            tuple(_held(lines, codes.purse(each)) for each in ids),
            {position.subject: position.state for position in positions},
            *(sum(line.amount for line in lines if line.code == code) for code in BOOKED),
            frozenset((each.code, each.device) for each in found.findings),
            {
                each.subject: (each.creditor, each.amount)
                for each in positions
                if each.state == matching.UNDER_WAY
            },
        )

    def _archived(self, number: int) -> Archived:
        found = self._known.get(number)
        if found is None:
            made = self.store.records[number]
            found = self._known[number] = Archived(
                *(self.town.ids[made.who], made.sequence, made.hash, made.previous),
                *(made.kind, made.body, False),
            )
        return found

    def _issued(self, number: int) -> Issued:
        message = self.store.messages[number]
        of, kind = message.body, KINDS[type(message.body)]
        account = WALLET if kind == LOAD else ""
        message_hash = messages.decode(message.raw).hash
        return Issued(
            *(of.device, of.number, kind, message_hash, message.raw, message.parts, account)
        )

    # What money keys sign; as ledger.orders numbers it

    def next_number(self, issued: tuple[int, ...], device: bytes) -> int:
        """Of the next statement for a device; a cancel bears its load's."""
        numbers = [
            message.body.number
            for message in map(self.store.messages.__getitem__, issued)
            if message.body.device == device
        ]
        return max(numbers, default=0) + 1

    def load(self, issued: tuple[int, ...], who: int, amount: int) -> int:
        """A load for a device, signed."""
        device = self.town.ids[who]
        number = self.next_number(issued, device)
        return self._sign(messages.Load(((0, amount),), device, number, ()))

    def cancels(self, archives: Archives, issued: tuple[int, ...]) -> list[int]:
        """A cancel for each load that is under way."""
        ends = self.view(archives, issued).ends
        found = []
        for message in map(self.store.messages.__getitem__, issued):
            if message.kind == "load":
                of = message.body
                subject = matching.load_subject(of.device, of.number)
                if ends[subject] == matching.UNDER_WAY:
                    found.append(self._sign(messages.Cancel(of.device, of.number)))
        return [each for each in found if each not in issued]

    def checkpoint(
        self,
        archives: Archives,
        issued: tuple[int, ...],
        who: int,
        losses: Losses = NO_LOSSES,
    ) -> int | None:
        """A checkpoint over what is archived, None when there is nothing to cover or when one is
        outstanding."""
        device = self.town.ids[who]
        view = self.view(archives, issued, losses)
        base, shown = view.bases[who], view.next_issues[who]
        for message in map(self.store.messages.__getitem__, issued):
            of = message.body
            if (message.kind, of.device) == ("checkpoint", device) and of.number >= shown:
                return None
        if base is None:
            return None
        number = self.next_number(issued, device)
        made = messages.Checkpoint(device, number, base.covered, base.chain_hash, base.base_hash)
        return self._sign(made, base.parts)

    def _sign(self, message: Any, parts: tuple[bytes, ...] = ()) -> int:
        return self.store.message(self.town.issuer.sign_money(message), parts)


def _held(lines: list[Line], name: str) -> int:
    credited = sum(line.amount for line in lines if line.credit == name)
    return credited - sum(line.amount for line in lines if line.debit == name)


def _head(raw: bytes) -> HeadSeen:
    signed = messages.decode(raw, messages.Head)
    head = signed.message
    return HeadSeen(signed.hash, signed.kid, head.sequence, head.chain_hash, raw)
