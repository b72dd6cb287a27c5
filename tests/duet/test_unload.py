# SPDX-License-Identifier: Apache-2.0
"""Money goes home from device to ledger, whatever happens to the cable on the way."""

from __future__ import annotations

import pytest
from duotap_host.device.client import Client
from duotap_host.device.errors import DeviceError
from duotap_host.device.link import Line
from duotap_host.device.unload import Unload, unload
from duotap_host.ledger import codes

from duet.cable_town import FUNDS, HOLDER, Bad, Broken, Post, Town, card, run

LOADED, AMOUNT = 20_000, 4_500
WALLET = codes.wallet(HOLDER)


async def bring(town: Town, line: Line, amount: int = 0, number: int = 0) -> Unload:
    return await unload(Client(line), town.ledger, town.issuer, town.epoch, amount, number)


async def loaded() -> tuple[Town, Post]:
    town = Town()
    post = await card(town)
    await town.load(post.console, LOADED)
    return town, post


def went(town: Town, post: Post, amount: int) -> None:
    """So much, once, and everything adds up."""
    assert town.settled()
    left = LOADED - amount
    assert (post.unit.purse.state.balance(), town.in_purse(post.id)) == (left, left)
    assert town.balance(WALLET) == FUNDS - left


@pytest.mark.parametrize(("asked", "amount"), [(AMOUNT, AMOUNT), (0, LOADED), (LOADED, LOADED)])
def test_money_goes_home(asked: int, amount: int) -> None:
    async def story() -> None:
        town, post = await loaded()
        done = await bring(town, post.console, asked)
        assert (done.account, done.amount, done.balance) == (WALLET, amount, LOADED - amount)
        went(town, post, amount)
        if amount == LOADED:
            with pytest.raises(DeviceError, match="holds nothing"):
                await bring(town, post.console)
        await town.deposit(post.console)
        went(town, post, amount)

    run(story)


def test_more_than_there_is_stays() -> None:
    async def story() -> None:
        town, post = await loaded()
        with pytest.raises(DeviceError):
            await bring(town, post.console, LOADED + 1)
        went(town, post, 0)

    run(story)


@pytest.mark.parametrize("boots", [False, True])
def test_a_cable_that_breaks_anywhere_sends_it_once(boots: bool) -> None:
    async def story() -> None:
        town, post = await loaded()
        at, number, ended = 0, 1, False
        while not ended:
            line = Bad(post.console, lambda n, at=at: "break" if n == at else "")
            try:
                await bring(town, line, 1, number)
                ended = True
            except Broken:
                at += 1
            if boots:
                await post.reboot()
            await bring(town, post.console, 1, number)
            went(town, post, number)
            number += 1
        assert at > 10

    run(story)
