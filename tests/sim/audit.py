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


class Audit:
    """Of devices that hold `total` together; call `look` after each step."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._seen: dict[tuple[str, int], bytes] = {}  # hash by device and sequence
        self._paid: dict[bytes, int] = {}  # amount by hash of the payment, in payers' journals
        self._honoured: dict[bytes, str] = {}  # by whom, in payees' journals
        self._voided: set[bytes] = set()  # in payers' journals
        self.taken = 0  # S: no device's any more
        self.held: dict[str, int] = {}  # balances of the purses

    def look(self, flashes: dict[str, bytes]) -> None:
        """AssertionError if a record that was committed is another one now, a journal is damaged,
        a payment is honoured twice or by nobody's signature, or the sum is wrong."""
        purses = {name: self._boot(name, flash) for name, flash in flashes.items()}
        for name, purse in purses.items():
            journal = purse.journal
            for sequence, kind, body in journal.walk(journal.first_sequence):
                self._note(name, sequence, kind, bytes(body))
        assert self._honoured.keys() <= self._paid.keys(), "credited what nobody has paid"
        assert not self._voided & self._honoured.keys(), "given back and credited"
        self.held = {name: purse.state.balance() for name, purse in purses.items()}
        found = sum(self.held.values()) + self.taken + self.under_way()
        assert found == self.total, f"{found} in all instead of {self.total}"

    def under_way(self) -> int:
        """Paid, and neither honoured nor given back."""
        ended = self._voided | self._honoured.keys()
        return sum(amount for each, amount in self._paid.items() if each not in ended)

    def _boot(self, name: str, flash: bytes) -> Purse:
        chip = VirtualNor(len(flash) // SECTOR)
        chip.restore(flash)
        purse = Purse(Journal(chip))
        purse.boot()
        assert not purse.journal.damaged, f"{name} is damaged: {purse.journal.reason}"
        return purse

    def _note(self, name: str, sequence: int, kind: int, body: bytes) -> None:
        known = self._seen.setdefault((name, sequence), body)
        assert known == body, f"record {sequence} of {name} is another one now"
        if known is not body:
            return
        if kind == records.PAYMENT:
            payment = messages.decode(records.unpack(kind, body)[0], messages.Payment)
            self._paid[payment.hash] = messages.total(payment.message.amounts)
        elif kind == records.CLOSING:
            closing = messages.decode(body, messages.Receipt, messages.Void).message
            if isinstance(closing, messages.Void):
                self._voided.add(closing.payment_hash)
        elif kind in (records.CREDIT, records.ACCOUNT):
            payment = messages.decode(records.unpack(kind, body)[0], messages.Payment)
            assert payment.hash not in self._honoured, "honoured twice"
            self._honoured[payment.hash] = name
            if kind == records.ACCOUNT:
                self.taken += messages.total(payment.message.amounts)
