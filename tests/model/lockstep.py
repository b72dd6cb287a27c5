# SPDX-License-Identifier: Apache-2.0
"""Paths of the model lived through twice, step by step: as the model has them, and with ES256 and
the SQL ledger (real_town). After each step both say the same of every record, purse and account.

It draws no path (paths.py).
"""

from __future__ import annotations

from typing import Any

from duotap import cbor, messages, proof, records
from duotap_host.issuer import Issuer
from duotap_host.issuer.es256 import verify
from duotap_host.ledger.interface import Finding, Handover, Kind, Refused
from duotap_host.reconcile.findings import Code
from duotap_host.reconcile.matching import load_subject

from model import laws
from model.bounds import Bounds
from model.facts import SIGNED_IN, Store
from model.laws import require
from model.real_town import FUNDED, RealTown
from model.system import Action, State, System

OF_A_MESSAGE = frozenset(
    ("hear", "pay", "take", "acknowledge", "close", "forward", "statement", "take back")
)  # steps whose first argument is one
PROVEN = frozenset((Code.DUPLICATE_PAYMENT, Code.DUPLICATE_OFFER, Code.VOID_AND_HONOURED))


class Lockstep(System):
    """The model's system, with a twin that does whatever it does."""

    def __init__(self, bounds: Bounds, issuer: Issuer) -> None:
        super().__init__(bounds)
        self.real = RealTown(self.bounds, issuer)
        self.twin = System(self.bounds, self.real)
        self.shadow: State | None = None  # of the twin
        self._numbers: dict[int, int] = {}  # the twin's messages, by the model's
        self._hashes: dict[bytes, bytes] = {}  # of messages, and subjects that are booked
        self._nodes: dict[int, int] = {}  # the twin's nodes, by the model's

    def start(self) -> State:
        state, self.shadow = super().start(), self.twin.start()
        for one, other in zip(self.town.loads, self.real.loads, strict=True):
            self._same_load(one, other)
        self._follow(state)
        self._agree(state)
        return state

    def apply(self, state: State, action: Action) -> tuple[State, str]:
        """Do it in both. Raise Violation if they differ."""
        after, text = super().apply(state, action)
        assert self.shadow is not None
        name, who, *more = action
        if name in ("deposit", "pull"):
            live = self.twin.steps.live(self.shadow.nodes[who])
            self.real.books.deposit(live, self.real.ids[who], with_head=name == "deposit")
        elif name == "sign":
            self._issue(who, *more)
        elif name != "fetch":  # nobody notices how long a message is on the way
            same = self._translated(state, action)
            if name == "step":
                self._pair_out((state, action), (self.shadow, same))
            self.shadow, _ = self.twin.apply(self.shadow, same)
        self._follow(after)
        self._agree(after, (after.archives, after.issued) != (state.archives, state.issued))
        return after, text

    # From the model to its twin

    def is_paired(self, action: Action) -> bool:
        """Whether the twin was there, where an action sets a device back to what it was."""
        image = {"restore": 2, "snatch": 4}.get(action[0])
        return image is None or action[image] in self._nodes

    def _translated(self, state: State, action: Action) -> Action:
        assert self.shadow is not None
        name, who, *more = action
        if name in ("step", "torn", "snatch"):
            op = self._op(more[0])
            if name == "step":
                return name, who, op
            torn = self.steps.torn(state.nodes[who], more[0])
            guards = more[3:] or [each.guard for each in torn if each.node == more[1]]
            at = torn.index((more[1], guards[0]))
            left = self.twin.steps.torn(self.shadow.nodes[who], op)[at]
            if name == "torn":
                return name, who, op, left.node
            return name, who, op, left.node, self._nodes[more[2]], left.guard
        if name == "restore":
            return name, who, self._nodes[more[0]]
        if name == "hand":
            return name, who, self._numbers[more[0]]
        return action

    def _op(self, op: tuple[Any, ...]) -> tuple[Any, ...]:
        if op[0] in OF_A_MESSAGE:
            return op[0], self._numbers[op[1]], *op[2:]
        return op

    def _pair_out(self, ours: tuple[State, Action], theirs: tuple[State, Action]) -> None:
        """What goes out in a step without a record of its own."""
        found = [
            system.steps.step(state.nodes[action[1]], action[2]).out
            for system, (state, action) in ((self, ours), (self.twin, theirs))
        ]
        for pair in zip(*found, strict=True):
            self._pair(*pair)

    def _pair(self, ours: int, theirs: int) -> None:
        """A message of the model and its twin's."""
        self._numbers[ours] = theirs
        one, other = (
            messages.decode(system.store.messages[number].raw).hash
            for system, number in ((self, ours), (self.twin, theirs))
        )
        self._hashes[one] = other

    def _follow(self, state: State) -> None:
        """Pair what the last step has brought."""
        assert self.shadow is not None
        for who in self.everyone:
            ours, theirs = state.nodes[who], self.shadow.nodes[who]
            self._nodes[ours] = theirs
            if self.bounds.restores:
                once = self.steps.step(ours, ("reboot",)).node
                self._nodes[once] = self.twin.steps.step(theirs, ("reboot",)).node
            one, other = self.chain(state, who), self.twin.chain(self.shadow, who)
            kinds = kinds_of(self.store, one.entries), kinds_of(self.twin.store, other.entries)
            self._require(kinds[0] == kinds[1], f"records of {self._name(who)}: {kinds}")
            for entries in zip(one.entries, other.entries, strict=True):
                self._pair_records(*entries)

    def _pair_records(self, ours: int, theirs: int) -> None:
        made, other = self.store.records[ours], self.twin.store.records[theirs]
        if made.kind in SIGNED_IN:
            at = SIGNED_IN[made.kind]
            self._pair(
                self.store.message(records.unpack(made.kind, made.body)[at]),
                self.twin.store.message(records.unpack(other.kind, other.body)[at]),
            )

    def _issue(self, who: int, number: int) -> None:
        """The ledger signs what the model's office has signed."""
        device, message = self.real.ids[who], self.store.messages[number]
        ledger, body, parts = self.real.books.ledger, message.body, ()
        if message.kind == "load":
            raw = self.real.books.load(device, messages.total(body.amounts))
            self._same_load(message.raw, raw)
        elif message.kind == "cancel":
            raw = ledger.issue_cancel(device, body.number)
        else:
            raw = ledger.issue_checkpoint(device) or b""
            self._require(raw, f"no checkpoint for {self._name(who)}")
            parts = self.real.books.parts(raw)
        self._pair(number, self.twin.store.message(raw, parts))
        said = self.twin.store.messages[self._numbers[number]].body
        self._require(said.number == body.number, f"{message.kind} {said.number}")
        if message.kind == "checkpoint":
            self._require(said.covered == body.covered, f"record {said.covered} is covered")

    def _same_load(self, ours: bytes, theirs: bytes) -> None:
        one, other = messages.decode(ours), messages.decode(theirs)
        of, its = one.message, other.message
        self._hashes[load_subject(of.device, of.number)] = load_subject(its.device, its.number)
        self._pair(self.store.message(ours), self.twin.store.message(theirs))

    # Whether both say the same

    def _require(self, condition: object, text: str) -> None:
        require(condition, laws.REAL, text)

    def _name(self, who: int) -> str:
        return self.bounds.specs[who].name

    def _agree(self, state: State, is_booked: bool = True) -> None:
        """After each step the purses; the books whenever something was deposited or signed."""
        assert self.shadow is not None
        for who in self.everyone:
            one, other = account(self, state, who), account(self.twin, self.shadow, who)
            self._require(one == other, f"of {self._name(who)}: {differing(one, other)}")
            ours, theirs = self.node(state, who), self.twin.node(self.shadow, who)
            opened = {self._hashes[each] for each in ours.open_payments}
            self._require(opened == set(theirs.open_payments), "other payments are open")
        if is_booked:
            self._agree_at_the_ledger(state)

    def _agree_at_the_ledger(self, state: State) -> None:
        ledger, view = self.real.books.ledger, self.view(state)
        done, trial = ledger.reconcile(), ledger.check()
        self._require(not trial.failures, "; ".join(trial.failures))
        self._require(trial.circulating == FUNDED, f"{trial.circulating} circulate")
        self._require(not done.refused, f"{done.refused} transfers were refused")
        ends = {self._hashes[subject]: end for subject, end in view.ends.items()}
        self._same("booked", ends, self.real.books.ends())
        purses = tuple(self.real.books.purse(device) for device in self.real.ids)
        self._same("on the accounts of purses", view.purses, purses)
        self._same("at home", view.merchants + view.sent_home, self.real.books.homes())
        found = {(each.code, self.real.who[each.device]) for each in done.findings}
        ours = {(code, self.town.who[device]) for code, device in view.findings}
        self._same("found", ours, found)
        for who in self.everyone:
            handed = ledger.next_statements(self.real.ids[who])
            theirs = sorted(self._handed(self.twin.store, each) for each in handed)
            mapped = sorted(self._handed(self.store, each) for each in view.handovers[who])
            self._same(f"handed to {self._name(who)}", mapped, theirs)
        for finding in done.findings:
            self._proven(state, finding)

    def _same(self, what: str, ours: object, theirs: object) -> None:
        self._require(ours == theirs, f"{what}: {ours} in the model, {theirs} at the ledger")

    def _handed(self, store: Store, each: Handover) -> tuple[str, int, int, int]:
        """Kind, which message as the twin numbers it, which part."""
        number = -1
        if each.kind != Kind.BASE:
            raw = cbor.decode(each.raw)[0] if each.kind == Kind.FORWARD else each.raw
            number = store.message(raw)
            number = self._numbers[number] if store is self.store else number
        return str(each.kind), number, each.part, each.parts

    def _proven(self, state: State, finding: Finding) -> None:
        """What two signatures prove convinces anyone with the root's key, and names nobody who is
        honest."""
        who = self.real.who[finding.device]
        try:
            raw = self.real.books.ledger.proof(finding.evidence_id)
        except Refused:
            require(finding.code not in PROVEN, laws.PROVEN, finding.en)
            return
        made = proof.verify(raw, self.real.issuer.roots[0], verify)
        require(made.device == finding.device, laws.PROVEN, finding.en)
        require(state.ever[who], laws.NOT_ACCUSED, f"{finding.code}: {self._name(who)}")


def kinds_of(store: Store, entries: tuple[int, ...]) -> list[int]:
    return [store.records[number].kind for number in entries]


def account(system: System, state: State, who: int) -> dict[str, object]:
    """What can be said of a device in numbers: the purse as its flash has it, and the value in its
    records."""
    node, chain = system.node(state, who), system.chain(state, who)
    offer = node.open_offer
    return {
        "balance": node.balance,
        "stopped": node.stopped,
        "first record": node.first,
        "records": chain.length,
        "next payment": node.next_payment,
        "offer": offer and (offer.counter, offer.amount, offer.payment_counter),
        "payments": [row[1:] for row in chain.payments],
        "honoured": [row[2:] for row in chain.honoured],
        "voids": len(chain.voided),
        "receipts": len(chain.receipts),
        "loads": [(row[0], row[2]) for row in chain.loaded],
        "cancels": chain.cancelled,
        "sent home": chain.unloaded,
        "given back": [row[2] for row in chain.given],
        "taken back": [row[2] for row in chain.taken_back],
        "covered": chain.covered,
    }


def differing(one: dict[str, object], other: dict[str, object]) -> str:
    return ", ".join(f"{key} {one[key]} or {other[key]}" for key in one if one[key] != other[key])
