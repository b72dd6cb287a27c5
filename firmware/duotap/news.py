# SPDX-License-Identifier: Apache-2.0
"""News: what the issuer says to everybody, passed from device to device after a payment
(PROTOCOL.md §7.1).

Both sides say how far their knowledge goes, and each gives the other at most one statement that it
lacks and can take. It verifies nothing (`notices` does, before anything is kept) and tells nothing
that is not public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duotap import apdu, cbor, commands, fields, fold, messages
from duotap.errors import Malformed

if TYPE_CHECKING:
    from typing import Any, Generator

    from duotap.fold import State
    from duotap.purse import Purse

NEWS_MAX = 1_200  # bytes of a statement; a delta of the deny list with 1 KiB is the longest
EPOCHS_AHEAD = 30  # a lists key alone moves a device's time by a month at most

POLICY, LIST, TIME, EPOCH, KEY = 0, 2, 3, 4, 5  # places in fold.STATEMENTS
# In the order in which they are told: a new key or epoch may be what the others wait for.
TOLD = (KEY, EPOCH, POLICY, LIST, TIME)


def standing(purse: Purse) -> list[int]:
    """The own epoch, then for each kind of TOLD the newest epoch or number known, 0 for none."""
    state = purse.state
    newest = [0] * len(TOLD)
    newest[TOLD.index(LIST)] = state.list_epochs()[-1]
    for place, message, _ in _public(state):
        newest[place] = max(newest[place], _rank(message, state.epoch))
    return [state.epoch] + newest


def pick(purse: Purse, theirs: list[int]) -> bytes:
    """A statement that whoever stands there lacks and can take; empty if there is none."""
    state = purse.state
    best = (len(TOLD), 0, b"")
    for place, message, raw in _public(state):
        rank = _rank(message, state.epoch)
        if len(raw) <= NEWS_MAX and rank > theirs[1 + place] and _fits(message, theirs):
            best = min(best, (place, rank, raw))
    if best[0] > TOLD.index(KEY):
        return _list(purse, theirs) or best[2]  # it moves the epoch too
    return best[2]


def _list(purse: Purse, theirs: list[int]) -> bytes:
    """The newest list that goes on from theirs. A set comes by cable."""
    state = purse.state
    known = theirs[1 + TOLD.index(LIST)]
    lists = [(epoch,) + state.deltas[epoch] for epoch in state.list_epochs()[1:]]
    full, epoch, size = state.full_list
    lists.append((epoch if epoch <= state.epoch else 0, full, 0, size))
    for epoch, sequence, start, size in sorted(lists, reverse=True):
        if start <= known < epoch and size <= NEWS_MAX and _is_near(epoch, theirs):
            from duotap.denylist import PLAIN, statement

            raw = statement(purse, sequence)
            message = messages.decode(raw, messages.DenyList).message
            if message.delta or message.content[0] == PLAIN:
                return raw
    return b""


def _public(state: State) -> list[tuple[int, Any, bytes]]:
    """Place in TOLD, message and bytes of each statement but lists that is for everybody."""
    found = []
    for (kind, device), (_, raw) in state.statements.items():
        if kind == KEY or (kind in TOLD and not device):
            message = messages.decode(raw, fold.STATEMENTS[kind]).message
            found.append((TOLD.index(kind), message, raw))
    return found


def _rank(message: Any, own: int) -> int:
    """What a statement is newer by; an epoch above the own one is from before a reset."""
    if isinstance(message, messages.KeyStatement):
        return int(message.number)
    return int(message.epoch) if message.epoch <= own else 0


def _fits(message: Any, theirs: list[int]) -> bool:
    """Whether a device that stands there would not refuse it for its epoch."""
    if isinstance(message, messages.KeyStatement) or getattr(message, "far", None):
        return True
    return _is_near(message.epoch, theirs)


def _is_near(epoch: int, theirs: list[int]) -> bool:
    return not theirs[0] or epoch <= theirs[0] + EPOCHS_AHEAD


def decode_standing(found: Any) -> list[int]:
    """What another device says of itself. Raises Malformed."""
    if type(found) is not list or len(found) != 1 + len(TOLD):
        raise Malformed("not a standing")
    return [fields.from_wire("epoch", value) for value in found]


def answer(purse: Purse, asked: bytes) -> bytes:
    """To GET NEWS: the own standing, and a statement for whoever asked."""
    theirs = decode_standing(cbor.decode(asked))
    return cbor.encode([standing(purse), pick(purse, theirs)])


def trade(purse: Purse) -> Generator[Any, Any, bytes]:
    """Lead the exchange with a card that has its receipt; returns the statement that it gave, or
    nothing."""
    asked = cbor.encode(standing(purse))
    told = cbor.decode((yield from apdu.exchange(commands.CLA, commands.GET_NEWS, 0, 0, asked)))
    if type(told) is not list or len(told) != 2:
        raise Malformed("not an answer to GET NEWS")
    given = fields.from_wire("bytes", told[1])
    ours = pick(purse, decode_standing(told[0]))
    if ours:
        yield from apdu.exchange(commands.CLA, commands.PUT_NEWS, 0, 0, ours)
    return bytes(given)
