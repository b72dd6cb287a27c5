# SPDX-License-Identifier: Apache-2.0
"""What people do after a cut, each way in a process of its own: touch again, give up and begin
another sale, or never meet again; then both are deposited, in every order, and reconciled.

It asks the judges after each step and knows no kind of cut.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

from duotap_host.device.errors import DeviceError
from duotap_host.virtual.nor import PAGE, Mix, Prefix, Tear
from sim.audit import Violation, hold

from sweep.branches import Branches
from sweep.stories import Story
from sweep.town import PAYEE, PAYER, THIRD, Town

ROUNDS_MAX = 3  # of deposits: what a payee shows, the payer takes in the next one
AGAIN, TWICE, GIVE_UP, NEVER = "again", "cut twice", "give up", "never"
OPERATIONS = 6  # of a flash, while people meet again
NOT_AT_ALL = 1_000_000_000  # operations: nobody lives to see them
# How a matter ended.
WHOLE, RETOUCH, VOID, SETTLEMENT = "whole", "re-touch", "void", "settlement"


class Result(NamedTuple):
    """One future of one point. `end` is how it ended well; else `property` says what does not
    hold. `order` of deposits: none if a state that was the same bit for bit was settled before."""

    point: str
    way: str
    order: str
    end: str
    state: bytes = b""
    voided: bool = False
    property: str = ""
    text: str = ""
    told: tuple[str, ...] = ()


class Aftermath:
    """Of one point, in the process that was cut there."""

    def __init__(
        self,
        town: Town,
        story: Story,
        point: str,
        ways: Sequence[str],
        settled: Mapping[bytes, bool],
    ) -> None:
        """`settled`: whether a payment was given back, by state of all flashes."""
        self.town = town
        self.story = story
        self.point = point
        self.ways = ways
        self.settled = settled
        self.state = b""
        self.way = self.order = ""
        self.telling = False  # also of what ends well
        self.open_before = False  # there was a payment without an end after the cut
        self.open_after = False  # and still after people had met again

    async def live(self) -> list[Result]:
        """All futures."""
        self.town.look()
        await self.town.awake()
        self.town.look()
        self.open_before = self.open_after = self.town.audit.unfinished() > 0
        self.state = self.town.state()
        found: list[Result] = []
        ways = list(self.ways)
        if NEVER in ways and self.state in self.settled:
            self.way = NEVER
            ways.remove(NEVER)
            found.append(self._ended(self.settled[self.state]))
        if ways:
            found += await self._each("way", ways, self._meet)
        return found

    async def _each(
        self, what: str, names: Sequence[str], live: Callable[[], Awaitable[list[Result]]]
    ) -> list[Result]:
        """The results of all these futures: the last one is lived here, the others each in a
        process of its own."""
        found: list[Result] = []
        branches = Branches(1, found.extend, self.lost)
        for name in names[:-1]:
            if branches.fork():
                setattr(self, what, name)
                branches.end(await self.lived(live))
        branches.wait()
        setattr(self, what, names[-1])
        return [*found, *await self.lived(live)]

    async def lived(self, live: Callable[[], Awaitable[list[Result]]]) -> list[Result]:
        """The results, or the one that says why there are none."""
        try:
            return await live()
        except Violation as violation:
            return [self.failed(violation.property, str(violation))]
        except Exception:
            return [self.failed("crashed", traceback.format_exc())]

    def failed(self, name: str, text: str) -> Result:
        told = tuple(self.town.told)
        return Result(self.point, self.way, self.order, "", b"", False, name, text, told)

    def lost(self, status: int) -> list[Result]:
        """A process of a future ended without a word."""
        return [self.failed("crashed", f"a process ended with status {status}")]

    # Ways

    async def _meet(self) -> list[Result]:
        deeds = {
            AGAIN: self._again,
            TWICE: self._cut_again,
            GIVE_UP: self._give_up,
            NEVER: self._never,
        }
        await deeds[self.way]()
        self.town.look()
        self.open_after = self.town.audit.unfinished() > 0
        await self.town.greet()
        self.state = self.town.state()
        if self.state in self.settled:
            return [self._ended(self.settled[self.state])]
        orders = [",".join(order) for order in permutations(self.town.kinds)]
        return await self._each("order", orders, self._settle)

    async def _again(self) -> None:
        """The story's own way to do it again, or they touch once more, unless the payer's card
        says that it is done; who has no amount on its screen any more is given it again."""
        await self._once_more()
        self.town.look()
        self._check_sales()

    async def _once_more(self) -> None:
        town = self.town
        if self.story.again is not None:
            await self.story.again(town)
        elif not town.is_done(PAYER):
            if not town.is_done(PAYEE) and not town.shows(PAYEE, self.story.amount):
                await town.enter(self.story.amount)
            await self._touch()

    async def _cut_again(self) -> None:
        """A battery is pulled out while they do it again, in the midst of a page; then again."""
        town, dice = self.town, random.Random(f"{self.point} twice")
        nor = town.device(dice.choice(list(town.kinds))).board.nor
        tears: tuple[Tear, ...] = (Prefix(dice.randrange(PAGE)), Mix(dice.randrange(2**32)))
        nor.plan_cut(dice.randrange(OPERATIONS), dice.choice(tears))
        try:
            await self._once_more()
        except DeviceError:
            town.say("nobody answers")
        town.look()
        nor.plan_cut(NOT_AT_ALL, Prefix(0))
        await town.awake()
        await self._again()

    async def _give_up(self) -> None:
        """The payee wants another amount of the same payer."""
        await self.town.enter(THIRD)
        await self._touch()

    async def _never(self) -> None:
        """They do not meet again."""

    async def _touch(self) -> None:
        """As often as the story's payer has to press."""
        for _ in range(self.story.presses or 1):
            if self.story.presses:
                await self.town.arm()
            await self.town.touch()
            if self.town.is_done(PAYER):
                return

    def _check_sales(self) -> None:
        """One sale is paid once, and a screen that says so is right."""
        town = self.town
        sold = town.sold()
        hold(len(set(sold)) == len(sold), "paid twice", f"{sold} were paid for one sale each")
        for side in town.kinds:
            if town.is_done(side):
                hold(sold, "told", f"{side} says that it is done and nothing is paid")

    # Settlement

    async def _settle(self) -> list[Result]:
        """Deposits in this order, and books, until nothing is under way."""
        town, audit = self.town, self.town.audit
        self.town.say(f"deposits: {self.order}")
        for _ in range(ROUNDS_MAX):
            for side in self.order.split(","):
                await town.deposit(side)
                town.look()
                trial = town.reconcile()
            if not audit.unfinished() and not trial.under_way:
                break
        left = (audit.unfinished(), audit.under_way(), trial.under_way, trial.loads_under_way)
        hold(left == (0, 0, 0, 0), "under way", f"in the end still {left}")
        town.compare()
        self._check_sales()
        return [self._ended(town.voided())]

    def _ended(self, voided: bool) -> Result:
        end = SETTLEMENT if self.open_after else RETOUCH
        if voided:
            end = VOID
        if not self.open_before:
            end = WHOLE
        told = tuple(self.town.told) if self.telling else ()
        return Result(self.point, self.way, self.order, end, self.state, voided, told=told)
