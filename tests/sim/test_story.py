# SPDX-License-Identifier: Apache-2.0
"""The main story in process: what every journal and account comes to, whoever deposits first, and
the same bytes from the same seed."""

from __future__ import annotations

import pytest
from duotap_host.demo.playing import Played, differences
from duotap_host.demo.stage import StoryFailed
from duotap_host.demo.story import LOST, STAND, A, Check, Story
from duotap_host.virtual.costs import COMPUTING

from sim.story_summary import GOLDEN, GOLDEN_SEED, played, summary

SEEDS = (1, 5, 7, 11)  # each begins to deposit with other devices


def first_round(found: Played) -> str:
    """In which order the journals came."""
    chapters = {chapter.title: chapter for chapter in found.telling.chapters}
    return str(chapters["Journals are deposited and reconciled"].entries[0])


def test_it_ends_as_it_always_did() -> None:
    assert summary(played(GOLDEN_SEED)) == GOLDEN.read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_bytes() -> None:
    once, again = played(GOLDEN_SEED), played(GOLDEN_SEED, again=1)
    assert once is not again
    assert differences(once, again) == []
    assert [tap.time.parts for tap in once.telling.taps()] == [
        tap.time.parts for tap in again.telling.taps()
    ]


def test_another_seed_gives_other_bytes() -> None:
    assert differences(played(1), played(2))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_is_right(seed: int) -> None:
    found = played(seed)
    assert all(check.holds for check in found.checks)
    assert len(found.checks) == len(played(GOLDEN_SEED).checks)
    assert found.trial.under_way == found.trial.loads_under_way == 0
    assert not found.trial.failures


def test_seeds_deposit_in_different_orders() -> None:
    assert len({first_round(played(seed)) for seed in SEEDS}) == len(SEEDS)


def test_a_number_that_is_not_exactly_right_ends_the_story() -> None:
    story = Story.__new__(Story)
    story.checks = []
    with pytest.raises(StoryFailed, match=r"purse is 12\.00 and not 12\.01"):
        story.check("purse", LOST + 1, LOST)
    assert story.checks == [Check("purse", LOST + 1, LOST)]


def test_every_tap_is_timed() -> None:
    taps = played(GOLDEN_SEED).telling.taps()
    assert [tap.time.done for tap in taps] == [True, True, True, False, True, False, True]
    assert all(sum(tap.time.parts.values()) == tap.time.total_us for tap in taps)
    assert all(tap.time.parts[COMPUTING] for tap in taps)
    assert (taps[0].time.payee, taps[0].time.payer) == (STAND, A)
