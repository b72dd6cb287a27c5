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

NEWS_MAX = 1_200  # bytes of a statement; a delta of the deny list with 1 KiB is the longest
EPOCHS_AHEAD = 30  # a lists key alone moves a device's time by a month at most

POLICY, LIST, TIME, EPOCH, KEY = 0, 2, 3, 4, 5  # places in fold.STATEMENTS
# In the order in which they are told: a new key or epoch may be what the others wait for.
TOLD = (KEY, EPOCH, POLICY, LIST, TIME)


def standing(state: State) -> list[int]:
    """The own epoch, then for each kind of TOLD the newest epoch or number known, 0 for none."""
    newest = [0] * len(TOLD)
    for place, message, _ in _public(state):
        newest[place] = max(newest[place], _rank(message, state.epoch))
    return [state.epoch] + newest


def pick(state: State, theirs: list[int]) -> bytes:
    """A statement that whoever stands there lacks and can take; empty if there is none."""
    best = (len(TOLD), 0, b"")
    for place, message, raw in _public(state):
        rank = _rank(message, state.epoch)
        if len(raw) <= NEWS_MAX and rank > theirs[1 + place] and _fits(message, theirs):
            best = min(best, (place, rank, raw))
    return best[2]


def _public(state: State) -> list[tuple[int, Any, bytes]]:
    """Place in TOLD, message and bytes of each statement that is meant for everybody."""
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
    if isinstance(message, messages.KeyStatement) or not theirs[0]:
        return True
    return bool(message.epoch <= theirs[0] + EPOCHS_AHEAD or getattr(message, "far", None))


def decode_standing(found: Any) -> list[int]:
    """What another device says of itself. Raises Malformed."""
    if type(found) is not list or len(found) != 1 + len(TOLD):
        raise Malformed("not a standing")
    return [fields.from_wire("epoch", value) for value in found]


def answer(state: State, asked: bytes) -> bytes:
    """To GET NEWS: the own standing, and a statement for whoever asked."""
    theirs = decode_standing(cbor.decode(asked))
    return cbor.encode([standing(state), pick(state, theirs)])


def trade(state: State) -> Generator[Any, Any, bytes]:
    """Lead the exchange with a card that has its receipt; returns the statement that it gave, or
    nothing."""
    asked = cbor.encode(standing(state))
    told = cbor.decode((yield from apdu.exchange(commands.CLA, commands.GET_NEWS, 0, 0, asked)))
    if type(told) is not list or len(told) != 2:
        raise Malformed("not an answer to GET NEWS")
    given = fields.from_wire("bytes", told[1])
    ours = pick(state, decode_standing(told[0]))
    if ours:
        yield from apdu.exchange(commands.CLA, commands.PUT_NEWS, 0, 0, ours)
    return bytes(given)
