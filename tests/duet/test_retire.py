# SPDX-License-Identifier: Apache-2.0
"""A device goes out of service, its value home, and another one takes its place."""

from __future__ import annotations

import pytest
from duotap_host.device.client import Client
from duotap_host.device.errors import DeviceError
from duotap_host.device.retire import Retired, retire
from duotap_host.ledger import codes
from duotap_host.ledger.interface import DeviceState, Refused
from duotap_host.provision.profile import Profile
from duotap_host.provision.provisioning import Provisioned
from duotap_host.provision.rekeying import rekey

from duet.cable_town import FUNDS, HOLDER, Post, Town, card, entropy, run

LOADED = 20_000


async def _retire(town: Town, post: Post) -> Retired:
    return await retire(Client(post.console), town.ledger, town.issuer, town.epoch)


async def _rekey(town: Town, post: Post, old: bytes) -> Provisioned:
    client = Client(post.console)
    return await rekey(client, town.ledger, town.issuer, town.epoch, old, entropy("rekey"))


def test_value_goes_home_and_nothing_is_signed_any_more() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        await town.load(post.console, LOADED)
        assert await _retire(town, post) == Retired(post.id, LOADED, True)
        assert town.settled()
        assert (town.balance(codes.wallet(HOLDER)), town.in_purse(post.id)) == (FUNDS, 0)
        assert post.unit.purse.state.balance() == 0
        assert town.ledger.device(post.id).state == DeviceState.RETIRED
        assert post.id in town.ledger.deny_book.denied()
        assert await _retire(town, post) == Retired(post.id, 0, False)
        with pytest.raises(Refused, match="is retired: nothing is signed"):
            await town.load(post.console, 1)
        with pytest.raises(Refused, match="listed for that"):
            town.ledger.deny_book.allow(post.id)

    run(story)


def test_a_new_key_is_a_new_device() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        old = post.id
        with pytest.raises(DeviceError, match="is active: duotap retire it first"):
            await _rekey(town, post, old)
        await _retire(town, post)
        with pytest.raises(DeviceError, match="old device still"):
            await _rekey(town, post, old)
        fresh = Post("fresh")
        await fresh.boot()
        for is_new in (True, False):
            done = await _rekey(town, fresh, old)
            assert (done.is_new, done.device.id) == (is_new, fresh.id)
        assert done.device.id != old
        assert (done.device.holder, done.device.role) == (HOLDER, Profile.person(HOLDER).role)
        await town.load(fresh.console, LOADED)
        assert len(town.ledger.devices()) == 2

    run(story)
