# SPDX-License-Identifier: Apache-2.0
"""What honest people do about a state: they touch again, or they deposit and take what the ledger
hands over. It must always end with nothing under way.
"""

from __future__ import annotations

from typing import Any

from duotap.certificate import CLASS_NONE
from duotap_host.ledger.interface import Kind
from duotap_host.reconcile.findings import FREEZING
from duotap_host.reconcile.matching import UNDER_WAY

from model import laws, losing
from model.laws import require
from model.properties import Judge
from model.system import State, System

ROUNDS = 5  # of deposits; a void takes three


class Honest:
    """Ends matters; what was ended before is remembered."""

    def __init__(self, system: System, judge: Judge) -> None:
        self.system, self.judge = system, judge
        self._ended: set[tuple[Any, ...]] = set()
        self._touched: set[tuple[int, int]] = set()

    def end(self, state: State) -> None:
        """Deposits alone. Raise Violation if something is left under way."""
        way = []
        while True:
            key = (state.nodes, state.archives, state.issued, state.ever, state.losses)
            if key in self._ended:
                break
            require(len(way) <= ROUNDS, laws.ENDS, "deposits go on for ever")
            way.append(key)
            after = self._round(state)
            if after == state:
                self._check(state)
                break
            state = after
        self._ended.update(way)

    def _round(self, state: State) -> State:
        """Every device is switched on, deposits, and takes what it is handed; what is lost is paid
        for when its time is over."""
        system = self.system
        state = losing.settled(system, state)
        there = [who for who in system.everyone if who not in state.losses.lost]
        for who in there:
            state, _ = system.apply(state, ("step", who, ("reboot",)))
            state, _ = system.apply(state, ("deposit", who))
        for who in there:
            view = system.view(state)
            for number in system.forwards(view.handovers[who]):
                state, _ = system.apply(state, ("hand", who, number))
            parts: list[bytes] = []
            for each in view.handovers[who]:
                if each.kind == Kind.BASE:
                    parts.append(each.raw)
                elif each.kind == Kind.STATEMENT:
                    number = system.store.message(each.raw, tuple(parts))
                    parts = []
                    state, _ = system.apply(state, ("step", who, ("statement", number)))
        self.judge.look(state)
        return state

    def _check(self, state: State) -> None:
        view = self.system.view(state)
        if any(state.ever):
            self._traced(state)
            return
        if state.losses.lost:
            losing.check(self.system, state)
            return
        if any(self.system.node(state, who).stopped for who in self.system.everyone):
            return  # its value comes home from the shadow, after a wait that is not modelled
        left = [subject for subject, end in view.ends.items() if end == UNDER_WAY]
        require(not left, laws.ENDS, f"{len(left)} under way at the ledger after all deposits")
        for who in self.system.everyone:
            node = self.system.node(state, who)
            text = f"{self.judge.name(who)} has a payment open after all deposits"
            require(not node.open_payments, laws.ENDS, text)
            shadow = view.purses[who]
            text = (
                f"{node.balance} in the purse of {self.judge.name(who)}, {shadow} on its account"
            )
            require(shadow == node.balance, laws.BOOKED, text)
        chains = [self.system.chain(state, who) for who in self.system.everyone]
        taken = sum(row[2] for chain in chains for row in chain.honoured if row[4])
        require(view.merchants == taken, laws.BOOKED, f"{taken} taken, {view.merchants} booked")
        home = sum(chain.unloaded for chain in chains)
        require(view.sent_home == home, laws.BOOKED, f"{home} sent, {view.sent_home} booked")

    def _traced(self, state: State) -> None:
        """Honest devices have what they have; what is there in excess is owed by a suspect, who is
        named or below zero."""
        system = self.system
        view = system.view(state)
        named = {device for code, device in view.findings if code in FREEZING}
        excess = -sum(row[2] for who in system.everyone for row in self._loaded(state, who))
        for who in system.everyone:
            if state.ever[who]:
                continue
            node, chain = system.node(state, who), system.chain(state, who)
            shadow = view.purses[who]
            text = (
                f"{node.balance} in the purse of {self.judge.name(who)}, {shadow} on its account"
            )
            require(shadow == node.balance, laws.BOOKED, text)
            excess += node.balance + sum(row[2] for row in chain.honoured if row[4])
        excess += view.sent_home
        self._prevented(state, excess)
        owing = [
            who
            for who in system.everyone
            if state.ever[who] and (view.purses[who] < 0 or system.town.ids[who] in named)
        ]
        require(excess <= 0 or owing, laws.TRACED, f"{excess} more than was loaded")

    def _prevented(self, state: State, excess: int) -> None:
        """What honest devices hold in excess of all loads, and what guarded suspects may spend."""
        system = self.system
        suspects = [who for who in system.everyone if state.ever[who]]
        if any(self.system.bounds.specs[who].rollback_class == CLASS_NONE for who in suspects):
            return
        nodes = [system.node(state, who) for who in suspects]
        excess += sum(node.balance for node in nodes if not node.stopped)
        require(excess <= 0, laws.PREVENTED, f"{excess} more than was loaded")

    def _loaded(self, state: State, who: int) -> set[Any]:
        return {row for chain in self.system.chains(state, who) for row in chain.loaded}

    def touch(self, state: State) -> None:
        """Touching again, both just switched on: what was under way between the two is closed."""
        system = self.system
        for payee, payer in system.bounds.pairs:
            key = (state.nodes[payee], state.nodes[payer])
            pair = system.node(state, payee), system.node(state, payer)
            is_honest = not (state.ever[payee] or state.ever[payer])
            is_honest = is_honest and not any(node.stopped for node in pair)
            if key in self._touched or not pair[1].open_payments or not is_honest:
                continue
            self._touched.add(key)
            self._touch(*key)

    def _touch(self, payee: int, payer: int) -> None:
        """By the rules, a payment of an open offer, or of one that was honoured, ends now; one of
        an offer that was closed unpaid waits for the ledger."""
        nodes = self.system.steps.nodes
        stand, card = nodes[payee], nodes[payer]
        offer = stand.open_offer
        touched = self.system.steps.touch(payee, payer, offer.amount if offer else 0)
        chain = self.system.store.chains[stand.chain]
        due = {offer.hash} if offer else set()
        due |= {row[1] for row in chain.honoured} & set(stand.owed)
        left = set(nodes[touched.payer].open_payments) & set(card.open_payments)
        offers = {
            self.system.store.payment_of[self.system.store.identity(each)].body.offer_hash
            for each in left
        }
        require(not due & offers, laws.TOUCH_ENDS, touched.text)
