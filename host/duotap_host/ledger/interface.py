# SPDX-License-Identifier: Apache-2.0
"""What a ledger does for the rest of the host: shapes, errors and the one interface, in process
or behind a wire.

It knows no database and no key. Ids of accounts and transfers are 16 bytes, device ids 16 bytes,
hashes 32 bytes, amounts int of minor units, `amounts` pairs of (scope, amount) ascending by
scope, times int of microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from duotap_host.ledger import ids
from duotap_host.ledger.books import DenyBook, FactoryBook
from duotap_host.ledger.codes import AccountCode, AccountFlag, TransferCode, TransferFlag

Amounts = tuple[tuple[int, int], ...]

NO_ID = bytes(16)
NO_SUBJECT = bytes(32)


class LedgerError(Exception):
    """The ledger does not do what was asked, and nothing changed. The text is one line that tells
    a person why; it holds no secret."""


class NotFound(LedgerError):
    """No such account, device or challenge."""


class Refused(LedgerError):
    """The rules forbid it: not enough money, a limit, a frozen device."""


class WrongIssuer(LedgerError):
    """Keys, certificate or ledger of another issuer."""


class Foreign(LedgerError):
    """Bytes from outside that are not what they claim to be."""


class Result(StrEnum):
    """What became of a transfer; TigerBeetle's words."""

    CREATED = "created"
    EXISTS = "exists"
    EXISTS_WITH_DIFFERENT_FIELDS = "exists_with_different_fields"
    LINKED_EVENT_FAILED = "linked_event_failed"
    LINKED_EVENT_CHAIN_OPEN = "linked_event_chain_open"
    ID_MUST_NOT_BE_ZERO = "id_must_not_be_zero"
    FLAGS_ARE_MUTUALLY_EXCLUSIVE = "flags_are_mutually_exclusive"
    ACCOUNTS_MUST_BE_DIFFERENT = "accounts_must_be_different"
    AMOUNT_MUST_BE_POSITIVE = "amount_must_be_positive"
    DEBIT_ACCOUNT_NOT_FOUND = "debit_account_not_found"
    CREDIT_ACCOUNT_NOT_FOUND = "credit_account_not_found"
    ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER = "accounts_must_have_the_same_ledger"
    PENDING_TRANSFER_NOT_FOUND = "pending_transfer_not_found"
    PENDING_TRANSFER_NOT_PENDING = "pending_transfer_not_pending"
    PENDING_TRANSFER_ALREADY_POSTED = "pending_transfer_already_posted"
    PENDING_TRANSFER_ALREADY_VOIDED = "pending_transfer_already_voided"
    PENDING_TRANSFER_EXPIRED = "pending_transfer_expired"
    PENDING_TRANSFER_HAS_DIFFERENT_ACCOUNTS = "pending_transfer_has_different_accounts"
    EXCEEDS_PENDING_TRANSFER_AMOUNT = "exceeds_pending_transfer_amount"
    PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT = "pending_transfer_has_different_amount"
    EXCEEDS_CREDITS = "exceeds_credits"
    EXCEEDS_DEBITS = "exceeds_debits"

    @property
    def stands(self) -> bool:
        """The transfer is in the book, now or from before."""
        return self in (Result.CREATED, Result.EXISTS)


@dataclass(frozen=True, slots=True)
class Account:
    """A row of the book; `title` is what people call it."""

    id: bytes
    ledger: int  # ISO 4217 number of its currency
    code: AccountCode
    name: str
    title: str
    holder: int  # holder or merchant number; 0: the operator's own
    device: bytes | None
    scope: int
    flags: AccountFlag
    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0

    @property
    def balance(self) -> int:
        """Credits less debits, posted: what the ledger owes the holder."""
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> int:
        """What may still be debited."""
        return self.balance - self.debits_pending


@dataclass(frozen=True, slots=True)
class Transfer:
    """One debit and one credit. `id` makes it happen once, however often it is posted.

    `pending`: the transfer that POST_PENDING or VOID_PENDING ends; amount 0 then means all of
    it. `corrects`: the transfer that a correction undoes. `subject`: what it is about, such as an
    offer's hash. `timeout_us`: life of a PENDING one, 0 for ever.
    """

    id: bytes
    debit: bytes
    credit: bytes
    amount: int
    code: TransferCode
    flags: TransferFlag = TransferFlag.NONE
    pending: bytes = NO_ID
    corrects: bytes = NO_ID
    subject: bytes = NO_SUBJECT
    timeout_us: int = 0


class DeviceState(StrEnum):
    """What the ledger does for a device."""

    ACTIVE = "active"
    FROZEN = "frozen"  # proven or suspected of two histories: no load, checkpoint or closing
    LOST = "lost"  # or dead, damaged, quarantined: nothing is signed for it or handed to it
    RETIRED = "retired"


class LossReason(StrEnum):
    """Why a device does not come back."""

    LOST = "lost"
    DEAD = "dead"
    DAMAGED = "damaged"
    QUARANTINED = "quarantined"


class Loss(NamedTuple):
    """A device that was reported."""

    device: bytes
    reason: LossReason
    reported_us: int


class Paid(NamedTuple):
    """A transfer that was made for a lost device, by the names of its accounts."""

    debit: str
    credit: str
    amount: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device in the ledger's own book."""

    id: bytes
    public_key: bytes
    certificate: bytes
    role: int  # duotap.fields.ROLE_PERSON or ROLE_STAND
    rollback_class: int
    holder: int  # holder or merchant number
    state: DeviceState
    next_number: int  # of the next statement of a money key
    registered_us: int


class Kind(StrEnum):
    """How a device is handed a statement (PROTOCOL.md §5)."""

    STATEMENT = "statement"  # PUT STATEMENT
    BASE = "base"  # PUT BASE with part and parts
    FORWARD = "forward"  # FORWARD


class Handover(NamedTuple):
    """One thing to be handed to a device, in this order."""

    kind: Kind
    raw: bytes
    part: int = 0
    parts: int = 0


class Deposited(NamedTuple):
    """What a piece of journal brought."""

    taken: int  # records that were new
    known: int


class HeadTaken(NamedTuple):
    """A head is kept in any case; `covers` tells whether every record below it is here."""

    covers: bool
    missing: int  # first record to ask for next


class Finding(NamedTuple):
    """What reconciling has to say to a person; equal when the same thing is found again.

    `device`: whom it is about. `evidence`: hashes of messages or records in the archive.
    """

    code: str
    device: bytes
    evidence: tuple[bytes, ...]
    en: str
    zh: str

    @property
    def evidence_id(self) -> str:
        """16 hex digits that name what was found and what it rests on."""
        return ids.derived("evidence", self.code, self.device, *self.evidence)[:8].hex()


class Place(NamedTuple):
    """An archived record that a finding rests on; `kind` as PROTOCOL.md §8 names it."""

    device: bytes
    sequence: int
    kind: str
    hash: bytes


class Reconciled(NamedTuple):
    """What one run booked, and all findings that stand after it."""

    transfers: int
    corrections: int
    refused: int
    findings: tuple[Finding, ...]


class Trial(NamedTuple):
    """The trial balance. The book is right when `failures` is empty."""

    accounts: tuple[Account, ...]
    debits: int
    credits: int
    circulating: int  # what issuance has given out
    held: int  # wallets, merchants, guarantee
    in_purses: int
    under_way: int  # payments and refunds
    loads_under_way: int
    failures: tuple[str, ...]


class Ledger(Protocol):
    """Each call is one transaction, or several that may be repeated; all raise LedgerError."""

    @property
    def deny_book(self) -> DenyBook:
        """The deny list."""

    @property
    def certifiers(self) -> FactoryBook:
        """The factory keys."""

    def open_account(self, code: AccountCode, holder: int, title: str = "") -> Account:
        """Open a wallet or a merchant's account. Refused if it exists."""

    def account(self, name: str) -> Account:
        """By name, such as "wallet:7". NotFound."""

    def accounts(self) -> Sequence[Account]:
        """All of them, by name."""

    def fund(self, name: str, amount: int, request: bytes = b"") -> Account:
        """Bring money from issuance to an account. The same request (up to 32 bytes, chosen by
        the caller) funds once."""

    def post(self, transfers: Sequence[Transfer]) -> Sequence[Result]:
        """A batch of at most 8190, in order, each linked chain all or nothing."""

    def register_device(self, certificate: bytes) -> Device:
        """Enter a device that was certified by this issuer; the same certificate again changes
        nothing. NotFound if its holder has no account, WrongIssuer."""

    def device(self, device: bytes) -> Device:
        """By id. NotFound."""

    def devices(self) -> Sequence[Device]:
        """All of them, in the order of registration."""

    def issue_load(
        self, device: bytes, amounts: Amounts, account: str, request: bytes = b""
    ) -> bytes:
        """Sign a load and debit the account: from now on it is under way. The same request gives
        back the same load."""

    def load_under_way(self, device: bytes, amounts: Amounts, account: str) -> bytes | None:
        """The first load of these amounts from this account that is neither cancelled nor shown by
        what is covered of the device's journal."""

    def issue_cancel(self, device: bytes, number: int) -> bytes:
        """Sign what takes the place of the load with this number, if the device has not taken
        the load already."""

    def issue_checkpoint(self, device: bytes) -> bytes | None:
        """Sign a checkpoint over all records that are covered; the outstanding one again, or
        None when there is nothing new to cover."""

    def new_challenge(self, device: bytes) -> bytes:
        """16 bytes that a head of this device is to be signed over."""

    def next_missing(self, device: bytes) -> int:
        """Sequence number of the record to ask the device for next."""

    def deposit(self, device: bytes, statements: Sequence[bytes]) -> Deposited:
        """Archive records of a device's journal, each the statement that its hash is taken over
        (PROTOCOL.md §9); any number, any order, any number of times. Foreign."""

    def put_head(self, raw: bytes) -> HeadTaken:
        """Keep a head that a device signed over a challenge of this ledger."""

    def next_statements(self, device: bytes) -> Sequence[Handover]:
        """What this device is to be handed now, in order. Taken from the archive as it stands;
        handing a thing twice is harmless."""

    def retire(self, device: bytes) -> None:
        """Take it out of service: nothing is signed for it, and the next list lists it. Refused
        while it holds value, or something of it is under way."""

    def report_lost(self, device: bytes, reason: LossReason) -> int:
        """Sign nothing for this device and hand it nothing any more. Returns the epoch from which
        on it is paid for. Refused if it is retired."""

    def report_found(self, device: bytes) -> None:
        """It is back. Refused once something was paid for it."""

    def losses(self) -> Sequence[Loss]:
        """Devices that are reported, by id."""

    def due_epoch(self, device: bytes) -> int:
        """From this epoch on it is paid for, should it be lost."""

    def pay_lost(self, device: bytes) -> Sequence[Paid]:
        """Pay what a lost device held to its holder, and from the guarantee those who wait for
        what only its journal could tell (PROTOCOL.md §11.3). Refused before its time, and for a
        device that is proven to have two histories."""

    def reconcile(self) -> Reconciled:
        """Book what the covered records say, and find what they contradict."""

    def reconcile_anew(self) -> tuple[Reconciled, Sequence[str]]:
        """The same from the whole archive, whatever was worked out before; with lines that tell
        where that differed. It costs what is archived, not what is new."""

    def findings(self) -> Sequence[Finding]:
        """What stands as of what was looked at last."""

    def evidence(self, evidence_id: str) -> tuple[Finding, tuple[Place, ...]]:
        """A finding of the last run, and the archived records that it rests on. NotFound."""

    def proof(self, evidence_id: str) -> bytes:
        """The file that proves a finding to anyone (PROTOCOL.md §12). NotFound, Refused if it is
        not one that two signatures prove."""

    def check(self) -> Trial:
        """The trial balance and every rule of the book, looked at anew."""
