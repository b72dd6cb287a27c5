# SPDX-License-Identifier: Apache-2.0
"""No value is created, none is lost (protocol §6.10): looked at in the flash of all devices.

The audit keeps every record that it ever saw committed. It knows the shipped journal and purse as
readers, and no device that runs.
"""

from __future__ import annotations

from duotap import messages, records
from duotap.journal import Journal
from duotap.purse import Purse
from duotap_host.virtual.nor import SECTOR, VirtualNor


class Violation(AssertionError):
    """A property of the whole does not hold; `property` is its name."""

    def __init__(self, name: str, text: str) -> None:
        self.property = name
        super().__init__(f"{name}: {text}")


def hold(holds: object, name: str, text: str) -> None:
    """Violation of the property `name` unless it holds."""
    if not holds:
        raise Violation(name, text)


class Audit:
    """Of devices that were empty before their first load; call `look` after each step."""

    def __init__(self) -> None:
        self.loaded: dict[bytes, int] = {}  # amount by hash of the load, in all journals
        self._seen: dict[tuple[str, int], bytes] = {}  # body by device and sequence
        self._flashes: dict[str, bytes] = {}  # as they were looked at last
        self.purses: dict[str, Purse] = {}
        self.paid: dict[bytes, int] = {}  # amount by hash of the payment, in payers' journals
        self.honoured: dict[bytes, str] = {}  # by whom, in payees' journals
        self.voided: set[bytes] = set()  # in payers' journals
        self.taken = 0  # S: no device's any more
        self.unloaded = 0  # gone home
        self.given: dict[bytes, int] = {}  # amount by hash of the refund, in stands' journals
        self.given_of: dict[bytes, bytes] = {}  # hash of its payment
        self.paid_at: dict[bytes, tuple[str, int]] = {}  # device and record of a payment
        self.taken_back: set[bytes] = set()  # in journals of cards
        self.held: dict[str, int] = {}  # balances of the purses

    def look(self, flashes: dict[str, bytes]) -> None:
        """Violation if a record that was committed is another one now, a journal is damaged, a
        payment is honoured twice or by nobody's signature, or the sum is wrong."""
        for name, flash in flashes.items():
            if self._flashes.get(name) != flash:
                self._flashes[name] = flash
                self._read(name, flash)
        stray = self.honoured.keys() - self.paid.keys()
        hold(not stray, "created", f"credited {len(stray)} that nobody has paid")
        stray = self.taken_back - self.given.keys()
        hold(not stray, "created", f"{len(stray)} refunds taken that nobody gave")
        both = self.voided & self.honoured.keys()
        hold(not both, "created", f"{len(both)} given back and credited")
        self.held = {name: purse.state.balance() for name, purse in self.purses.items()}
        gone = self.taken + self.unloaded + sum(self.given[each] for each in self.sent_home())
        found = sum(self.held.values()) + gone + self.under_way()
        total = sum(self.loaded.values())
        name = "created" if found > total else "lost"
        hold(found == total, name, f"{found} in all instead of {total}")

    def under_way(self) -> int:
        """Paid, and neither honoured nor given back; given back, and not taken."""
        ended = self.voided | self.honoured.keys() | self.taken_back | self.sent_home()
        signed = {**self.paid, **self.given}
        return sum(amount for each, amount in signed.items() if each not in ended)

    def sent_home(self) -> set[bytes]:
        """Refunds that a card will never take, since a checkpoint covers what it paid."""
        found = set()
        for each in self.given.keys() - self.taken_back:
            name, sequence = self.paid_at.get(self.given_of[each], ("", 0))
            if name and sequence <= self.purses[name].covered:
                found.add(each)
        return found

    def unfinished(self) -> int:
        """Payments of which their payer knows no end."""
        return sum(len(purse.state.open_payments) for purse in self.purses.values())

    def _read(self, name: str, flash: bytes) -> None:
        chip = VirtualNor(len(flash) // SECTOR)
        chip.restore(flash)
        purse = self.purses[name] = Purse(Journal(chip))
        purse.boot()
        journal = purse.journal
        hold(not journal.damaged, "damaged", f"{name}: {journal.reason}")
        for sequence, kind, body in journal.walk(journal.first_sequence):
            self._note(name, sequence, kind, bytes(body))

    def _note(self, name: str, sequence: int, kind: int, body: bytes) -> None:
        known = self._seen.setdefault((name, sequence), body)
        hold(known == body, "rewritten", f"record {sequence} of {name} is another one now")
        if known is not body:
            return
        if kind == records.LOAD:
            load = messages.decode(body, messages.Load)
            self.loaded[load.hash] = messages.total(load.message.amounts)
        elif kind == records.PAYMENT:
            payment = messages.decode(records.unpack(kind, body)[0], messages.Payment)
            self.paid[payment.hash] = messages.total(payment.message.amounts)
            self.paid_at[payment.hash] = (name, sequence)
        elif kind in (records.REFUND_GIVEN, records.REFUND_TAKEN):
            refund = messages.decode(body, messages.Refund)
            if kind == records.REFUND_GIVEN:
                self.given_of[refund.hash] = refund.message.payment_hash
                self.given[refund.hash] = messages.total(refund.message.amounts)
            else:
                hold(refund.hash not in self.taken_back, "created", "a refund is taken twice")
                self.taken_back.add(refund.hash)
        elif kind == records.UNLOAD:
            self.unloaded += messages.total(messages.decode(body, messages.Unload).message.amounts)
        elif kind == records.CLOSING:
            closing = messages.decode(body, messages.Receipt, messages.Void).message
            if isinstance(closing, messages.Void):
                self.voided.add(closing.payment_hash)
        elif kind in (records.CREDIT, records.ACCOUNT):
            payment = messages.decode(records.unpack(kind, body)[0], messages.Payment)
            hold(payment.hash not in self.honoured, "created", "a payment is honoured twice")
            self.honoured[payment.hash] = name
            if kind == records.ACCOUNT:
                self.taken += messages.total(payment.message.amounts)
