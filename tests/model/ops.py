# SPDX-License-Identifier: Apache-2.0
"""The steps of one device, by name. Each is given the booted device, its RAM as [offer taken,
closing taken] by message number, and the store; it returns what goes out and words for it.

What is refused raises Refusal and has changed nothing but RAM.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duotap import messages

from model.device import Live
from model.facts import Store
from model.keys import twisted

NOTHING = -1
Ram = list[int]
Said = tuple[bytes, str]


def _ask(live: Live, ram: Ram, store: Store, payer: int, counter: int, amount: int) -> Said:
    return live.ask(payer, counter, amount), "makes the offer"


def _cancel(live: Live, ram: Ram, store: Store) -> Said:
    live.payee.cancel()
    return b"", "closes it unpaid"


def _hear(live: Live, ram: Ram, store: Store, offer: int) -> Said:
    """The acknowledgement is out; the decision is still to come."""
    out = live.hear(store.messages[offer].raw)
    if live.payer.pending is not None:
        ram[0] = offer
    return out, "acknowledges it"


def _work(live: Live, ram: Ram, store: Store) -> Said:
    """The acknowledgement is out, now the offer is decided."""
    offer, ram[0] = ram[0], NOTHING
    return live.work(store.messages[offer].raw), "pays"


def _pay(live: Live, ram: Ram, store: Store, offer: int) -> Said:
    """Both at once."""
    raw = store.messages[offer].raw
    live.hear(raw)
    return live.work(raw, heard=True), "pays"


def _take(live: Live, ram: Ram, store: Store, payment: int, is_twisted: bool = False) -> Said:
    raw = store.messages[payment].raw
    closing = live.take(twisted(raw) if is_twisted else raw)
    return closing, "answers with a " + store.messages[store.message(closing)].kind


def _acknowledge(live: Live, ram: Ram, store: Store, closing: int) -> Said:
    live.close(store.messages[closing].raw)
    if live.payer.closing is not None:
        ram[1] = closing
    return b"", "acknowledges it"


def _settle(live: Live, ram: Ram, store: Store) -> Said:
    closing, ram[1] = ram[1], NOTHING
    live.settle(store.messages[closing].raw)
    return b"", "journals it"


def _close(live: Live, ram: Ram, store: Store, closing: int) -> Said:
    live.settle(store.messages[closing].raw)
    return b"", "journals it"


def _forward(live: Live, ram: Ram, store: Store, message: int) -> Said:
    """Brought by a permitted reader, from the ledger."""
    ram[:] = NOTHING, NOTHING
    answer = live.forward(store.messages[message].raw, permitted=True)
    return answer, "takes it" if answer == b"" else "answers with a " + _kind(answer)


def _statement(live: Live, ram: Ram, store: Store, statement: int) -> Said:
    ram[:] = NOTHING, NOTHING
    message = store.messages[statement]
    live.statement(message.raw, message.parts)
    return b"", "takes it"


def _unload(live: Live, ram: Ram, store: Store, number: int, amount: int) -> Said:
    """Ordered by a permitted reader."""
    ram[:] = NOTHING, NOTHING
    return live.unload(number, amount), "signs it"


def _give(live: Live, ram: Ram, store: Store, card: int, amount: int) -> Said:
    return live.give(card, amount), "signs a refund"


def _take_back(live: Live, ram: Ram, store: Store, refund: int) -> Said:
    live.take_back(store.messages[refund].raw)
    return b"", "takes it"


def _reboot(live: Live, ram: Ram, store: Store) -> Said:
    ram[:] = NOTHING, NOTHING
    return b"", "is switched off and on"


def _tidy(live: Live, ram: Ram, store: Store) -> Said:
    """The next step of idle work that changes something: after a boot the last free sector is
    erased again."""
    before = live.chip.snapshot()
    while live.purse.tidy() and live.chip.snapshot() == before:
        pass
    return b"", "does idle work"


def _kind(raw: bytes) -> str:
    return type(messages.decode(raw).message).__name__.lower()


OPS: dict[str, Callable[..., Any]] = {
    "ask": _ask,
    "cancel": _cancel,
    "hear": _hear,
    "work": _work,
    "pay": _pay,
    "take": _take,
    "acknowledge": _acknowledge,
    "settle": _settle,
    "close": _close,
    "forward": _forward,
    "statement": _statement,
    "unload": _unload,
    "give": _give,
    "take back": _take_back,
    "reboot": _reboot,
    "tidy": _tidy,
}
