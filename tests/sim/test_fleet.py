# SPDX-License-Identifier: Apache-2.0
"""A fleet of virtual boards, made by a command that is killed on the way: a sample of
`make fleet`, which makes 10,000."""

from __future__ import annotations

from pathlib import Path

from duotap_host.virtual import paced
from duotap_host.virtual.costs import RP2040_THUMB

from sim.fleet_lab import Desk, modelled, moments, play

UNITS, KILLS, PORTS, SEED = 40, 5, 4, 1


def test_a_fleet_is_made_whatever_is_killed(tmp_path: Path) -> None:
    """All that matters is asserted on the way and at the end."""
    played = paced.run(play(Desk(tmp_path, UNITS), UNITS, KILLS, PORTS, SEED))
    assert (played.boards, played.kills) == (UNITS, KILLS)
    assert played.caught, "no board was at work when the command was killed"


def test_kills_are_spread() -> None:
    """In the beginning too, and never when nothing is left to do."""
    drawn = moments(10_000, 20, 8, SEED)
    assert len(drawn) == 20
    assert drawn == sorted(drawn, key=lambda each: each[0])
    assert drawn[-1][0] < 10_000 - 8
    assert max(later_s for _, later_s in drawn) > 1


def test_the_modelled_time_is_the_same_each_time() -> None:
    once = modelled(RP2040_THUMB)
    assert once == modelled(RP2040_THUMB)
    assert 7 * RP2040_THUMB.verify_us / 1e6 < once.seconds < 2
