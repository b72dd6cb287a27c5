# SPDX-License-Identifier: Apache-2.0
"""Plays one story and forks it at every point that is chosen.

The trunk itself is never cut; what it would come to is a point as well.
"""

from __future__ import annotations

import gc
import traceback

from duotap_host.device.errors import DeviceError
from duotap_host.virtual import timeline
from sim.audit import hold

from sweep.aftermath import Aftermath, Result
from sweep.branches import Branches
from sweep.choice import Choice
from sweep.cuts import Cuts
from sweep.points import NONE, Point
from sweep.stories import Story
from sweep.town import Town


class Trunk:
    """`results` of all points; `told` what happened in the trunk itself."""

    def __init__(self, story: Story, seed: int, choice: Choice, jobs: int) -> None:
        self.story = story
        self.seed = seed
        self.results: list[Result] = []
        self._choice = choice
        self._point = f"{story.name}:{NONE}:{NONE}:0:0:{seed}"
        self._settled: dict[bytes, bool] = {}
        self._branches = Branches(jobs, self._take, self._lost)
        self.told: list[str] = []
        self.same = 0  # cuts that are of the class of one that is lived through

    def play(self) -> None:
        """All points of the story; results are in `results`."""
        try:
            timeline.run(self._main())
        except BaseException as error:
            failed = self._failed(error)
            if Branches.innermost is None:
                self.results.append(failed)
            else:
                Branches.innermost.end([failed])
        self._branches.wait()

    def _failed(self, error: BaseException) -> Result:
        """What is raised outside the aftermath: in the act, or by a part that nobody awaits."""
        name, text = getattr(error, "property", "crashed"), traceback.format_exc()
        told = tuple(self.told)
        return Result(self._point, "", "", "", b"", False, name, text, told)

    async def _main(self) -> None:
        town = Town(self.story.kinds, self.seed)
        self.told = town.told
        await town.open(dict(zip(town.kinds, self.story.profiles, strict=True)))
        await self.story.prepare(town)
        for side in town.kinds:
            await town.home(side)
        town.look()
        town.begin()
        await self.story.half(town)
        town.look()
        cuts = Cuts(town, self.story, self.seed, self._fork)
        gc.collect()
        gc.freeze()
        gc.disable()  # a process lives too short to be tidied; the firmware's own calls go on
        cuts.active = True
        try:
            await self.story.act(town)
        except DeviceError as error:
            hold(cuts.point, "stuck", str(error))
        cuts.active = False
        self.same = cuts.same
        cuts.unplugged = ""
        if cuts.point is None:
            if not self._fork(cuts.nothing()):
                await town.stage.close()
                return
            cuts.point = cuts.nothing()
        town.say(f"{cuts.point}")
        ways = self._choice.ways(self.story, cuts.point)
        after = Aftermath(town, self.story, str(cuts.point), ways, self._settled)
        after.telling = self._choice.single
        self._branches.end(await after.lived(after.live))

    def _fork(self, point: Point) -> bool:
        if not self._choice.chosen(point):
            return False
        if self._branches.fork():
            self._point = str(point)
            return True
        return False

    def _take(self, results: list[Result]) -> None:
        self.results += results
        self._settled.update({each.state: each.voided for each in results if each.state})

    def _lost(self, status: int) -> list[Result]:
        text = f"a process ended with status {status}"
        return [Result(self._point, "", "", "", b"", False, "crashed", text)]
