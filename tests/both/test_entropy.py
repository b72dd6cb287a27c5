# SPDX-License-Identifier: Apache-2.0
"""Entropy: streams that do not touch each other, and a generator that must not fail unseen."""

from __future__ import annotations

from hashlib import sha256

from duotap.errors import Broken
from port.entropy import (
    PROPORTION_CUTOFF,
    REPETITION_CUTOFF,
    STARTUP_SAMPLES,
    WINDOW,
    Entropy,
    Health,
)
from raising import raises


class Generator:
    """Seeded, with a stream a purpose, as the virtual board has it."""

    def __init__(self, seed=b"seed"):
        self.seed = seed
        self.counts = {}

    def __call__(self, purpose, nbytes):
        out = b""
        while len(out) < nbytes:
            count = self.counts[purpose] = self.counts.get(purpose, 0) + 1
            out += sha256(self.seed + purpose.encode() + b"%d" % count).digest()
        return out[:nbytes]


class Stuck(Generator):
    """Gives the same byte in the `good`-th read and the next, and is well again."""

    def __init__(self, good):
        Generator.__init__(self)
        self.good = good

    def __call__(self, purpose, nbytes):
        self.good -= 1
        well = Generator.__call__(self, purpose, nbytes)
        return b"\x55" * nbytes if -2 <= self.good < 0 else well


def test_a_stream_does_not_depend_on_other_reads():
    alone, mixed = Entropy(Generator()), Entropy(Generator())
    wanted = [alone.read("sign", 32) for _ in range(3)]
    got = []
    for count in range(3):
        for _ in range(count):
            mixed.read("uid", 3)
        got.append(mixed.read("sign", 32))
    assert got == wanted
    assert len(set(got)) == 3


def test_purposes_and_seeds_differ():
    assert Entropy(Generator()).read("key", 32) != Entropy(Generator()).read("sign", 32)
    assert Entropy(Generator()).read("key", 32) != Entropy(Generator(b"other")).read("key", 32)


def test_purposes_differ_though_the_generator_repeats_itself():
    again = sha256(b"always the same").digest() * 4
    entropy = Entropy(lambda purpose, nbytes: again[:nbytes])
    blocks = [entropy.read(purpose, 64) for purpose in ("key", "sign", "key")]
    halves = [half for block in blocks for half in (block[:32], block[32:])]
    assert len(set(halves)) == len(halves)


def test_any_length():
    for nbytes in (1, 31, 32, 33, 100):
        assert len(Entropy(Generator()).read("key", nbytes)) == nbytes


def test_the_host_counts_and_cannot_undo():
    plain, mixed, again = Entropy(Generator()), Entropy(Generator()), Entropy(Generator())
    mixed.mix(b"host")
    again.mix(b"host")
    again.mix(b"host")
    keys = [entropy.read("key", 32) for entropy in (plain, mixed, again)]
    assert len(set(keys)) == 3


def test_a_new_boot_repeats_nothing():
    generator = Generator()
    assert Entropy(generator).read("sign", 32) != Entropy(generator).read("sign", 32)


def test_a_generator_stuck_from_the_start():
    assert raises(Broken, Entropy(Stuck(0)).read, "key", 32)


def test_a_generator_that_sticks_later():
    entropy = Entropy(Stuck(STARTUP_SAMPLES // 128 + 3))
    entropy.read("key", 32)
    entropy.read("key", 32)
    for _ in range(4):  # and never again, well or not
        assert raises(Broken, entropy.read, "key", 32)


def test_a_generator_that_gives_nothing():
    assert raises(Broken, Entropy(lambda purpose, nbytes: b"").read, "key", 32)


def test_repetition_at_its_cutoff():
    Health().take(b"\x07" * (REPETITION_CUTOFF - 1) + b"\x08" + b"\x07" * (REPETITION_CUTOFF - 1))
    assert raises(Broken, Health().take, b"\x07" * REPETITION_CUTOFF)


def window_with(same):
    """A window whose first value comes `same` times, never twice in a row."""
    others = bytes([1 + index % 200 for index in range(WINDOW)])
    return b"".join([b"\x00" + others[2 * i : 2 * i + 1] for i in range(same)]) + others


def test_proportion_at_its_cutoff():
    Health().take(window_with(PROPORTION_CUTOFF - 1)[:WINDOW])
    assert raises(Broken, Health().take, window_with(PROPORTION_CUTOFF)[:WINDOW])


def test_proportion_counts_each_window_for_itself():
    half = window_with(PROPORTION_CUTOFF - 1)[:WINDOW]
    health = Health()
    health.take(half)
    health.take(half)
