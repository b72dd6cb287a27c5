# SPDX-License-Identifier: Apache-2.0
"""Each instant of a tap is counted once, under the first busy name."""

from __future__ import annotations

import random

from duotap_host.virtual.timesheet import ORDER, WAITING, Span, split


def test_the_first_busy_name_gets_the_instant() -> None:
    spans = [
        Span(0, 40, "serial", "a"),
        Span(30, 60, "radio", "b"),
        Span(50, 55, "flash", "a"),
        Span(52, 80, "computing", "b"),
        Span(90, 200, "computing", "a"),
    ]
    assert split(spans, 10, 100) == {
        "computing": 38,
        "flash": 2,
        "radio": 20,
        "serial": 20,
        "waiting": 10,
    }


def test_nothing_busy_is_waiting() -> None:
    assert split([], 5, 25)[WAITING] == 20
    assert split([Span(0, 5, "radio", "a"), Span(25, 30, "radio", "a")], 5, 25)[WAITING] == 20


def test_parts_add_up_and_agree_with_looking_at_each_instant() -> None:
    rng = random.Random(1443)
    for _ in range(100):
        spans = []
        for _ in range(rng.randrange(12)):
            start = rng.randrange(60)
            spans.append(Span(start, start + rng.randrange(20), rng.choice(ORDER), "a"))
        parts = split(spans, 10, 50)
        slow = dict.fromkeys((*ORDER, WAITING), 0)
        for t_us in range(10, 50):
            busy = [s.kind for s in spans if s.begin_us <= t_us < s.end_us]
            slow[min(busy, key=ORDER.index, default=WAITING)] += 1
        assert parts == slow
        assert sum(parts.values()) == 40
