# SPDX-License-Identifier: Apache-2.0
"""Rules by which value leaves a purse other than by a payment: unloads, refunds, lost devices; and
two of what only the ledger in SQL does."""

from __future__ import annotations

from model import laws
from model.mutant import IN_LOCKSTEP, Mutant

VALUE_MUTANTS = (
    Mutant(
        "unload counted twice",
        "duotap.unload",
        "    if number == state.next_unload - 1:\n"
        "        raw = _last(device)\n"
        "        if raw and messages.decode(raw, messages.Unload).message.amounts == amounts:\n"
        "            return raw\n"
        "    if number != state.next_unload:\n",
        "    if number not in (state.next_unload - 1, state.next_unload):\n",
        "unload",
        (laws.CONSISTENT, laws.ONCE),
    ),
    Mutant(
        "unload that the purse keeps",
        "duotap.fold",
        "    state.take(unload.amounts)\n",
        "",
        "unload",
        (laws.CONSERVED,),
    ),
    Mutant(
        "unload booked twice",
        "duotap_host.reconcile.matching",
        "    yield Position(unload_hash, UNLOAD, UNLOADED, tuple(lines), amount,",
        "    yield Position(unload_hash, UNLOAD, UNLOADED, 2 * tuple(lines), amount,",
        "unload",
        (laws.BOOKED, laws.NO_FINDING),
    ),
    Mutant(
        "unload number forgotten in a prune",
        "duotap.base",
        "    ) = numbers\n",
        "    ) = [*numbers[:3], 1, numbers[4]]\n",
        "unload",
        (laws.CONSISTENT, laws.ONCE, laws.NO_FINDING),
    ),
    Mutant(
        "lost device settled before the wait",
        "duotap_host.ledger.review",
        "        if now < due:\n",
        "        if False:\n",
        "lost-payer",
        (laws.WAITED,),
    ),
    Mutant(
        "what was paid for a lost device is forgotten",
        "duotap_host.reconcile.matching",
        "    lines = () if is_overtaken else award.lines\n",
        "    lines = ()\n",
        "lost-payer",
        (laws.PAID_FOR, laws.ENDS),
    ),
    Mutant(
        "guarantee stands beside what came after all",
        "duotap_host.reconcile.matching",
        "    is_overtaken = award.kind == GUARANTEED and not is_under_way\n",
        "    is_overtaken = False\n",
        "lost-payee",
        (laws.PAID_FOR, laws.GUARANTEED),
    ),
    Mutant(
        "guarantee for a load that was spent",
        "duotap_host.reconcile.losses",
        "    arrived = _beyond(held, device) - sum(",
        "    arrived = 0 - sum(",
        "lost-payer",
        (laws.PAID_FOR,),
    ),
    Mutant(
        "void that a lost device takes with it",
        "duotap_host.reconcile.losses",
        "return matching.home(known) if _is_voided(evidence, position.subject) else None\n",
        "return None\n",
        "lost-payer",
        (laws.GUARANTEED,),
    ),
    Mutant(
        "debt of a lost device forgotten",
        "duotap_host.reconcile.losses",
        "                if part < -amount:\n",
        "                if False:\n",
        "lost-payer",
        (laws.PAID_FOR,),
    ),
    Mutant(
        "refund to another device",
        "duotap.refunds",
        "        wanted = signed.message.payment_hash\n",
        "        kinds, walk = (records.PAYMENT,), self.device.purse.journal.walk\n"
        "        own = [records.unpack(kind, body)[0] for _, kind, body in walk(1, types=kinds)]\n"
        "        wanted = messages.decode(own[-1], messages.Payment).hash if own else None\n",
        "refund-two",
        (laws.GIVEN_BACK,),
    ),
    Mutant(
        "refund taken twice",
        "duotap.refunds",
        "        return (paid if closed else None), back, is_known\n",
        "        return (paid if closed else None), [], False\n",
        "refund",
        (laws.GIVEN_BACK, laws.ONCE, laws.CONSERVED),
    ),
    Mutant(
        "refund that the stand keeps",
        "duotap.fold",
        "    state.take(refund.amounts)\n",
        "",
        "refund",
        (laws.CONSERVED,),
    ),
    Mutant(
        "refund sent home and taken by tap",
        "duotap_host.reconcile.matching",
        "    if not is_taken and is_past(evidence, payment):\n",
        "    if not is_taken:\n",
        "refund",
        (laws.GIVEN_BACK, laws.NO_FINDING),
    ),
    Mutant(
        "half of a position is booked",
        "duotap_host.reconcile.booking",
        "    for line in position.lines:\n",
        "    for line in position.lines[:1]:\n",
        f"{IN_LOCKSTEP}shop",
        (laws.REAL,),
    ),
    Mutant(
        "the ledger never goes on from a head",
        "duotap_host.ledger.digest",
        "each for each in heads if each.sequence >= before.tip[0]",
        "each for each in heads if each.sequence == before.tip[0]",
        f"{IN_LOCKSTEP}shop",
        (laws.REAL,),
    ),
)
