# SPDX-License-Identifier: Apache-2.0
"""What the issuer tells devices comes with a deposit, once, and narrows what they may do
(PROTOCOL.md §7, §7.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from duotap import fold, messages, status, tap
from duotap.fields import Limits
from duotap_host.issuer import Issuer
from duotap_host.issuer.bulletin import Bulletin

from duet.cable_town import Post, Town, card, kinds, run, stand
from duet.makers import touch

LOADED = 20_000
NARROW = Limits(15_000, 300, 5, 1_000, 200, 1_000)


@pytest.fixture
def town(tmp_path: Path) -> Any:
    """A town whose issuer tells something of its own."""

    shared = Town().issuer  # of all towns
    kept = shared.bulletin

    def made() -> Town:
        shared.bulletin = Bulletin(tmp_path / "statements")
        return Town()

    yield made
    shared.bulletin = kept


def statements(post: Post) -> set[type]:
    return {fold.STATEMENTS[kind] for kind, _ in post.unit.purse.state.statements}


def test_a_policy_comes_by_deposit_and_goes_on_by_nobody_twice(town: Any) -> None:
    async def story() -> None:
        here = town()
        payer, shop = await card(here), await stand(here)
        await here.load(payer.console, LOADED)
        issuer: Issuer = here.issuer
        policy = messages.Policy(payer.id, here.epoch, None, NARROW, None)
        issuer.bulletin.put(issuer.sign_list(policy))
        for post in (payer, shop):
            assert not (await here.deposit(post.console)).notes
        assert messages.Policy in statements(payer)
        assert messages.Policy not in statements(shop)
        payer.arm()
        assert touch(shop, payer, 301)[:2] == (tap.REFUSED, status.ABOVE_PAYMENT_LIMIT)
        payer.arm()
        assert touch(shop, payer, 300).kind == tap.PAID
        await here.deposit(payer.console)
        before = len(kinds(payer))
        await here.deposit(payer.console)
        assert len(kinds(payer)) == before
        await here.deposit(shop.console)
        assert here.settled()

    run(story)


def test_a_reset_comes_by_deposit(town: Any) -> None:
    async def story() -> None:
        here = town()
        post = await card(here)
        await here.load(post.console, LOADED)
        here.epoch = 20
        await here.deposit(post.console)
        assert post.unit.purse.state.epoch == 20
        issuer: Issuer = here.issuer
        board = issuer.bulletin
        board.put(issuer.sign_root(messages.Reset(post.id, board.number(), 3)))
        here.epoch = 4
        assert not (await here.deposit(post.console)).notes
        assert post.unit.purse.state.epoch == 3
        assert not (await here.deposit(post.console)).notes
        assert post.unit.purse.state.epoch == 4  # up again by the day
        assert here.settled()

    run(story)


def test_the_newest_of_each_subject_is_kept(tmp_path: Path) -> None:
    board = Bulletin(tmp_path / "none")
    assert (board.due(bytes(16)), board.number()) == ([], 1)
    issuer = Town().issuer
    mine, other = bytes(16), bytes([1]) * 16
    signed = [
        issuer.sign_list(messages.Policy(of, epoch, (1, 1), None, None))
        for of in (None, mine, other)
        for epoch in (1, 2)
    ]
    for raw in signed:
        board.put(raw)
    assert set(board.due(mine)) == {signed[1], signed[3]}
    assert set(board.due(other)) == {signed[1], signed[5]}
