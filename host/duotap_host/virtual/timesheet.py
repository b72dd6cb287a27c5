# SPDX-License-Identifier: Apache-2.0
"""Where the time of a tap goes: computing, flash, radio, serial line, waiting (modelled time).

Each instant of the span is counted once, under the first of these names that is busy then, on
either side; so the parts add up to the span exactly. The span is from RATS to the moment at which
the payee's board has the status word of its receipt; what the payer computes afterwards to verify
that receipt is told apart, since the card may leave. Drawing is no part of a tap. It knows boards
and their field, and no firmware.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from duotap import commands

from duotap_host.virtual import isodep
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.clock import FLASH
from duotap_host.virtual.costs import COMPUTING, Costs
from duotap_host.virtual.field import Field
from duotap_host.virtual.mishaps import Passage

RADIO, SERIAL, WAITING = "radio", "serial", "waiting"
ORDER = (COMPUTING, FLASH, RADIO, SERIAL)
SPANS_MAX = 200_000  # of a board; a tap is some hundred, an hour of polling some ten thousand
ACKNOWLEDGED = b"\x90\x00"


class Span(NamedTuple):
    """Something of a board was busy with `kind`; `inward`: bytes on the way to it."""

    begin_us: int
    end_us: int
    kind: str
    board: str
    inward: bool = False


class Step(NamedTuple):
    """From the first block of a command to that of the next one: what each side was busy with. A
    side's WAITING is the time in which it waits for the other."""

    ins: int
    total_us: int
    payee: dict[str, int]
    payer: dict[str, int]


@dataclass(frozen=True)
class TapTime:
    """One session between RATS and its end, in microseconds; `costs` names the cost table.

    `done`: the receipt was acknowledged; otherwise the span ends with the last block that passed.
    """

    session: int
    payee: str
    payer: str
    begin_us: int
    end_us: int
    parts: dict[str, int]
    receipt_us: int
    done: bool
    costs: str
    steps: tuple[Step, ...] = ()

    @property
    def total_us(self) -> int:
        return self.end_us - self.begin_us


class Timesheet:
    """Watches boards of one field from now on."""

    def __init__(self, field: Field, costs: Costs) -> None:
        self._field = field
        self._costs = costs
        self._spans: dict[str, deque[Span]] = {}

    def watch(self, board: VirtualBoard) -> None:
        """Collect what this board and its serial line to the radio chip are busy with."""
        spans: deque[Span] = deque(maxlen=SPANS_MAX)
        name = board.chip.name
        self._spans[name] = spans

        def charged(begin_us: int, end_us: int, kind: str) -> None:
            if kind in (COMPUTING, FLASH):
                spans.append(Span(begin_us, end_us, kind, name))

        def carried(begin_us: int, end_us: int, inward: bool) -> None:
            spans.append(Span(begin_us, end_us, SERIAL, name, inward))

        board.clock.on_charge(charged)
        board.line.on_bytes(carried)

    def taps(self, after_us: int = 0) -> tuple[TapTime, ...]:
        """All sessions since `after_us` in which an APDU was sent, oldest first."""
        log = [passage for passage in self._field.log if passage.t_us >= after_us]
        groups = groupby(log, lambda passage: passage.session)
        found = (self._tap(list(group)) for _, group in groups)
        return tuple(tap for tap in found if tap is not None)

    def _tap(self, log: list[Passage]) -> TapTime | None:
        rats = [passage for passage in log if passage.kind == "RATS"]
        if not rats or not any(passage.kind == "I" for passage in log):
            return None
        first, last = rats[0], log[-1]
        begin_us, end_us = first.t_us, last.t_us + _air_us(last)
        closing = [p for p in log if p.kind == "I" and p.ins == commands.PUT_CLOSING]
        answer = _acknowledged(closing)
        closed_us = None
        if answer is not None:
            closed_us = max(p.t_us for p in closing if p.downlink)
            end_us = self._received_us(first.poller, answer.t_us + _air_us(answer))
        spans = self._of(first.poller, first.listener, closed_us)
        spans += [Span(p.t_us, p.t_us + _air_us(p), RADIO, "") for p in log if p.kind != "SELECT"]
        parts = split(spans, begin_us, end_us)
        sides = [
            [span for span in spans if span.board in ("", name)]
            for name in (first.poller, first.listener)
        ]
        steps = tuple(
            Step(ins, end - begin, *(split(side, begin, end) for side in sides))
            for ins, begin, end in _commands(log, end_us)
        )
        receipt_us = self._verifying_us(first.listener, closed_us)
        return TapTime(
            first.session,
            first.poller,
            first.listener,
            begin_us,
            end_us,
            parts,
            receipt_us,
            answer is not None,
            self._costs.name,
            steps,
        )

    def _received_us(self, payee: str, arrived_us: int) -> int:
        """When the chip's answer that begins after `arrived_us` is wholly in the payee's board."""
        for span in self._spans[payee]:
            if span.inward and span.begin_us >= arrived_us:
                return span.end_us
        return arrived_us

    def _of(self, payee: str, payer: str, closed_us: int | None) -> list[Span]:
        """Both boards' spans, without what the payer does after the receipt has reached it."""
        paying = [
            span
            for span in self._spans[payer]
            if closed_us is None or span.kind == SERIAL or span.begin_us < closed_us
        ]
        return [*self._spans[payee], *paying]

    def _verifying_us(self, payer: str, closed_us: int | None) -> int:
        """Computing of the payer from the receipt until the radio is used the next time."""
        if closed_us is None:
            return 0
        sessions = (p.t_us for p in self._field.log if p.kind == "RATS" and p.t_us > closed_us)
        until_us = min(sessions, default=None)
        return sum(
            span.end_us - span.begin_us
            for span in self._spans[payer]
            if span.kind == COMPUTING
            and span.begin_us >= closed_us
            and (until_us is None or span.begin_us < until_us)
        )


def _commands(log: list[Passage], end_us: int) -> list[tuple[int, int, int]]:
    """Commands until the end, in their order: INS, first block's time, next command's time."""
    firsts: list[tuple[int, int]] = []
    for passage in log:
        begins = passage.kind == "I" and passage.downlink and passage.t_us < end_us
        if begins and passage.ins is not None and (not firsts or firsts[-1][0] != passage.ins):
            firsts.append((passage.ins, passage.t_us))
    ends = [t_us for _, t_us in firsts[1:]] + [end_us]
    return [(ins, t_us, end) for (ins, t_us), end in zip(firsts, ends, strict=True)]


def split(spans: Iterable[Span], begin_us: int, end_us: int) -> dict[str, int]:
    """Microseconds of [begin, end) by kind, each instant under the first busy kind of ORDER."""
    edges: list[tuple[int, int, int]] = []
    for span in spans:
        start, stop = max(span.begin_us, begin_us), min(span.end_us, end_us)
        if start < stop:
            kind = ORDER.index(span.kind)
            edges += [(start, kind, 1), (stop, kind, -1)]
    edges.append((end_us, 0, 0))
    parts = dict.fromkeys((*ORDER, WAITING), 0)
    busy = [0] * len(ORDER)
    now_us = begin_us
    for t_us, kind, change in sorted(edges):
        first = next((name for name, count in zip(ORDER, busy, strict=True) if count), WAITING)
        parts[first] += t_us - now_us
        now_us = t_us
        busy[kind] += change
    return parts


def _acknowledged(closing: list[Passage]) -> Passage | None:
    """The block with the status word of the receipt, if it is there and says 9000."""
    if not closing or closing[-1].downlink or closing[-1].fate != "passed":
        return None
    block = isodep.parse(closing[-1].frame)
    return closing[-1] if block is not None and block.inf[-2:] == ACKNOWLEDGED else None


def _air_us(passage: Passage) -> int:
    return isodep.air_us(len(passage.frame))
