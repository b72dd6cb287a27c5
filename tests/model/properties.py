# SPDX-License-Identifier: Apache-2.0
"""The properties of protocol chapter 8 and of SECURITY.md, judged by what the records of all
devices said when they were written (facts.py), not by what a purse or the ledger makes of them.

A device that was set back is a suspect: it may owe, and is to be found. A device whose flash has
decayed is honest, but its purse is not counted any more.
"""

from __future__ import annotations

from duotap import messages, records
from duotap.certificate import CLASS_BOUND, CLASS_NONE
from duotap.fields import ROLE_STAND
from duotap_host.reconcile.findings import FREEZING, Code
from duotap_host.reconcile.matching import (
    CANCELLED,
    CREDITED,
    LOADED,
    REFUNDED,
    RETURNED,
    SENT_HOME,
    TAKEN,
    UNLOADED,
    load_subject,
)

from model import laws, losing
from model.facts import Chain, Message
from model.laws import require
from model.office import View
from model.steps import Node
from model.system import State, System

DAMAGED = "damaged"
SHOWN = (CREDITED, TAKEN, RETURNED, LOADED, CANCELLED, UNLOADED, REFUNDED)  # by a journal


class Judge:
    """Looks at states; what was looked at before is remembered."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.bounds = system.bounds
        self._nodes: set[int] = set()
        self._devices: set[tuple[object, ...]] = set()
        self._books: set[tuple[object, ...]] = set()

    def look(self, state: State) -> None:
        """Raise Violation unless all that can be said of one state holds in it."""
        for number in state.nodes:
            if number not in self._nodes:
                self._nodes.add(number)
                self._device(self.system.steps.nodes[number])
        key = (state.nodes, state.ever, state.loose)
        if key not in self._devices:
            self._devices.add(key)
            self._values(state)
            self._messages(state)
        book = (state.nodes, state.archives, state.issued, state.ever, state.losses)
        if state.archives and book not in self._books:
            self._books.add(book)
            self.book(state)

    def moved(self, before: State, after: State) -> None:
        """What a step may not do to the book."""
        if (before.archives, before.issued) == (after.archives, after.issued):
            losing.paid(self.system, before, after)
            return
        was, now = self._view(before).ends, self._view(after).ends
        for subject, end in was.items():
            if end in (CREDITED, TAKEN):
                require(now.get(subject) != RETURNED, laws.FINAL, f"{end}, then returned")

    def _view(self, state: State) -> View:
        return self.system.view(state)

    def name(self, who: int) -> str:
        return self.bounds.specs[who].name

    # Of one device

    def _device(self, node: Node) -> None:
        chain, spec = self.system.store.chains[node.chain], self.bounds.specs[node.who]
        paid = [amount for _, amount, at in chain.payments if at > chain.covered]
        got = [row[2] for row in chain.honoured if row[3] > chain.covered]
        limits = spec.limits
        require(
            len(paid) <= limits.count and sum(paid) <= limits.total,
            laws.LIMITS,
            f"{spec.name} has paid {sum(paid)} in {len(paid)} payments since then",
        )
        is_free = all(each.rollback_class == CLASS_BOUND for each in self.bounds.specs)
        require(
            is_free or sum(got) <= limits.received_total,
            laws.LIMITS,
            f"{spec.name} has taken {sum(got)} since then",
        )

    # Of all devices

    def _values(self, state: State) -> None:
        system = self.system
        chains = [system.chain(state, who) for who in system.everyone]
        paid = {
            payment: amount
            for who in system.everyone
            for chain in system.chains(state, who)
            for payment, amount, _ in chain.payments
        }
        honoured = [row for chain in chains for row in chain.honoured]
        for row in honoured:
            require(row[0] in paid, laws.NOT_CREATED, f"payment {row[0].hex()[:6]}")
        self._once(state, chains)
        if any(state.ever) or any(
            system.node(state, who).stopped == DAMAGED for who in system.everyone
        ):
            return
        ended = {row[0] for row in honoured}.union(*(chain.voided for chain in chains))
        back = {row[0] for chain in chains for row in chain.taken_back}
        under_way = sum(row[2] for chain in chains for row in chain.given if row[0] not in back)
        under_way += sum(amount for payment, amount in paid.items() if payment not in ended)
        taken = sum(row[2] for row in honoured if row[4])
        held = sum(system.node(state, who).balance for who in system.everyone)
        gone = sum(chain.unloaded for chain in chains)
        loaded = sum(row[2] for chain in chains for row in chain.loaded)
        require(
            held + under_way + taken + gone == loaded,
            laws.CONSERVED,
            f"{held} in purses, {under_way} under way, {taken} on accounts, {gone} sent home;"
            f" loaded were {loaded}",
        )

    def _once(self, state: State, chains: list[Chain]) -> None:
        """Each payment and each offer ends once on an honest device; each load is taken once."""
        voided = frozenset[bytes]().union(*(chain.voided for chain in chains))
        for chain in chains:
            if state.ever[chain.who]:
                continue
            payments = [row[0] for row in chain.honoured]
            offers = [row[1] for row in chain.honoured]
            unloads = [row[0] for row in chain.unloads]
            for rows in (payments, offers, [row[0] for row in chain.loaded], unloads):
                require(len(set(rows)) == len(rows), laws.ONCE, f"on {self.name(chain.who)}")
            self._given_back(state, chain)
            require(not voided & set(payments), laws.ONCE, "honoured and given back")
            numbers = {row[0] for row in chain.loaded}
            require(not numbers & chain.cancelled, laws.ONCE, "a load was taken and cancelled")

    def _given_back(self, state: State, chain: Chain) -> None:
        """Of one card: each refund once, of its own payments and not more than was paid."""
        given = {row[0] for who in self.system.everyone for row in self._given(state, who)}
        left = {payment: amount for payment, amount, _ in chain.payments}
        for refund, payment, amount in chain.taken_back:
            left[payment] = left.get(payment, 0) - amount
            require(refund in given, laws.NOT_CREATED, f"refund {refund.hex()[:6]}")
        over = [payment for payment, amount in left.items() if amount < 0]
        require(not over, laws.GIVEN_BACK, f"too much to {self.name(chain.who)}")

    def _given(self, state: State, who: int) -> list[tuple[bytes, bytes, int]]:
        return [row for chain in self.system.chains(state, who) for row in chain.given]

    def _messages(self, state: State) -> None:
        """No honest device has put two messages into the air that contradict each other."""
        said: dict[tuple[object, ...], tuple[str, bytes]] = {}
        for message in self.system.air(state):
            who = self.system.town.who[message.kid]
            subject = _subject(message)
            if subject is None or state.ever[who]:
                continue
            now = (message.kind, message.hash)
            was = said.setdefault((message.kid, *subject), now)
            text = f"{self.name(who)}: {was[0]} and another {now[0]}"
            require(was == now, laws.CONSISTENT, text)

    # Of the ledger

    def book(self, state: State) -> None:
        """What the ledger found and booked, held against what is true."""
        view = self._view(state)
        for code, device in sorted(view.findings):
            who = self.system.town.who[device]
            if code == Code.DEBT and state.losses.awards:
                continue  # losing.check says when there is one
            if not state.ever[who]:
                law = laws.NOT_ACCUSED if code in FREEZING else laws.NO_FINDING
                damaged = self.system.node(state, who).stopped and law == laws.NO_FINDING
                others = any(state.ever) and code == Code.OVER_RECEIVED_LIMIT
                require(damaged or others, law, f"{code} of {self.name(who)}")
        self._ends(state, view)
        self._by_receipt(state, view)
        self._proven(state, view)

    def _ends(self, state: State, view: View) -> None:
        """A position is what the journals show, and a void comes home after its deposit."""
        system = self.system
        truth: dict[bytes, set[str]] = {}
        for who in system.everyone:
            for chain in system.chains(state, who):
                for row in chain.honoured:
                    truth.setdefault(row[1], set()).update((CREDITED, TAKEN))
                for payment in chain.voided:
                    truth.setdefault(_offer_of(system, payment), set()).add(RETURNED)
                device = system.town.ids[who]
                for number, _, _ in chain.loaded:
                    truth.setdefault(load_subject(device, number), set()).add(LOADED)
                for number in chain.cancelled:
                    truth.setdefault(load_subject(device, number), set()).add(CANCELLED)
                for refund, _, _ in chain.taken_back:
                    truth.setdefault(refund, set()).add(REFUNDED)
                    home = view.ends.get(refund) == SENT_HOME
                    require(not home, laws.GIVEN_BACK, "by the ledger and by tap")
                for _, unload, _ in chain.unloads:
                    truth.setdefault(unload, set()).add(UNLOADED)
        for subject, end in view.ends.items():
            if end in SHOWN:
                require(
                    end in truth.get(subject, ()), laws.BOOKED, f"{end}, which no journal shows"
                )
        for who in system.everyone:
            self._archived_first(state, who)

    def _by_receipt(self, state: State, view: View) -> None:
        """A stand that is lost before its deposit is paid what its honest customers deposit."""
        for who in self.system.everyone:
            given = self._deposited_chain(state, who)
            for payment in given.receipts if given and not state.ever[who] else ():
                body = _payment(self.system, payment).body
                payee = self.system.town.who[body.payee]
                if self.bounds.specs[payee].role == ROLE_STAND and not state.ever[payee]:
                    end = view.ends.get(body.offer_hash)
                    require(end == TAKEN, laws.BY_RECEIPT, f"a sale of {self.name(payee)}: {end}")

    def _deposited_chain(self, state: State, who: int) -> Chain | None:
        """What is archived of the present history of a device and covered by a head."""
        archived, heads = state.archives[who]
        tips = {messages.decode(raw, messages.Head).message.chain_hash for raw in heads}
        return self._reached(self.system.chain(state, who), archived, tips)

    def _reached(self, chain: Chain, archived: frozenset[int], tips: set[bytes]) -> Chain | None:
        reached: Chain | None = chain
        while reached is not None and reached.length:
            if reached.tip in tips and archived.issuperset(reached.entries):
                return reached
            reached = self.system.store.chains[reached.parent]
        return None

    def _archived_first(self, state: State, who: int) -> None:
        for payment in self.system.chain(state, who).voided:
            message = _payment(self.system, payment)
            payee = self.system.town.who[message.body.payee]
            if self.bounds.specs[payee].rollback_class != CLASS_BOUND:
                archived = state.archives[payee][0]
                shown = any(self._voids(number, payment) for number in archived)
                require(shown, laws.ARCHIVED_FIRST, f"void of {self.name(payee)}")

    def _voids(self, number: int, payment: bytes) -> bool:
        made = self.system.store.records[number]
        if made.kind != records.LATE_VOID:
            return False
        raw = records.unpack(made.kind, made.body)[0]
        store = self.system.store
        return store.messages[store.message(raw)].hash == payment

    def _proven(self, state: State, view: View) -> None:
        """Of two histories of one device: the payments of one place, if both are deposited."""
        system = self.system
        for who in system.everyone:
            chains = system.chains(state, who) if state.ever[who] else []
            if not chains:
                continue
            deposited = self.deposited(state)
            said = {message.hash for message in system.air(state)}
            is_guarded = self.bounds.specs[who].rollback_class != CLASS_NONE
            for place in range(max(len(chain.payments) for chain in chains)):
                rows = [chain.payments[place : place + 1] for chain in chains]
                paid = {row[0][0] for row in rows if row}
                text = f"payments {place + 1} of {self.name(who)}"
                require(not is_guarded or len(paid & said) < 2, laws.PREVENTED, text)
                if len(paid & deposited) > 1:
                    found = (Code.DUPLICATE_PAYMENT, system.town.ids[who]) in view.findings
                    require(found, laws.PROVEN, text)

    def deposited(self, state: State) -> set[bytes]:
        """Hashes of all payments in journals that are archived whole, with a head."""
        system, found = self.system, set[bytes]()
        for who in system.everyone:
            archived, heads = state.archives[who]
            tips = {messages.decode(raw, messages.Head).message.chain_hash for raw in heads}
            for chain in system.chains(state, who):
                reached = self._reached(chain, archived, tips)
                if reached is not None:
                    found |= reached.seen
        return found


def _subject(message: Message) -> tuple[object, ...] | None:
    """What a device may say one thing about only."""
    body = message.body
    if message.kind == "payment":
        return "payment", body.payment_counter
    if message.kind == "offer":
        return "offer", body.offer_counter
    if message.kind == "unload":
        return "unload", body.unload_counter
    if message.kind == "refund":
        return "refund", body.refund_counter
    if message.kind in ("receipt", "void"):
        return "closing", body.payment_hash
    return None


def _payment(system: System, payment: bytes) -> Message:
    return system.store.payment_of[payment]


def _offer_of(system: System, payment: bytes) -> bytes:
    return bytes(_payment(system, payment).body.offer_hash)
