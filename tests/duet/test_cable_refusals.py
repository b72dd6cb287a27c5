# SPDX-License-Identifier: Apache-2.0
"""Who is not served at a cable, by a device, its client or its ledger; and that nothing is lost
by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from duotap import messages, slip, status
from duotap.record import BODY_AT, KIND_HEAD, PAGE
from duotap_host.device.client import Client
from duotap_host.device.errors import (
    REASONS,
    DeviceError,
    DeviceRefused,
    NoAnswer,
    NotProven,
    NotUnderstood,
)
from duotap_host.device.link import Line
from duotap_host.ledger import codes
from duotap_host.ledger.interface import NotFound, Refused
from duotap_host.provision.profile import Profile
from duotap_host.provision.provisioning import provision
from port.link import HELLO_BEGINS

from duet.cable_town import FIRMWARE, FUNDS, HOLDER, MERCHANT, OTHER_HOLDER, Post, Town, card, run
from duet.makers import Key

WALLET = codes.wallet(HOLDER)


def test_loads_that_are_not_possible() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        for amount in (0, -5, 100_001):
            with pytest.raises(Refused):
                await town.load(post.console, amount)
        await town.load(post.console, 60_000)
        with pytest.raises(Refused, match="above the cap of loads"):
            await town.load(post.console, 40_001)
        await town.deposit(post.console)  # the cap begins anew
        with pytest.raises(Refused, match="which is not enough"):
            await town.load(post.console, 40_001)
        assert town.settled()
        assert town.balance(WALLET) == FUNDS - 60_000

    run(story)


def test_a_load_above_the_balance_limit_goes_back() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        town.ledger.fund(WALLET, FUNDS)
        await town.load(post.console, 60_000)
        await town.deposit(post.console)  # the cap of loads begins anew
        with pytest.raises(DeviceError, match=r"may hold.* goes back to wallet:7"):
            await town.load(post.console, 60_000)
        await town.load(post.console, 40_000)
        assert town.settled()
        assert (town.in_purse(post.id), town.balance(WALLET)) == (FUNDS, FUNDS)

    run(story)


def test_another_issuers_reader_ledger_and_statements() -> None:
    async def story() -> None:
        town, other = Town(), Town("another issuer")
        post = await card(town)
        before = post.journal_bytes()
        with pytest.raises(NotFound, match="not in this ledger's book"):
            await other.deposit(post.console)
        with pytest.raises(DeviceError, match="another issuer"):
            await other.provision(post.console, Profile.person(HOLDER))
        client = Client(post.console)
        hello = await client.connect()
        nonce = await client.get_challenge()
        challenge = other.issuer.challenge(hello.device, nonce)
        with pytest.raises(DeviceRefused, match="another issuer"):
            await client.authenticate(other.issuer.permit(90), challenge)
        with pytest.raises(DeviceRefused, match="press sync"):
            await client.open_sync()
        with pytest.raises(DeviceRefused, match="another issuer"):
            await client.put_statement(other.issuer.sign_epoch(9))
        assert post.journal_bytes() == before

    run(story)


def test_a_reader_without_permit() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        client = Client(post.console)
        hello = await client.connect()
        for reading in (client.open_sync, lambda: client.read_journal(1)):
            with pytest.raises(DeviceRefused) as refused:
                await reading()
            assert refused.value.sw == status.NOT_PERMITTED
        nonce = await client.get_challenge()
        expired = town.issuer.permit(1)
        with pytest.raises(DeviceRefused, match="expired"):
            await client.authenticate(expired, town.issuer.challenge(hello.device, nonce))
        with pytest.raises(DeviceRefused, match="shift PIN"):
            await client.verify_pin(b"0000")
        post.unit.press_sync()
        await client.open_sync()

    run(story)


def test_a_device_is_certified_once() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        with pytest.raises(DeviceError, match="is a card of holder 7 already"):
            await town.provision(post.console, Profile.person(OTHER_HOLDER))
        with pytest.raises(DeviceError, match="is a card of holder 7 already"):
            await town.provision(post.console, Profile.stand(MERCHANT, "Noodle Bar"))
        assert not (await town.provision(post.console, Profile.person(HOLDER))).is_new
        assert len(town.ledger.devices()) == 1

    run(story)


class Liar(Client):
    """What comes from the device is replaced by `lie(challenge, possession, public)`."""

    def __init__(
        self, line: Line, lie: Callable[[bytes, bytes, bytes], tuple[bytes, bytes]]
    ) -> None:
        super().__init__(line)
        self._lie = lie

    async def generate_key(self, entropy: bytes, challenge: bytes) -> tuple[bytes, bytes]:
        public, possession = await super().generate_key(entropy, challenge)
        return self._lie(challenge, possession, public)


THIEF = Key("thief")


def _possession(challenge: bytes, public: bytes, firmware: bytes, key: Key = THIEF) -> bytes:
    return messages.encode(messages.Possession(challenge, public, firmware), key.id, key.sign)


@pytest.mark.parametrize(
    "lie",
    [
        lambda _challenge, possession, _public: (THIEF.public, possession),
        lambda challenge, _, public: (public, _possession(challenge, public, FIRMWARE)),
        lambda _challenge, _, _public: (
            THIEF.public,
            _possession(bytes(32), THIEF.public, FIRMWARE),
        ),
        lambda challenge, _, _public: (
            THIEF.public,
            _possession(challenge, THIEF.public, bytes(32)),
        ),
        lambda challenge, _, public: (THIEF.public, _possession(challenge, public, FIRMWARE)),
        lambda _challenge, _, public: (public, b"\x80"),
    ],
)
def test_possession_is_proven(lie: Callable[[bytes, bytes, bytes], tuple[bytes, bytes]]) -> None:
    async def story() -> None:
        town, post = Town(), Post()
        await post.boot()
        client = Liar(post.console, lie)
        with pytest.raises(NotProven):
            await provision(client, town.ledger, town.issuer, 1, Profile.person(HOLDER))
        assert not town.ledger.devices()

    run(story)


def test_a_holder_without_an_account() -> None:
    async def story() -> None:
        town, post = Town(), Post()
        await post.boot()
        with pytest.raises(NotFound):
            await town.provision(post.console, Profile.person(99))
        await town.provision(post.console, Profile.person(HOLDER))

    run(story)


def test_a_new_device_has_nothing_to_deposit() -> None:
    async def story() -> None:
        town, post = Town(), Post()
        await post.boot()
        with pytest.raises(DeviceError, match="not provisioned"):
            await town.deposit(post.console)

    run(story)


class Chatter:
    """Something else at the other end: says the same whatever it is told."""

    def __init__(self, said: bytes) -> None:
        self.said = said

    async def read(self, nbytes: int = 4096) -> bytes:
        await asyncio.sleep(0.01)
        return self.said

    async def write(self, chunk: bytes) -> None:
        """It does not listen."""


def test_what_is_no_device() -> None:
    async def story() -> None:
        for said in (b"\r\n>>> ", b"\xc0\xc0\xc0", slip.encode(1, b"\x90\x00")):
            with pytest.raises(NoAnswer, match="no device answers there"):
                await Client(Chatter(said)).connect()
        for answer in (b"\x90\x00", b"\x80\x90\x00", b"\x6d\x00", b"\x61\x05"):
            with pytest.raises((NotUnderstood, DeviceRefused, NoAnswer)):
                await Client(Chatter(slip.encode(0, answer))).connect()

    run(story)


def test_noise_holds_no_device() -> None:
    """After what begins like a HELLO, and in a session: without frames it ends, and the radio is
    heard again."""

    async def noise(post: Post, ms: int) -> bool:
        for at in range(0, ms, 20):
            await post.console.write(bytes((at & 0x7F, 0xC0, 1)))
            await asyncio.sleep(0.02)
        return post.unit.link._talking

    async def story() -> None:
        post = await card(Town())
        await asyncio.sleep(31)
        assert not post.unit.link._talking
        await post.console.write(HELLO_BEGINS)
        assert await noise(post, 100)
        assert not await noise(post, 400)
        await Client(post.console).connect()
        assert await noise(post, 29_000)
        assert not await noise(post, 1_500)
        await Client(post.console).connect()

    run(story)


def test_far_epochs_and_expired_permits() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        town.epoch = 100
        await town.deposit(post.console)
        assert post.unit.purse.state.epoch == 100
        town.epoch = 110
        await town.deposit(post.console)
        assert post.unit.purse.state.epoch == 110

    run(story)


def _decayed(content: bytes, record: int) -> bytes:
    """The journal's flash with some bits of one record cleared; records count from 0."""
    heads = [at for at in range(0, len(content), PAGE) if content[at] == KIND_HEAD]
    at = heads[record] + BODY_AT
    return content[:at] + bytes([content[at] & 0x0F]) + content[at + 1 :]


def test_a_damaged_journal_is_deposited_and_takes_nothing() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        await town.load(post.console, 1_000)
        await town.load(post.console, 500)
        post.cut()
        post.board.journal.burn(_decayed(post.journal_bytes(), 2))
        await post.boot()
        with pytest.raises(DeviceError, match="journal is damaged"):
            await town.load(post.console, 500)
        done = await town.deposit(post.console)
        assert done.handed == 0
        assert done.notes == (REASONS[status.DAMAGED],)
        with pytest.raises(DeviceError, match="journal is damaged"):
            await town.provision(post.console, Profile.person(HOLDER))
        assert town.ledger.check().loads_under_way == 1_500 - town.in_purse(post.id)
        assert town.balance(WALLET) == FUNDS - 1_500

    run(story)
