# SPDX-License-Identifier: Apache-2.0
"""A sample of the fault matrix (`make fault-matrix` runs all of it), and that it can fail."""

from __future__ import annotations

import pytest
from drivers import pn532_link

from duet.fault_matrix import (
    BUSES,
    CARD,
    FAILURES,
    HSU,
    OUTCOMES,
    REPORTED_MS_MAX,
    WRONG,
    clean_run,
    run,
    sweep,
    table,
)
from duet.fault_wires import CUT, DOUBLED, FLIPPED, LATE, LOST, RESET, TO_CHIP, TO_HOST, Mischief

SHARE = {HSU: 6}
SHARE_OF_OTHERS = 25
SEED = 20260101


@pytest.fixture(autouse=True)
def bus_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run sets the bus of both boards; the tests behind this one have theirs."""
    monkeypatch.setattr("duet.radio_pair.BUS", HSU)


@pytest.mark.parametrize("bus", BUSES)
def test_no_byte_is_wrong_and_nothing_hangs(bus: str) -> None:
    counts, failures, longest_ms = sweep(bus, SHARE.get(bus, SHARE_OF_OTHERS), SEED)
    print(f"seed {SEED}\n{table(bus, counts)}\nheard of at the latest after {longest_ms} ms")
    assert failures == []
    assert longest_ms <= REPORTED_MS_MAX
    for kind in (FLIPPED, LOST, DOUBLED, CUT, LATE):
        for direction in (TO_CHIP, TO_HOST):
            assert sum(counts[direction, kind, outcome] for outcome in OUTCOMES), kind
    assert sum(counts["", RESET, outcome] for outcome in OUTCOMES)


def test_the_matrix_sees_a_driver_that_repeats_what_must_not_be_done_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that is handed to the chip again is the answer to another command."""
    frames = clean_run(HSU).frames[CARD, TO_HOST]
    plans = [Mischief(CARD, TO_HOST, LOST, number) for number in range(len(frames))]
    assert not [plan for plan in plans if run(HSU, plan).outcome in FAILURES]
    monkeypatch.setattr(pn532_link, "ONCE", b"")
    assert [plan for plan in plans if run(HSU, plan).outcome == WRONG]
