# SPDX-License-Identifier: Apache-2.0
"""A sample of `make rollback`: each class keeps what SECURITY.md says of it."""

from __future__ import annotations

import pytest
from duet.makers import Mint

from sim.rollback_device import BOUND, CLASSES, COUNT, NONE
from sim.rollback_lab import (
    BEGIN,
    END,
    HEAD,
    LOADED,
    PER_STAND,
    README,
    STANDS,
    WARNED,
    images,
    spree,
)

EVERY = 4


@pytest.fixture(scope="module")
def mint() -> Mint:
    return Mint()


def test_class_none_takes_any_image(mint: Mint) -> None:
    seen = images(mint, NONE, EVERY)
    assert seen.accepted == seen.older > 20
    assert seen.lost == 0


def test_class_count_takes_no_older_image_and_loses_honest_devices(mint: Mint) -> None:
    seen = images(mint, COUNT, EVERY)
    assert seen.older > 20
    assert seen.accepted == 0
    assert 0 < seen.lost < seen.cuts


def test_class_bound_takes_no_older_image_and_loses_nobody(mint: Mint) -> None:
    seen = images(mint, BOUND, EVERY)
    assert seen.older > 20
    assert (seen.accepted, seen.lost) == (0, 0)


def test_a_spree_of_class_none_is_proven_and_bounded(mint: Mint) -> None:
    spent = spree(mint, NONE)
    assert spent.paid == (STANDS - WARNED) * PER_STAND > LOADED
    assert spent.caught
    assert spent.proofs == spent.paid // 5_000 * (spent.paid // 5_000 - 1) // 2


@pytest.mark.parametrize("kind", [COUNT, BOUND])
def test_there_is_no_spree_of_the_others(mint: Mint, kind: str) -> None:
    spent = spree(mint, kind)
    assert 0 < spent.paid <= LOADED
    assert (spent.proofs, spent.caught) == (0, False)


def test_the_table_is_kept() -> None:
    kept = README.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert kept.startswith(HEAD)
    rows = [line.split("|")[1].strip() for line in kept.splitlines()[2:]]
    assert rows == list(CLASSES)
