# SPDX-License-Identifier: Apache-2.0
"""A device that is lost: reported, waited for and paid for by the shipped rules (PROTOCOL.md
§11.3). Whoever found it may go on paying with it, and who was paid may deposit late. Of two that
are lost nobody can know what passed between them.

The guarantee has no end here; what it is worth is the operator's to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from duotap_host.ledger import codes
from duotap_host.reconcile.archive import GUARANTEED, Award
from duotap_host.reconcile.findings import Code
from duotap_host.reconcile.losses import guarantee_subject
from duotap_host.reconcile.matching import PAID, TAKEN

from model import laws
from model.laws import require

if TYPE_CHECKING:
    from model.system import State, System


def actions(system: System, state: State) -> Iterator[tuple[Any, ...]]:
    """A report, the end of the wait, and paying, which is refused before that."""
    losses = state.losses
    for who in system.bounds.lost:
        if not losses.lost:
            yield "lose", who
        elif who in losses.lost:
            if not losses.over:
                yield "wait", who
            yield "award", who


def lose(system: System, state: State, who: int) -> tuple[State, str]:
    lost = state.losses.lost | {who}
    return state._replace(losses=system.same(state.losses._replace(lost=lost))), ""


def wait(system: System, state: State, who: int) -> tuple[State, str]:
    return state._replace(losses=system.same(state.losses._replace(over=True))), ""


def award(system: System, state: State, who: int) -> tuple[State, str]:
    """What is due now, on top of what was paid before."""
    losses = state.losses
    due = system.office.awards(state.archives, state.issued, losses, who)
    paid = tuple(sorted((*losses.awards, *due)))
    text = f"{sum(line.amount for each in due for line in each.lines)}" if due else "nothing"
    return state._replace(losses=system.same(losses._replace(awards=paid))), text


def settled(system: System, state: State) -> State:
    """Every lost device is waited for and paid for."""
    for who in sorted(state.losses.lost):
        state, _ = wait(system, state, who)
        state, _ = award(system, state, who)
    return state


def paid(system: System, before: State, after: State) -> None:
    """What an award may not do: come too early, or make a debt of what was known."""
    if before.losses.awards == after.losses.awards:
        return
    require(after.losses.over, laws.WAITED, f"{len(after.losses.awards)} awards")
    owe = [
        {device for code, device in system.view(state).findings if code == Code.DEBT}
        for state in (before, after)
    ]
    require(owe[1] <= owe[0], laws.PAID_FOR, "an award makes a debt")


def check(system: System, state: State) -> None:
    """All is deposited that is still there, and paid for: who holds or waits for what."""
    for who in sorted(state.losses.lost):
        _paid_for(system, state, who)
    view, awards = system.view(state), state.losses.awards
    paid = {each.about: _amount(each) for each in awards if each.kind == GUARANTEED}
    for subject in paid:
        is_kept = view.ends[guarantee_subject(subject)] == PAID
        require(is_kept == (subject in view.waiting), laws.GUARANTEED, f"paid {is_kept}")
    for device, who in system.town.who.items():
        waited = [
            amount - paid.get(subject, 0)
            for subject, (creditor, amount) in view.waiting.items()
            if creditor == device
        ]
        require(sum(waited) <= max(0, -view.purses[who]), laws.GUARANTEED, f"{waited} wait")


def _paid_for(system: System, state: State, who: int) -> None:
    """A device that was lost: by what its own records and those of its payers said."""
    view, device = system.view(state), system.town.ids[who]
    name = system.bounds.specs[who].name
    require(view.purses[who] <= 0, laws.PAID_FOR, f"{view.purses[who]} are still on {name}")
    more = system.office.awards(state.archives, state.issued, state.losses, who)
    require(not more, laws.PAID_FOR, f"{len(more)} more awards for {name}")
    due = system.node(state, who).balance + _never_ended(system, state, who)
    taken = [row for row in system.chain(state, who).honoured if row[4]]
    due += sum(amount for _, offer, amount, _, _ in taken if view.ends.get(offer) != TAKEN)
    standing = [each for each in state.losses.awards if view.ends[each.subject] == PAID]
    lines = [line for each in standing if each.device == device for line in each.lines]
    paid = sum(line.amount for line in lines if codes.purse_of(line.credit) is None)
    is_owed = (Code.DEBT, device) in view.findings
    require(paid <= due or is_owed, laws.PAID_FOR, f"{paid} paid for {name}, {due} are due")
    require(paid >= due or not is_owed, laws.PAID_FOR, f"{name} owes: {paid} paid, {due} are due")


def _never_ended(system: System, state: State, who: int) -> int:
    """Payments by a device or to it that nobody has honoured or given back."""
    chains = [system.chain(state, each) for each in system.everyone]
    honoured = {row[0] for chain in chains for row in chain.honoured}
    found = 0
    for chain in chains:
        for payment, amount, _ in chain.payments:
            payee = system.store.payment_of[payment].body.payee
            is_its = who in (chain.who, system.town.who[payee])
            if is_its and payment not in honoured | chain.voided:
                found += amount
    return found


def _amount(award: Award) -> int:
    return sum(line.amount for line in award.lines)
