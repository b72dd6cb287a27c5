# SPDX-License-Identifier: Apache-2.0
"""Lists that are built on the host and asked by the device's code: exact for every issued id."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from duotap import denylist, messages
from duotap.errors import Broken, Refusal
from duotap_host.deny import builder, ribbon
from duotap_host.deny.builder import DELTA_MAX, PLAIN_MAX, TooMany
from hypothesis import given, settings
from hypothesis import strategies as st
from port.sets import Sets


def who(number: int) -> bytes:
    return hashlib.sha256(b"device %d" % number).digest()[:16]


def read_at(found: bytes) -> denylist.Read:
    return lambda offset, nbytes: found[offset : offset + nbytes]


def asked(found: bytes, ids: list[bytes]) -> set[bytes]:
    return {each for each in ids if denylist.is_in(read_at(found), each)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 300), st.integers(0, 3_000), st.integers(0, 1 << 32))
def test_a_set_is_exact(listed: int, others: int, seed: int) -> None:
    ids = [random.Random(f"{seed} {n}").randbytes(16) for n in range(listed + others)]
    found = builder.build_set(ids[:listed], ids)
    assert asked(found, ids) == set(ids[:listed])


def test_a_set_of_many_is_exact_and_small() -> None:
    """1 % of 200,000, as 100,000 of 10 million are."""
    ids = [who(n) for n in range(200_000)]
    found = builder.build_set(ids[:2_000], ids)
    print(f"{len(found)} bytes, {len(found) * 8 / 2_000:.2f} bits a listed id")
    assert asked(found, ids[:2_500]) == set(ids[:2_000])
    looking = set(builder.looking(found[2:6], *columns(found), ids))
    assert len(looking) > 2_000  # the second system has something to say
    assert asked(found, sorted(looking)) == set(ids[:2_000])
    assert len(found) * 8 < 9.5 * 2_000


def columns(found: bytes) -> tuple[list[bytes], int]:
    slots = int.from_bytes(found[6:10], "big")
    width = (slots + 7) // 8
    starts = range(denylist.SET_HEAD, denylist.SET_HEAD + found[1] * width, width)
    return [found[at : at + width] for at in starts], slots


def test_the_same_ids_make_the_same_set() -> None:
    ids = [who(n) for n in range(500)]
    assert builder.build_set(ids[:90], ids) == builder.build_set(ids[89::-1], ids[::-1])


def test_the_set_that_the_devices_test_holds() -> None:
    text = (Path(__file__).parents[1] / "both" / "test_denylist.py").read_text("utf-8")
    ids = [who(n) for n in range(60)]
    found = builder.build_set(ids[:12], ids).hex()
    assert found in text.replace('"\n    "', "")


def test_a_contradiction_is_unsolvable() -> None:
    with pytest.raises(ribbon.Unsolvable):
        ribbon.solve([(0, 1, 0), (0, 1, 1)], 128, 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 400), st.integers(0, 1 << 32))
def test_a_delta_says_what_changed_and_nothing_else(
    added: int, removed: int, others: int, seed: int
) -> None:
    ids = [random.Random(f"{seed} {n}").randbytes(16) for n in range(added + removed + others)]
    ids[added + removed :: 3] = [ids[0][:4] + each[4:] for each in ids[added + removed :: 3]]
    new, gone, rest = ids[:added], ids[added : added + removed], ids[added + removed :]
    content = builder.delta(new, gone, ids)
    denylist.check(messages.DenyList(2, 1, 1, content))
    assert [denylist.said(content, each) for each in new] == [True] * added
    assert [denylist.said(content, each) for each in gone] == [False] * removed
    assert {denylist.said(content, each) for each in rest} <= {None}


def test_a_days_changes_fit_a_tap() -> None:
    """100,000 listed in three years are 91 a day; twice as many still fit."""
    ids = [who(n) for n in range(20_000)]
    content = builder.delta(ids[:150], ids[150:182], ids)
    assert len(content) <= DELTA_MAX
    with pytest.raises(TooMany, match="a tap takes 1024"):
        builder.delta(ids[:300], (), ids)


def test_few_are_listed_one_by_one() -> None:
    ids = [who(n) for n in range(100)]
    few, many = builder.full(ids[:PLAIN_MAX], ids), builder.full(ids[: PLAIN_MAX + 1], ids)
    assert (few.content[0], few.set) == (denylist.PLAIN, b"")
    assert many.content[0] == denylist.SET
    assert many.content[1:33] == hashlib.sha256(many.set).digest()
    for each in (few, many):
        denylist.check(messages.DenyList(2, 0, 0, each.content))


# Sets as files of a device


def test_a_set_becomes_a_file_part_by_part(tmp_path: Path) -> None:
    sets = Sets(f"{tmp_path}/")
    content = bytes(range(256)) * 40
    digest = hashlib.sha256(content).digest()
    coming = sets.coming(digest, len(content))
    for index, at in enumerate(range(0, len(content), 3_900)):
        assert not sets.has(digest)
        for _ in range(2):  # its answer may be lost
            coming.take(index, content[at : at + 3_900])
    assert sets.has(digest)
    with sets.open(digest) as found:
        assert found.read_at(1_000, 17) == content[1_000:1_017]
    sets.keep(digest)
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(Broken):
        sets.open(bytes(32))


def test_a_set_that_is_another_one_never_is_there(tmp_path: Path) -> None:
    sets = Sets(f"{tmp_path}/")
    digest = hashlib.sha256(bytes(10)).digest()
    for parts in ([bytes(9) + b"x"], [bytes(5), bytes(4) + b"x"], [bytes(11)]):
        coming = sets.coming(digest, 10)
        for index, part in enumerate(parts[:-1]):
            coming.take(index, part)
        with pytest.raises(Refusal):
            coming.take(len(parts) - 1, parts[-1])
        assert not sets.has(digest)
    with pytest.raises(Refusal):
        sets.coming(digest, 10).take(1, bytes(5))
