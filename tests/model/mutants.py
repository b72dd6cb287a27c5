# SPDX-License-Identifier: Apache-2.0
"""Rules of the protocol, each left out of a shipped module at one place. The run that is named
must find a story in which that breaks one of the laws that are named."""

from __future__ import annotations

from model import laws
from model.mutant import Mutant
from model.value_mutants import VALUE_MUTANTS

# Fuses that are blown after the record, and an image newer by one that finishes its tick.
AFTERWARDS = """
        fuses = signer

        class Afterwards:
            class_name, ticks_left = fuses.class_name, fuses.ticks_left

            def announce(self):
                pass

            def tick(self, record_hash):
                fuses.announce()

            def accepts(self, ticks, ticked, pending):
                if pending and fuses.accepts(ticks - 1, ticked, pending):
                    fuses.announce()
                return fuses.accepts(ticks, ticked, pending)

        self._signer = signer = Afterwards()
"""
MUTANTS = (
    Mutant(
        "no record of an open payment",
        "duotap.fold",
        "    state.open_payments.append(payment)\n",
        "",
        "shop",
        (laws.ENDS,),
    ),
    Mutant(
        "offer silently replaced",
        "duotap.payee",
        "                return bytes(offer.raw)\n            self.cancel()\n",
        "                return bytes(offer.raw)\n",
        "shop",
        (laws.ENDS,),
    ),
    Mutant(
        "credit not bound to the open offer",
        "duotap.payee",
        "        if offer is not None and offer.hash == signed.message.offer_hash:\n"
        "            return self._close(",
        "        if offer is not None:\n            return self._close(",
        "shop",
        (laws.ENDS,),
    ),
    Mutant(
        "counter not raised",
        "duotap.fold",
        "    state.next_payment = payment.counter + 1\n",
        "",
        "twice",
        (laws.CONSISTENT,),
    ),
    Mutant(
        "counter at least next",
        "duotap.payer",
        "if offer.payment_counter != state.next_payment:",
        "if offer.payment_counter < state.next_payment:",
        "restored-payer",
        (laws.PROVEN,),
    ),
    Mutant(
        "one counter for both roles",
        "duotap.fold",
        "    state.next_offer = max(",
        "    state.next_payment += 1\n    state.next_offer = max(",
        "restored-both-wide",
        (laws.PROVEN,),
    ),
    Mutant(
        "re-touch signs anew",
        "duotap.payer",
        '            return b"\\x01" + bytes(payment.raw)\n',
        "            device = self.device\n"
        "            message = messages.decode(payment.raw, messages.Payment).message\n"
        "            head = device.purse.journal.head_hash\n"
        "            anew = messages.Payment(*message[:5], head)\n"
        '            return b"\\x01" + device.sign(anew)\n',
        "shop",
        (laws.CONSISTENT,),
    ),
    Mutant(
        "sent before committed",
        "duotap.payer",
        '            return b"\\x00" + self.device.busy_ms().to_bytes(2, "big")\n',
        "            device, offer = self.device, self.pending.message\n"
        "            head = device.purse.journal.head_hash\n"
        "            early = messages.Payment(\n"
        "                offer.payment_counter, self.pending.kid, offer.offer_counter,\n"
        "                ((0, offer.amount),), offer_hash, head,\n"
        "            )\n"
        '            return b"\\x01" + device.sign(early)\n',
        "pair",
        (laws.NOT_CREATED,),
    ),
    Mutant(
        "pruned before archived",
        "duotap.purse",
        "self.journal.prune(self.covered)",
        "self.journal.prune(self.journal.next_sequence - 1)",
        "pruned-payee",
        (laws.CONSERVED, laws.SAME_AFTER_BOOT),
    ),
    Mutant(
        "prune forgets open payments",
        "duotap.base",
        "    for raw in payments:\n",
        "    for raw in ():\n",
        "pruned-payer",
        (laws.ENDS,),
    ),
    Mutant(
        "prune resets counters",
        "duotap.base",
        "    ) = numbers\n",
        "    ) = [1, 1, *numbers[2:]]\n",
        "pruned-payer",
        (laws.CONSISTENT, laws.NO_FINDING),
    ),
    Mutant(
        "void of what is unknown",
        "duotap.payee",
        "        if unpaid or self._unpaid_before(signed):\n            return",
        "        if True:\n            return",
        "pruned-payee",
        (laws.CONSISTENT,),
    ),
    Mutant(
        "refund on the payer's journal alone",
        "duotap_host.reconcile.matching",
        "    if end is None or payee is None:\n        return UNDER_WAY\n",
        "    if end is None or payee is None:\n        return RETURNED\n",
        "shop",
        (laws.BOOKED, laws.NO_FINDING),
    ),
    Mutant(
        "refund by ledger and by tap",
        "duotap_host.reconcile.matching",
        "    if shown(end, payment, messages.Void):\n",
        "    if shown(end, payment, messages.Void) or end.late:\n",
        "shop",
        (laws.BOOKED, laws.NO_FINDING),
    ),
    Mutant(
        "online credit on the payer's deposit",
        "duotap_host.reconcile.matching",
        "    if end is None or payee is None:\n        return UNDER_WAY\n",
        "    if end is None or payee is None:\n        return TAKEN\n",
        "shop",
        (laws.BOOKED,),
    ),
    Mutant(
        "a stand that may also close with C",
        "duotap.payee",
        "kind = account if stand else credit",
        "kind = credit",
        "shop",
        (laws.NO_FINDING, laws.CONSERVED, laws.BOOKED),
    ),
    Mutant(
        "void that names the offer",
        "duotap.payee",
        "messages.Void(signed.hash)",
        "messages.Void(signed.message.offer_hash)",
        "shop",
        (laws.ENDS, laws.NO_FINDING),
    ),
    Mutant(
        "hash over the signature",
        "duotap.cose",
        "_hash(protected, payload), raw)",
        "_hash(protected, payload + signature), raw)",
        "twisted",
        (laws.NOT_ACCUSED,),
    ),
    Mutant(
        "decayed page dropped as torn",
        "duotap.record",
        "    return pages if _verifies(sector, at, pages) else BAD\n",
        "    return pages if _verifies(sector, at, pages) else TORN\n",
        "decay",
        (laws.NOT_ACCUSED, laws.CONSISTENT, laws.CONSERVED),
    ),
    Mutant(
        "receipt settles nothing",
        "duotap_host.reconcile.matching",
        "    if is_stand and not is_forked and shown(end, payment, messages.Receipt):\n"
        "        return TAKEN\n",
        "",
        "shop",
        (laws.BY_RECEIPT,),
    ),
    Mutant(
        "withheld load refunded",
        "duotap_host.reconcile.matching",
        "        if (statement.device, statement.hash) not in evidence.issued:\n",
        "        if (statement.device, statement.hash) not in evidence.issued"
        " and statement.kind == LOAD:\n",
        "issuer",
        (laws.BOOKED,),
    ),
    Mutant(
        "checkpoint resets counts at arrival",
        "duotap.fold",
        "def _checkpoint(state: State, sequence: int, body: bytes) -> None:\n",
        "def _checkpoint(state: State, sequence: int, body: bytes) -> None:\n"
        "    state.used[:4] = [0, 0, 0, 0]\n",
        "limits",
        (laws.LIMITS,),
    ),
    Mutant(
        "tap void from class none",
        "duotap.payer",
        "if void and by_tap and payee.rollback_class != CLASS_BOUND:",
        "if False:",
        "restored-payee",
        (laws.ARCHIVED_FIRST, laws.FINAL),
    ),
    Mutant(
        "ticks nowhere",
        "duotap.guard",
        "# Ticks kept for what",
        "TICKING = (126,)\n# Ticks kept for what",
        "element",
        (laws.PREVENTED,),
    ),
    Mutant(
        "ticks at offers only",
        "duotap.guard",
        "# Ticks kept for what",
        "TICKING = (records.OFFER,)\n# Ticks kept for what",
        "element",
        (laws.PREVENTED,),
    ),
    Mutant(
        "ticks at payments only",
        "duotap.guard",
        "# Ticks kept for what",
        "TICKING = (records.PAYMENT,)\n# Ticks kept for what",
        "element",
        (laws.PREVENTED,),
    ),
    Mutant(
        "bare count with a cut between image and tick",
        "duotap.guard",
        "        self._signer = signer\n",
        AFTERWARDS,
        "count",
        (laws.PREVENTED,),
    ),
    *VALUE_MUTANTS,
)
