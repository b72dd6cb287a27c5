# SPDX-License-Identifier: Apache-2.0
"""The whole: devices, what is in the air, the ledger; and everything that may happen next.

A message that was signed and kept is in the air from then on and may come at any time, to any
device, any number of times, or never. So a loss, a replay, a late arrival and a cut between a
commit and its sending are not steps of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from duotap import cbor
from duotap_host.ledger.interface import Kind

from model import losing
from model.bounds import Bounds
from model.facts import Chain, Message, Store
from model.office import NO_DEPOSIT, NO_LOSSES, Archives, Losses, Office, View
from model.ops import NOTHING
from model.steps import Node, Op, Steps
from model.town import Town

LEGS_MAX = 20  # of a tap: SELECT, certificates, offer, result, closing, and what is owed
Action = tuple[Any, ...]  # name, device, more


class State(NamedTuple):
    """`loose`: messages in the air that no record of a present journal shows. `ever`: images that
    a device was at when it was set back. `left`: restores, tears and decays that may come."""

    nodes: tuple[int, ...]
    archives: Archives
    issued: tuple[int, ...]
    bag: frozenset[tuple[int, int]]  # device, message: handed over by the ledger, on the way
    loose: frozenset[int]
    ever: tuple[frozenset[int], ...]
    left: tuple[int, int, int]
    losses: Losses = NO_LOSSES


class System:
    """All states that a run's devices and ledger can come to, and the steps between them."""

    def __init__(self, bounds: Bounds, town: Town | None = None) -> None:
        """Of a town with named keys, unless one is given."""
        self.bounds = bounds
        self.store = Store()
        self.town = Town(bounds) if town is None else town
        self.steps = Steps(self.town, self.store)
        self.office = Office(self.town, self.store)
        self._sets: dict[Any, Any] = {}
        self.everyone = range(len(bounds.specs))

    def start(self) -> State:
        """All devices as they left the factory; the ledger has signed their loads."""
        none: frozenset[Any] = frozenset()
        bounds = self.bounds
        return State(
            tuple(self.steps.birth(who) for who in self.everyone),
            tuple(NO_DEPOSIT for _ in self.everyone),
            self.by_hash(self.store.message(raw) for raw in self.town.loads),
            *(none, none, tuple(none for _ in self.everyone)),
            (bounds.restores, bounds.tears, 1 if bounds.decays else 0),
        )

    # Looking

    def view(self, state: State) -> View:
        """What the ledger makes of it."""
        return self.office.view(state.archives, state.issued, state.losses)

    def node(self, state: State, who: int) -> Node:
        return self.steps.nodes[state.nodes[who]]

    def chain(self, state: State, who: int) -> Chain:
        return self.store.chains[self.node(state, who).chain]

    def chains(self, state: State, who: int) -> list[Chain]:
        """The present history of a device and those that it was set back from."""
        past = [self.store.chains[self.steps.nodes[each].chain] for each in state.ever[who]]
        return [self.chain(state, who), *past]

    def air(self, state: State) -> list[Message]:
        """Every message of a device that may arrive."""
        numbers = set(state.loose)
        for who in self.everyone:
            numbers |= self.chain(state, who).sent
        found = [self.store.messages[number] for number in numbers]
        found.sort(key=lambda message: message.hash)
        return found

    def by_hash(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Messages in the order of their hashes, which hangs on no history."""
        return tuple(sorted(numbers, key=lambda number: self.store.messages[number].hash))

    def same(self, value: Any) -> Any:
        """One object for equal values."""
        return self._sets.setdefault(value, value)

    # What may happen

    def actions(self, state: State) -> Iterator[Action]:
        """In an order that hangs on nothing but the state."""
        air = self.air(state)
        for who in self.everyone:
            for op in self._ops(state, who, air):
                yield ("step", who, op)
                if state.left[1]:
                    yield from self._cuts(state, who, op)
            yield from self._mishaps(state, who)
        if self.bounds.has & {"touch", "torn touch"}:
            yield from self._touches(state)
        if "ledger" in self.bounds.has:
            yield from self._ledger(state)

    def _ops(self, state: State, who: int, air: list[Message]) -> Iterator[Op]:
        node, chain, spec = self.node(state, who), self.chain(state, who), self.bounds.specs[who]
        if len(chain.offers) < spec.offers:
            yield from self._asks(state, who)
        if node.open_offer is not None:
            yield ("cancel",)
        for message in air:
            yield from self._deliveries(message, who, len(chain.payments) < spec.payments)
        for name, waiting in (("work", node.pending), ("settle", node.closing)):
            if waiting != NOTHING:
                yield (name,)
        if (node.pending, node.closing) != (NOTHING, NOTHING):
            yield ("reboot",)
        for number in state.issued:
            if self.store.messages[number].body.device == self.town.ids[who]:
                yield ("statement", number)
        orders = [amount for device, amount in self.bounds.unloads if device == who]
        for order, amount in enumerate(orders[: len(chain.unloads) + 1], 1):
            yield ("unload", order, amount)
        due = [each[1:] for each in self.bounds.refunds if each[0] == who]
        for card, amount in due if len(chain.given) < len(due) else ():
            yield ("give", card, amount)
        if "tidy" in self.bounds.has and chain.covered:
            yield ("tidy",)

    def _asks(self, state: State, who: int) -> Iterator[Op]:
        for payee, payer in self.bounds.pairs:
            if payee == who:
                true = self.node(state, payer).next_payment
                for counter in range(true, true + self.bounds.ahead + 1):
                    for amount in self.bounds.amounts:
                        yield ("ask", payer, counter, amount)

    def _deliveries(self, message: Message, who: int, may_pay: bool) -> Iterator[Op]:
        """To whom it speaks; anything else is refused by its first lines."""
        own = self.town.ids[who]
        has, number = self.bounds.has, message.number
        if message.kid == own or message.kind == "unload":
            return
        if message.kind == "offer":
            if message.body.payer == own and may_pay:
                yield ("hear" if "split" in has else "pay", number)
        elif message.kind == "refund":
            yield ("take back", number)
        elif message.kind == "payment":
            if message.body.payee == own:
                yield ("take", number)
                if "twist" in has:
                    yield ("take", number, True)
        else:
            yield ("acknowledge" if "split" in has else "close", number)

    def _mishaps(self, state: State, who: int) -> Iterator[Action]:
        restores, _, decays = state.left
        if restores and who in self.bounds.restored:
            for image in self._images(state, who):
                yield ("restore", who, image)
        if decays and who in self.bounds.decays:
            yield ("decay", who)

    def _cuts(self, state: State, who: int, op: Op) -> Iterator[Action]:
        """The power goes in a step; before it is back the flash may be another, which matters
        where a boot would have moved the guard."""
        found = self.steps.torn(state.nodes[who], op)
        yield from (("torn", who, op, node) for node in dict.fromkeys(each.node for each in found))
        if state.left[0] and who in self.bounds.restored:
            for node, guard in found:
                if guard != self.steps.nodes[node].guard:
                    for image in (state.nodes[who], *self._images(state, who)):
                        yield ("snatch", who, op, node, image, guard)

    def _images(self, state: State, who: int) -> list[int]:
        """Of all that the device ever was, what differs from what it is."""
        found = set()
        for tip in (state.nodes[who], *state.ever[who]):
            image: int | None = tip
            while image is not None:
                found.add(self.steps.step(image, ("reboot",)).node)
                image = self.steps.before.get(image)
        found.discard(state.nodes[who])
        return sorted(found)

    def _touches(self, state: State) -> Iterator[Action]:
        cuts = range(LEGS_MAX) if "torn touch" in self.bounds.has else (0,)
        for payee, payer in self.bounds.pairs:
            for amount in self.bounds.amounts:
                for cut in cuts:
                    yield ("touch", payee, payer, amount, cut)

    def _ledger(self, state: State) -> Iterator[Action]:
        view = self.view(state)
        yield from losing.actions(self, state)
        for who in self.everyone:
            if who in self.bounds.depositors:
                yield ("deposit", who)
                if "pull" in self.bounds.has:
                    yield ("pull", who)
            for number in self.forwards(view.handovers[who]):
                yield ("fetch" if "bag" in self.bounds.has else "hand", who, number)
            is_due = self._signed(state, who, "checkpoint") < self.bounds.checkpoints
            if is_due and who in self.bounds.checkpointed:
                number = self.office.checkpoint(state.archives, state.issued, who, state.losses)
                if number is not None:
                    yield ("sign", who, number)
            wanted = [amount for device, amount in self.bounds.loads if device == who]
            done = self._signed(state, who, "load") - (1 if self.bounds.specs[who].loaded else 0)
            if done < len(wanted):
                yield ("sign", who, self.office.load(state.issued, who, wanted[done]))
        if self.bounds.loads:
            for number in self.office.cancels(state.archives, state.issued):
                yield ("sign", self.town.who[self.store.messages[number].body.device], number)
        for who, number in sorted(state.bag, key=lambda row: self.store.messages[row[1]].hash):
            yield ("hand", who, number)

    def forwards(self, handed: Any) -> list[int]:
        """The messages of devices among what the ledger hands over."""
        forwards = [each.raw for each in handed if each.kind == Kind.FORWARD]
        return [self.store.message(cbor.decode(raw)[0]) for raw in forwards]

    def _signed(self, state: State, who: int, kind: str) -> int:
        found = [self.store.messages[number] for number in state.issued]
        return sum(m.kind == kind and m.body.device == self.town.ids[who] for m in found)

    # Making it happen

    def apply(self, state: State, action: Action) -> tuple[State, str]:
        """The state after an action, and what became of it in words."""
        return _APPLY[action[0]](self, state, *action[1:])

    def _step(self, state: State, who: int, op: Op) -> tuple[State, str]:
        result = self.steps.step(state.nodes[who], op)
        return self._moved(state, who, result.node, result.out), result.text

    def _moved(self, state: State, who: int, node: int, out: tuple[int, ...] = ()) -> State:
        nodes = (*state.nodes[:who], node, *state.nodes[who + 1 :])
        loose = self.same(state.loose | set(out)) if out else state.loose
        return state._replace(nodes=nodes, loose=loose)

    def _torn(self, state: State, who: int, op: Op, image: int) -> tuple[State, str]:
        restores, tears, decays = state.left
        moved = self._moved(state, who, image)
        return moved._replace(left=(restores, tears - 1, decays)), "loses power in it"

    def _snatch(
        self, state: State, who: int, op: Op, node: int, image: int, guard: Any
    ) -> tuple[State, str]:
        """Torn, and set back before the next boot."""
        torn, _ = self._torn(state, who, op, node)
        back = self._set_back(torn, who, image, guard)
        # Nobody reads what a guarded device's flash holds: it is not in the air.
        return back._replace(loose=self.same(state.loose | self.chain(state, who).sent)), ""

    def _restore(self, state: State, who: int, image: int) -> tuple[State, str]:
        return self._set_back(state, who, image, self.node(state, who).guard), ""

    def _set_back(self, state: State, who: int, image: int, guard: Any) -> State:
        restores, tears, decays = state.left
        tips = self.same(state.ever[who] | {state.nodes[who]})
        lost = self.same(state.loose | self.chain(state, who).sent)
        moved = self._moved(state, who, self.steps.restored(guard, image))
        ever = (*state.ever[:who], tips, *state.ever[who + 1 :])
        return moved._replace(ever=ever, loose=lost, left=(restores - 1, tears, decays))

    def _decay(self, state: State, who: int) -> tuple[State, str]:
        restores, tears, decays = state.left
        moved = self._moved(state, who, self.steps.decayed(state.nodes[who]))
        return moved._replace(left=(restores, tears, decays - 1)), ""

    def _touch(
        self, state: State, payee: int, payer: int, amount: int, cut: int
    ) -> tuple[State, str]:
        touched = self.steps.touch(state.nodes[payee], state.nodes[payer], amount, cut)
        moved = self._moved(self._moved(state, payee, touched.payee), payer, touched.payer)
        return moved, touched.text

    def _deposit(self, state: State, who: int) -> tuple[State, str]:
        given, head = self.steps.deposit(state.nodes[who])
        return self._archived(state, who, given, frozenset((head,) if head else ())), ""

    def _pull(self, state: State, who: int) -> tuple[State, str]:
        given, _ = self.steps.deposit(state.nodes[who])
        return self._archived(state, who, given, frozenset()), ""

    def _archived(
        self, state: State, who: int, given: frozenset[int], heads: frozenset[bytes]
    ) -> State:
        """Of a device that was never set back and has not stopped the newest head says all that
        older ones said."""
        before, known = state.archives[who]
        if not heads or state.ever[who] or self.node(state, who).stopped:
            heads = known | heads
        now = self.same((self.same(before | given), self.same(heads)))
        archives = (*state.archives[:who], now, *state.archives[who + 1 :])
        return state._replace(archives=self.same(archives))

    def _fetch(self, state: State, who: int, number: int) -> tuple[State, str]:
        return state._replace(bag=self.same(state.bag | {(who, number)})), ""

    def _hand(self, state: State, who: int, number: int) -> tuple[State, str]:
        return self._step(state, who, ("forward", number))

    def _sign(self, state: State, who: int, number: int) -> tuple[State, str]:
        return state._replace(issued=self.by_hash((*state.issued, number))), ""

    def within(self, state: State) -> bool:
        """Whether no device has made more offers or payments than the bounds say."""
        for who, spec in enumerate(self.bounds.specs):
            chain = self.chain(state, who)
            if len(chain.offers) > spec.offers or len(chain.payments) > spec.payments:
                return False
        return True


_APPLY = {
    "step": System._step,
    "torn": System._torn,
    "restore": System._restore,
    "snatch": System._snatch,
    "decay": System._decay,
    "touch": System._touch,
    "deposit": System._deposit,
    "pull": System._pull,
    "fetch": System._fetch,
    "hand": System._hand,
    "sign": System._sign,
    "lose": losing.lose,
    "wait": losing.wait,
    "award": losing.award,
}
