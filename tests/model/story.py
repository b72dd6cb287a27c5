# SPDX-License-Identifier: Apache-2.0
"""A path of the model as a story, tap by tap, in plain words; and as an id that plays it again.

An id names each action so that it is found again in another run: devices by their place, messages
by the start of their hash, images by the start of a hash of their flash.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from model.facts import Message
from model.honest import Honest
from model.laws import Violation
from model.ops import NOTHING
from model.properties import Judge
from model.system import Action, State, System

PLAIN = {"deposit", "pull", "decay", "lose", "wait", "award"}
DIGITS = 6  # of a hash: one in 16 million


class Teller:
    """Tells what actions of a system are."""

    def __init__(self, system: System) -> None:
        self.system = system

    def name(self, who: int) -> str:
        return self.system.bounds.specs[who].name

    def of(self, kid: bytes) -> str:
        """The name of the device with this id."""
        return self.name(self.system.town.who[kid])

    def message(self, number: int) -> str:
        """What a message is, in words."""
        store = self.system.store
        message = store.messages[number]
        body = message.body
        if message.kind == "offer":
            whose = f"{self.of(message.kid)}'s offer {body.offer_counter}"
            return f"{whose} ({body.amount} from {self.of(body.payer)})"
        if message.kind == "payment":
            whose = f"{self.of(message.kid)}'s payment {body.payment_counter}"
            return f"{whose} (for {self.of(body.payee)}'s offer {body.offer_counter})"
        if message.kind in ("receipt", "void"):
            paid = store.payment_of.get(store.identity(body.payment_hash))
            of = self.message(paid.number) if paid else "an unknown payment"
            return f"{self.of(message.kid)}'s {message.kind} of {of}"
        if message.kind == "refund":
            return f"{self.of(message.kid)}'s refund {body.refund_counter}"
        if message.kind == "unload":
            return f"{self.of(message.kid)}'s unload {body.unload_counter}"
        return f"{message.kind} {body.number} for {self.of(body.device)}"

    def line(self, state: State, action: Action, became: str) -> str:
        """One sentence; `became`: what apply said."""
        name, who = action[0], action[1]
        whom = self.name(who)
        if name in ("step", "torn"):
            became = "but loses power in the midst of it" if name == "torn" else became
            return f"{self._op(state, who, *action[2])}: {whom} {became}"
        if name == "touch":
            _, _, payer, amount, cut = action
            how = f"the cards part after leg {cut}" if cut else became
            return f"{whom} and {self.name(payer)} touch, for {amount}: {how}"
        if name == "restore":
            return f"somebody puts {whom}'s flash {self._back(action[2])}"
        if name == "snatch":
            how = f"but loses power, and somebody puts its flash {self._back(action[4])}"
            return f"{self._op(state, who, *action[2])}: {whom} acts on it, {how}"
        return {
            "decay": f"a page of {whom}'s flash decays",
            "deposit": f"{whom} deposits its journal, with a head",
            "pull": f"{whom}'s journal is read, without a head",
            "fetch": f"the ledger gives {self._last(action)} to a courier, for {whom}",
            "hand": f"the ledger's {self._last(action)} is brought to {whom}: {whom} {became}",
            "lose": f"{whom} is reported as lost",
            "wait": f"the time that {whom} was waited for is over",
            "award": f"the ledger pays for {whom}: {became}",
            "sign": f"the issuer signs {self._last(action)}",
        }[name]

    def _back(self, image: int) -> str:
        chain = self.system.store.chains[self.system.steps.nodes[image].chain]
        return f"to what it was with {chain.length} records"

    def _last(self, action: Action) -> str:
        return self.message(action[2]) if len(action) > 2 else ""

    def _op(self, state: State, who: int, name: str, *more: int) -> str:
        whom, node = self.name(who), self.system.node(state, who)
        if name == "ask":
            payer, counter, amount = more
            return f"{whom} asks {self.name(payer)} for {amount}, as payment {counter}"
        if name == "give":
            return f"{whom} is to give {more[1]} back to {self.name(more[0])}"
        if name == "unload":
            return f"a reader orders unload {more[0]}, of {more[1]}"
        if name in ("work", "settle"):
            waiting = node.pending if name == "work" else node.closing
            return f"{self.message(waiting)} waits" if waiting != NOTHING else "nothing waits"
        if name in ("cancel", "reboot", "tidy"):
            return {"cancel": "the offer is given up"}.get(name, "later")
        other = " with its other signature" if len(more) > 1 else ""
        return f"{self.message(more[0])}{other} comes to {whom}"

    # Ids

    def token(self, state: State, action: Action) -> str:
        """One action of an id."""
        name, *more = action
        if name in ("step", "torn", "snatch"):
            who, (op, *arguments), *image = more
            if name == "snatch":
                image = image[:2]
            parts = [name, who, op, *arguments]
            if op not in ("ask", "unload", "give") and arguments:
                parts[3] = self._short(self.system.store.messages[arguments[0]])
            parts += [self._image(each) for each in image]
        elif name == "restore":
            parts = [name, more[0], self._image(more[1])]
        elif name in ("touch", *PLAIN):
            parts = list(action)
        else:
            parts = [name, more[0], self._short(self.system.store.messages[more[1]])]
        return ".".join(str(part) for part in parts)

    def _short(self, message: Message) -> str:
        return message.hash.hex()[:DIGITS]

    def _image(self, number: int) -> str:
        node = self.system.steps.nodes[number]
        ram = (node.pending != NOTHING, node.closing != NOTHING)
        return sha256(b"".join(node.flash) + bytes(ram)).hexdigest()[:DIGITS]


def path_id(system: System, path: Sequence[Action]) -> str:
    """What `play` plays again."""
    teller = Teller(system)
    state = system.start()
    tokens = []
    for action in path:
        tokens.append(teller.token(state, action))
        try:
            state, _ = system.apply(state, action)
        except Violation:
            break  # the last one
    return f"{system.bounds.name}/{','.join(tokens)}"


def tell(system: System, path: Sequence[Action], violation: Violation | None) -> list[str]:
    """The lines of a story; the last says which law is broken."""
    teller = Teller(system)
    state = system.start()
    lines = []
    for number, action in enumerate(path, 1):
        try:
            after, became = system.apply(state, action)
        except Violation:
            lines.append(f"{number:3} {teller.line(state, action, 'is asked too much')}")
            break
        lines.append(f"{number:3} {teller.line(state, action, became)}")
        state = after
    if violation is not None:
        lines += [f"    Broken: {violation.law}.", f"    Namely: {violation.text}."]
    return lines


class Lost(Exception):
    """No action here has this name."""


def find(system: System, state: State, token: str) -> Action:
    """The action of a token. Lost if it cannot happen here."""
    teller = Teller(system)
    if token.startswith("restore."):
        _, who, image = token.split(".")
        for node in system.steps.nodes:
            if node.who == int(who) and teller._image(node.number) == image:
                return "restore", int(who), node.number
    for action in system.actions(state):
        if teller.token(state, action) == token:
            return action
    raise Lost(token)


def play(system: System, tokens: Sequence[str]) -> tuple[list[Action], Violation | None]:
    """Look for each action and do it, with all properties looked at. Lost if one cannot happen."""
    judge = Judge(system)
    honest = Honest(system, judge)
    state = system.start()
    path: list[Action] = []
    try:
        for token in tokens:
            _remember_cuts(system, state)
            action = find(system, state, token)
            path.append(action)
            after, _ = system.apply(state, action)
            judge.moved(state, after)
            judge.look(after)
            state = after
        if "settle" in system.bounds.has:
            honest.touch(state)
            honest.end(state)
    except Violation as violation:
        return path, violation
    return path, None


def _remember_cuts(system: System, state: State) -> None:
    """A device may be set back to an image between two records of one step."""
    if system.bounds.restores:
        for action in list(system.actions(state)):
            if action[0] == "step":
                system.steps.torn(state.nodes[action[1]], action[2])
