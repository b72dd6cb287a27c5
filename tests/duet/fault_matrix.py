# SPDX-License-Identifier: Apache-2.0
"""`make fault-matrix`: every frame between boards and chips of a whole tap, spoiled in every way.

The shipped radio tasks of a stand and a card meet; one thing befalls one frame of one board; the
tap must be done in the end, and one more after it. A run can end in five ways:
1. completed: the driver repeated what was missing, nobody above it noticed;
2. faulted: a named Fault was reported, and touching again completed the tap;
3. wrong: an APDU or an answer arrived that was not sent;
4. hung: nothing was completed or reported in time;
5. crashed: an error that is no Fault.
The last three are failures. Virtual time, so every figure is the same in every run.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from typing import NamedTuple

from drivers.nfc import Radio as Task
from drivers.nfc_listening import SILENCE_MS
from duotap.errors import Fault
from duotap_host.virtual import timeline

from duet import radio_pair
from duet.fault_wires import (
    CUT,
    DOUBLED,
    FLIPPED,
    LATE,
    LOST,
    RESET,
    TO_CHIP,
    TO_HOST,
    Mischief,
    Wires,
)
from duet.radio_pair import BUSES, HSU, OK, Radio, Side

COMPLETED, FAULTED, WRONG, HUNG, CRASHED = "completed", "faulted", "wrong", "hung", "crashed"
OUTCOMES = (COMPLETED, FAULTED, WRONG, HUNG, CRASHED)
FAILURES = (WRONG, HUNG, CRASHED)
STAND, CARD = "stand", "card"
LENGTHS = ((13, 2), (40, 72), (5, 258))  # of C-APDU and R-APDU; the last needs an extended frame
LATE_MS = (40, 6_000)  # past the time-out of an ACK; past that of any response
# The longest time-out in use is the listener's, for a poller that has fallen silent.
REPORTED_MS_MAX = SILENCE_MS + 1_000
RUN_S_MAX = 60
BAUDRATE = 921_600
EACH_MIN = 4  # of a direction and kind, however small the sample


class Result(NamedTuple):
    """`reported_ms`: from the mischief to the first sign of it, or to the tap that was done."""

    outcome: str
    reported_ms: int
    faults: tuple[str, ...]
    frames: dict[tuple[str, str], list[int]]
    done_us: int


def answer_to(command: bytes) -> bytes:
    """As many bytes as the command asks for, which tell it from the answer to any other one."""
    number, length = command[1], command[2] << 8 | command[3]
    return bytes((number * 31 + i * 7) & 0xFF for i in range(length - 2)) + OK


def commands(tap: int) -> list[bytes]:
    """Those of one tap, different from those of any other tap."""
    return [
        bytes((0x80, tap * 8 + i, answer >> 8, answer & 0xFF)) + bytes(length - 4)
        for i, (length, answer) in enumerate(LENGTHS)
    ]


class Town:
    """Both boards' radio tasks, and what they have seen."""

    def __init__(self, radio: Radio, mischief: Mischief | None) -> None:
        self.time = radio.time
        self.sides = [radio.side(STAND), radio.side(CARD)]
        self.wires = [Wires(side, mischief) for side in self.sides]
        self.taps = 0
        self.done_us = 0
        self.wrong = False
        self.torn: list[tuple[int, str]] = []
        self.over = asyncio.Event()
        self.tasks = [Task(Owner(side, self), side.clock) for side in self.sides]
        for side, task in zip(self.sides, self.tasks, strict=True):
            side.pn532.baudrate = side.bus.baudrate_max = BAUDRATE if radio_pair.BUS == HSU else 0
            task.on_torn = self._torn
        self.tasks[0].steps = self.steps
        self.tasks[0].on_outcome = self._done

    def steps(self) -> Generator[bytes, bytes, str]:
        """A tap, as the stand leads it."""
        for command in commands(self.taps):
            if (yield command) != answer_to(command):
                self.wrong = True
        return "done"

    def answer(self, command: bytes) -> bytes:
        """What the card says; it must have been asked in this tap or the one before."""
        known = [c for tap in range(self.taps + 1) for c in commands(tap)]
        if bytes(command) not in known:
            self.wrong = True
            return OK
        return answer_to(command)

    def _done(self, _outcome: str) -> None:
        self.taps += 1
        self.done_us = self.done_us or self.time.now_us()
        if self.taps == 2:
            self.over.set()

    def _torn(self, fault: Fault) -> None:
        self.torn.append((self.time.now_us(), f"{type(fault).__name__}: {fault}"))


class Owner:
    """What a radio task needs of a device."""

    has_tag = False

    def __init__(self, side: Side, town: Town) -> None:
        self.chip = lambda: side.pn532
        self.town = town
        self.answer = town.answer

    def applet(self) -> Owner:
        return self

    def nothing(self, *_: object) -> None: ...

    begin = work = leave = get_ready = idle = news = learn = nothing


def run(bus: str, mischief: Mischief | None) -> Result:
    """One run from power-on to the second tap."""
    radio_pair.BUS = bus

    async def main() -> Result:
        radio = Radio()
        town = Town(radio, mischief)
        tasks = [asyncio.create_task(task.run()) for task in town.tasks]
        over = asyncio.create_task(town.over.wait())
        await asyncio.wait([over, *tasks], timeout=RUN_S_MAX, return_when="FIRST_COMPLETED")
        crashed = [task for task in tasks if task.done()]
        for task in (over, *tasks):
            task.cancel()
        await asyncio.gather(over, *tasks, return_exceptions=True)
        return judge(town, crashed, mischief)

    return timeline.run(main())


def judge(town: Town, crashed: list[asyncio.Task[None]], mischief: Mischief | None) -> Result:
    struck_us = max(wires.struck_us for wires in town.wires)
    signs = [t_us for t_us, _ in town.torn if t_us >= struck_us]
    signs += [town.done_us] if town.done_us >= struck_us else []
    reported_ms = (min(signs) - struck_us) // 1000 if struck_us and signs else 0
    frames = {
        (side.name, direction): lengths
        for side, wires in zip(town.sides, town.wires, strict=True)
        for direction, lengths in wires.seen.items()
    }
    outcome = FAULTED if town.torn else COMPLETED
    if town.wrong:
        outcome = WRONG
    elif crashed:
        outcome = CRASHED
    elif town.taps < 2 or reported_ms > REPORTED_MS_MAX or (mischief and not struck_us):
        outcome = HUNG
    return Result(outcome, reported_ms, tuple(t for _, t in town.torn), frames, town.done_us)


def mischiefs(bus: str) -> Iterator[Mischief]:
    """All that can befall one frame of the first tap on this bus, set-up included."""
    clean = clean_run(bus)
    for (side, direction), lengths in clean.frames.items():
        for number, length in enumerate(lengths):
            for where in range(length):
                yield Mischief(side, direction, FLIPPED, number, where)
            for left in {1, length // 2, length - 1} - {0, length}:
                yield Mischief(side, direction, CUT, number, left)
            for kind in (LOST, DOUBLED):
                yield Mischief(side, direction, kind, number)
            for late_ms in LATE_MS:
                yield Mischief(side, direction, LATE, number, late_ms)
    for side in (STAND, CARD):
        for at_us in range(500, clean.done_us, 500):
            yield Mischief(side, "", RESET, 0, at_us)


def clean_run(bus: str) -> Result:
    """Both taps without mischief, with the frames of the first one only."""
    two = run(bus, None)
    if two.outcome != COMPLETED:
        raise AssertionError(two)
    half = {key: lengths[: len(lengths) * 3 // 4] for key, lengths in two.frames.items()}
    return two._replace(frames=half)


def sweep(bus: str, share: int, seed: int) -> tuple[Counter[tuple[str, ...]], list[str], int]:
    """Counts by (direction, kind, outcome) of one run in `share`, chosen by `seed`; the failures;
    and the longest time until something was reported."""
    groups: dict[tuple[str, str], list[Mischief]] = {}
    for mischief in mischiefs(bus):
        groups.setdefault((mischief.direction, mischief.kind), []).append(mischief)
    draw = random.Random(seed)
    chosen = [
        mischief
        for group in groups.values()
        for mischief in draw.sample(group, max(min(EACH_MIN, len(group)), len(group) // share))
    ]
    counts: Counter[tuple[str, ...]] = Counter()
    failures, longest_ms = [], 0
    for mischief in chosen:
        result = run(bus, mischief)
        counts[mischief.direction, mischief.kind, result.outcome] += 1
        longest_ms = max(longest_ms, result.reported_ms)
        if result.outcome in FAILURES:
            failures.append(f"{bus}: {mischief} {result.outcome} {result.faults}")
    return counts, failures, longest_ms


def table(bus: str, counts: Counter[tuple[str, ...]]) -> str:
    """The matrix of one bus."""
    lines = [f"{bus:24}" + "".join(f"{outcome:>10}" for outcome in OUTCOMES)]
    kinds = [(d, k) for d in (TO_CHIP, TO_HOST) for k in (FLIPPED, LOST, DOUBLED, CUT, LATE)]
    for direction, kind in [*kinds, ("", RESET)]:
        figures = [counts[direction, kind, outcome] for outcome in OUTCOMES]
        name = f"{kind} {direction}" if direction else "chip reset"
        lines.append(f"  {name:22}" + "".join(f"{figure:10}" for figure in figures))
    return "\n".join(lines)


def main(share: int = 1) -> int:
    failed = 0
    for bus in BUSES:
        counts, failures, longest_ms = sweep(bus, share, 1)
        print(table(bus, counts))
        print(
            f"  {counts.total()} runs, reported at the latest after {longest_ms} ms\n", flush=True
        )
        for failure in failures:
            print(failure)
        failed += len(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
