# SPDX-License-Identifier: Apache-2.0
"""What each step makes of one device: the shipped code runs once for each image and step.

A node is an image of a device's flash and what its RAM holds that matters later: an offer that was
acknowledged and not decided yet, a closing that was acknowledged and not journalled yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from duet import makers
from duotap.errors import Broken, Refusal
from duotap.record import MARK_AT, PAGE
from duotap_host.virtual.nor import SECTOR, PowerCut, Prefix
from guards import Cut

from model import laws
from model.device import Live, reason
from model.facts import Store
from model.keys import guard_at
from model.laws import Violation, require
from model.ops import NOTHING, OPS
from model.town import Flash, Town, sectors

T = TypeVar("T")
Op = tuple[Any, ...]  # name in OPS, arguments
# How far the last operation of a step comes: not at all, or the first two bytes of a mark.
CUTS = (Prefix(0), Prefix(MARK_AT + 2))
OPERATIONS_MAX = 6  # of the flash in one step: two records of two pages, each with its mark


class Node(NamedTuple):
    """`pending`, `closing`: messages in RAM. What follows them says the same as the flash."""

    number: int
    who: int
    flash: Flash
    guard: Any  # what tells the newest image, None in class none; no restored flash changes it
    pending: int
    closing: int
    chain: int
    stopped: str  # "damaged", "quarantined" or ""
    first: int  # sequence of the first record that is kept
    balance: int
    open_offer: Any  # fold.OpenOffer or None
    owed: tuple[bytes, ...]  # offers that were closed last
    open_payments: tuple[bytes, ...]  # hashes of payments
    next_payment: int
    said: tuple[str, ...]  # the whole state of the purse


class Result(NamedTuple):
    """Of a step: the node after it, messages that went out without a record, words for it."""

    node: int
    out: tuple[int, ...]
    text: str


class Torn(NamedTuple):
    """After a power cut: the node once it is on again, and the guard before that."""

    node: int
    guard: Any


class Touched(NamedTuple):
    """Of a tap: the nodes of payee and payer after it, and how it ended."""

    payee: int
    payer: int
    text: str


class Steps:
    """All nodes of a run, and the steps between them."""

    def __init__(self, town: Town, store: Store) -> None:
        self.town, self.store = town, store
        self.nodes: list[Node] = []
        self._node_of: dict[tuple[Any, ...], int] = {}
        self._done: dict[tuple[int, Op], Result] = {}
        self._torn: dict[tuple[int, Op], tuple[Torn, ...]] = {}
        self._touched: dict[tuple[int, int, int, int], Touched] = {}
        self._deposited: dict[int, tuple[frozenset[int], bytes]] = {}
        self._sectors: dict[bytes, bytes] = {}
        self.before: dict[int, int] = {}  # a node: one that the same device was at before

    def birth(self, who: int) -> int:
        """The node that a device begins with."""
        flash, guard = self.town.new_flash(who)
        return self._enter(who, flash, guard, NOTHING, NOTHING, self.store.empty_chain(who))

    def live(self, number: int) -> Live:
        """The device of a node, booted."""
        node = self.nodes[number]
        return never_stops(lambda: Live(self.town, node.who, node.flash, node.guard))

    # Nodes

    def _enter(
        self, who: int, flash: Flash, guard: Any, pending: int, closing: int, chain: int
    ) -> int:
        flash = tuple(self._sectors.setdefault(sector, sector) for sector in flash)
        key = (who, flash, guard, pending, closing)
        number = self._node_of.get(key)
        if number is None:
            node = self._look(key, chain)
            # A boot may move the guard: the node is that of the device which runs.
            same = self._node_of.get((who, flash, node.guard, pending, closing))
            number = len(self.nodes) if same is None else same
            if same is None:
                self.nodes.append(node._replace(number=number))
            self._node_of[key] = self._node_of[(who, flash, node.guard, pending, closing)] = number
        return number

    def _look(self, key: tuple[Any, ...], chain: int) -> Node:
        """Boot an image and read what it says; its records go on where `chain` ends."""
        who, flash, guard, pending, closing = key
        live = never_stops(lambda: Live(self.town, who, flash, guard))
        journal, state = live.purse.journal, live.state
        chains = self.store.chains
        while (
            live.purse.stopped() == "quarantined" and chains[chain].length >= journal.next_sequence
        ):
            chain = chains[chain].parent  # of an older image the last record may be left out
        first = chains[chain].length + 1
        for sequence in range(first, journal.next_sequence if not journal.damaged else 0):
            chain = self.store.extend(chain, journal.statement(sequence))
        return Node(
            *(0, who, flash, guard_at(live.guard), pending, closing, chain, live.purse.stopped()),
            *(journal.first_sequence, state.balance(), state.open_offer),
            tuple(offer for offer, _ in (state.last_closed, state.last_unpaid) if offer),
            tuple(sorted(payment.payment_hash for payment in state.open_payments)),
            *(state.next_payment, _said(live)),
        )

    def _after(self, before: Node, live: Live, pending: int, closing: int) -> int:
        """The node of a device that has made a step and still runs."""
        require(not live.chip.violations, laws.FLASH, live.town.bounds.specs[before.who].name)
        guard = guard_at(live.guard)
        flash = sectors(live.chip)
        number = self._enter(before.who, flash, guard, pending, closing, before.chain)
        if number > before.number:
            self.before.setdefault(number, before.number)
        for was, now in zip(_said(live), self.nodes[number].said, strict=True):
            require(was == now, laws.SAME_AFTER_BOOT, f"{was}, then {now}")
        return number

    # Steps

    def step(self, number: int, op: Op) -> Result:
        """One step of one device, as OPS names it."""
        key = (number, op)
        result = self._done.get(key)
        if result is None:
            result = self._done[key] = self._step(self.nodes[number], op)
        return result

    def _step(self, node: Node, op: Op) -> Result:
        live = self.live(node.number)
        ram = [node.pending, node.closing]
        try:
            out, text = never_stops(lambda: OPS[op[0]](live, ram, self.store, *op[1:]))
        except Refusal as refusal:
            out, text = b"", f"refuses: {reason(refusal)}"
        after = self._after(node, live, *ram)
        number = self.store.message(out) if out else NOTHING
        is_kept = not out or number in self.store.chains[self.nodes[after].chain].sent
        return Result(after, () if is_kept else (number,), text)

    def torn(self, number: int, op: Op) -> tuple[Torn, ...]:
        """What a power cut in a step leaves, other than what is there before and after it."""
        key = (number, op)
        found = self._torn.get(key)
        if found is None:
            known = {number, self.step(number, op).node, self.step(number, ("reboot",)).node}
            cuts = [(n, cut) for n in range(OPERATIONS_MAX) for cut in CUTS]
            left = [self._cut(number, op, n, cut) for n, cut in cuts]
            if self.nodes[number].guard is not None:
                left += [self._cut_guard(number, op, bool(n % 2), n // 2) for n in range(4)]
            moved = [each for each in left if each.guard != self.nodes[each.node].guard]
            other = [each for each in left if each.node not in known]
            found = self._torn[key] = tuple(dict.fromkeys(other + moved))
        return found

    def _cut(self, number: int, op: Op, operations: int, tear: Prefix) -> Torn:
        """In the flash, after so many of its operations."""
        live = self.live(number)
        live.chip.plan_cut(operations, tear)
        return self._left(number, op, live)

    def _cut_guard(self, number: int, op: Op, is_moved: bool, moves: int) -> Torn:
        """In the guard, after so many of its moves."""
        live = self.live(number)
        live.guard.cut, live.guard.moved = moves, is_moved
        return self._left(number, op, live)

    def _left(self, number: int, op: Op, live: Live) -> Torn:
        node = self.nodes[number]
        ram = [node.pending, node.closing]
        try:
            never_stops(lambda: OPS[op[0]](live, ram, self.store, *op[1:]))
        except (PowerCut, Cut, Refusal):
            pass
        guard, flash = guard_at(live.guard), sectors(live.chip)
        return Torn(self._enter(node.who, flash, guard, NOTHING, NOTHING, node.chain), guard)

    def restored(self, guard: Any, image: int) -> int:
        """A device that is switched on with the flash of an older image; its guard stays."""
        node = self.nodes[image]
        return self._enter(node.who, node.flash, guard, NOTHING, NOTHING, node.chain)

    def decayed(self, number: int) -> int:
        """The image with the last page that is in use decayed: one programmed bit of its body."""
        node = self.nodes[number]
        content = bytearray(b"".join(node.flash))
        used = [at for at in range(0, len(content), PAGE) if content[at] != 0xFF]
        at = used[-1] + PAGE - 1
        while content[at] == 0xFF:
            at -= 1
        content[at] |= ~content[at] & 0xFF
        flash = tuple(bytes(content[at : at + SECTOR]) for at in range(0, len(content), SECTOR))
        return self._enter(node.who, flash, node.guard, NOTHING, NOTHING, node.chain)

    # Taps

    def touch(self, payee: int, payer: int, amount: int, cut: int = 0) -> Touched:
        """A tap between two devices that were just switched on; `cut`: after so many legs."""
        key = (payee, payer, amount, cut)
        found = self._touched.get(key)
        if found is None:
            found = self._touched[key] = self._touch(*key)
        return found

    def _touch(self, payee: int, payer: int, amount: int, cut: int) -> Touched:
        stand, card = self.live(payee), self.live(payer)
        card.press()
        try:
            outcome = never_stops(
                lambda: makers.touch(stand, card, amount, cut or None, again=True)
            )
            text = str(outcome.kind)
        except makers.Torn:
            text = f"torn after leg {cut}"
        return Touched(
            self._after(self.nodes[payee], stand, NOTHING, NOTHING),
            self._after(self.nodes[payer], card, NOTHING, NOTHING),
            text,
        )

    # Deposits

    def deposit(self, number: int) -> tuple[frozenset[int], bytes]:
        """Numbers of the records that a node's device hands over, and its head."""
        found = self._deposited.get(number)
        if found is None:
            statements, head = self.live(number).deposit()
            who = self.nodes[number].who
            given = frozenset(self.store.entry(who, statement) for statement in statements)
            found = self._deposited[number] = given, head
        return found


def never_stops(work: Callable[[], T]) -> T:
    """Whatever is done to a device from outside, it ends in an answer or a refusal."""
    try:
        return work()
    except Broken as broken:
        raise Violation(laws.NEVER_STOPS, broken.reason) from broken


def _said(live: Live) -> tuple[str, ...]:
    return tuple(f"{name}: {value}" for name, value in sorted(vars(live.state).items()))
