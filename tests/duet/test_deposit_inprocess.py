# SPDX-License-Identifier: Apache-2.0
"""Cable, device and ledger together: provisioning, loads and deposits, whatever happens to the
line, to the device and to the host."""

from __future__ import annotations

import asyncio
import random

import pytest
from duotap import records, slip, status
from duotap_host.device.client import Client
from duotap_host.device.errors import (
    DeviceError,
    DeviceRefused,
    NoAnswer,
    NotUnderstood,
)
from duotap_host.ledger import codes
from duotap_host.ledger.interface import NotFound, Refused
from duotap_host.provision.profile import Profile
from duotap_host.virtual.nor import Mix

from duet.cable_town import (
    FUNDS,
    HOLDER,
    MERCHANT,
    OTHER_HOLDER,
    Bad,
    Broken,
    Post,
    Town,
    card,
    run,
    stand,
)
from duet.makers import Torn, touch

LOADED = 20_000
WALLET = codes.wallet(HOLDER)


async def _first_day(town: Town, post: Post, line: object) -> None:
    """From the shelf to a deposited load."""
    await town.provision(line, Profile.person(HOLDER))  # type: ignore[arg-type]  # a line
    await town.load(line, LOADED, b"first load")  # type: ignore[arg-type]  # a line
    await town.deposit(line)  # type: ignore[arg-type]  # a line


def _is_right(town: Town, post: Post) -> bool:
    state = post.unit.purse.state
    assert town.settled()
    assert (state.balance(), town.in_purse(post.id)) == (LOADED, LOADED)
    assert town.balance(WALLET) == FUNDS - LOADED
    assert len(town.ledger.devices()) == 1
    return True


def kinds(post: Post) -> list[int]:
    journal = post.unit.purse.journal
    return [kind for _, kind, _ in journal.walk(journal.first_sequence)]


def test_from_the_shelf_to_the_ledger() -> None:
    async def story() -> None:
        town, post = Town(), Post()
        await post.boot()
        await _first_day(town, post, post.console)
        assert _is_right(town, post)
        assert kinds(post) == [
            records.IDENTITY,
            records.STATEMENT,
            records.LOAD,
            records.BASE_PART,
            records.CHECKPOINT,
        ]
        assert post.unit.purse.state.used[3] == 0

    run(story)


def test_the_same_deposit_twice_changes_nothing() -> None:
    async def story() -> None:
        town, post = Town(), Post()
        await post.boot()
        await _first_day(town, post, post.console)
        before = post.journal_bytes()
        again = await town.deposit(post.console)
        assert (again.records, again.handed, again.covers) == (0, 0, True)
        assert post.journal_bytes() == before
        assert _is_right(town, post)

    run(story)


def clean() -> bytes:
    """The journal after the first day on a line without faults."""

    async def story() -> bytes:
        town, post = Town(), Post()
        await post.boot()
        await _first_day(town, post, post.console)
        return post.journal_bytes()

    return run(story)


@pytest.mark.parametrize("fate", ["drop", "twice", "cut", "flip", "noise", "late"])
def test_a_bad_line_changes_no_byte_of_the_journal(fate: str) -> None:
    async def story() -> bytes:
        town, post = Town(), Post()
        await post.boot()
        line = Bad(post.console, lambda n: fate if n % 3 == 1 else "")
        await _first_day(town, post, line)
        assert line.sent > 70
        assert _is_right(town, post)
        return post.journal_bytes()

    assert run(story) == clean()


@pytest.mark.parametrize("seed", range(4))
def test_a_line_that_does_everything_at_once(seed: int) -> None:
    rng = random.Random(seed)
    fates = ["", "", "", "drop", "twice", "cut", "flip", "noise", "late"]

    async def story() -> bytes:
        town, post = Town(), Post()
        await post.boot()
        await _first_day(town, post, Bad(post.console, lambda _n: rng.choice(fates)))
        assert _is_right(town, post)
        return post.journal_bytes()

    assert run(story) == clean(), f"seed {seed}"


async def _broken_off(town: Town, post: Post, at: int, boot: bool) -> bool:
    """Go through the first day, broken off at the n-th frame, then again from its beginning.
    False when there is no n-th frame."""
    line = Bad(post.console, lambda n: "break" if n == at else "")
    try:
        await _first_day(town, post, line)
    except Broken:
        if boot:
            await post.reboot()
        await _first_day(town, post, post.console)
        return True
    return False


@pytest.mark.parametrize("boot", [False, True])
def test_broken_off_anywhere_it_goes_on(boot: bool) -> None:
    async def story(at: int) -> bool:
        town, post = Town(), Post()
        await post.boot()
        was_broken = await _broken_off(town, post, at, boot)
        assert _is_right(town, post)
        assert kinds(post).count(records.IDENTITY) == 1
        assert kinds(post).count(records.LOAD) == 1
        return was_broken

    at = 0
    while run(lambda: story(at)):  # noqa: B023  (run before the next turn)
        at += 5 if boot else 3
    assert at > 70


async def _power_cut(town: Town, post: Post, operation: int) -> bool:
    """The first day; power goes in the n-th page that is programmed. False if there is none."""
    post.board.nor.plan_cut(operation, Mix(operation))
    try:
        await _first_day(town, post, post.console)
    except NoAnswer:
        await post.reboot()
        await _first_day(town, post, post.console)
        return True
    return False


def test_a_power_cut_at_any_page_loses_nothing() -> None:
    async def story(operation: int) -> bool:
        town, post = Town(), Post()
        await post.boot()
        was_cut = await _power_cut(town, post, operation)
        assert _is_right(town, post)
        assert kinds(post).count(records.LOAD) == 1
        return was_cut

    operation = 0
    while run(lambda: story(operation)):  # noqa: B023  (run before the next turn)
        operation += 1
    assert operation > 12


# Two devices


def test_a_void_and_a_receipt_go_by_way_of_the_ledger() -> None:
    async def story() -> None:
        town = Town()
        payer, payee = await card(town), await stand(town)
        await town.load(payer.console, LOADED)
        payer.arm()
        assert touch(payee, payer, 6_660).kind == "paid"  # type: ignore[arg-type]  # two sides
        tear(payee, payer, 500)
        payee.unit.payee.cancel()  # the merchant gave up: V
        for post in (payee, payer, payee, payer):
            await town.deposit(post.console)
        assert not payer.unit.purse.state.open_payments
        assert payer.unit.purse.state.balance() == LOADED - 6_660
        assert town.settled()
        assert town.in_purse(payer.id) == LOADED - 6_660
        assert town.balance(codes.merchant(MERCHANT)) == 6_660
        assert kinds(payee).count(records.LATE_VOID) == 1

    run(story)


def tear(payee: Post, payer: Post, amount: int) -> None:
    """Touch until the payer has paid and the payee has not got it.

    In the second round the two know each other's certificates, which takes legs away.
    """
    for leg in (*range(1, 12), *range(1, 12)):
        payer.arm()
        with pytest.raises(Torn):
            touch(payee, payer, amount, leg, leg > 1)  # type: ignore[arg-type]  # two sides
        if payer.unit.purse.state.open_payments:
            return
    pytest.fail("the payer never paid")


def test_a_payment_that_the_payee_never_saw_is_brought_by_the_ledger() -> None:
    async def story() -> None:
        town = Town()
        payer, payee = await card(town), await card(town, "other", OTHER_HOLDER)
        await town.load(payer.console, LOADED)
        tear(payee, payer, 500)
        for post in (payer, payee, payer):
            await town.deposit(post.console)
        assert payee.unit.purse.state.balance() == 500
        assert not payer.unit.purse.state.open_payments
        assert town.settled()
        assert town.in_purse(payee.id) == 500

    run(story)


# A full journal


async def _load_until_full(town: Town, post: Post) -> int:
    for count in range(20):
        try:
            await town.load(post.console, 7)
        except DeviceError as error:
            if "journal is full" in str(error) and "goes back to wallet:7" in str(error):
                return count * 7
            raise
    pytest.fail("the journal does not fill up")


def test_a_full_journal_warns_refuses_and_is_emptied() -> None:
    async def story() -> None:
        town = Town()
        payer, payee = await card(town, journal_blocks=10), await stand(town)
        await town.load(payer.console, LOADED)
        purse, paid, warned = payer.unit.purse, 0, False
        while True:
            payer.arm()
            outcome = touch(payee, payer, 100)  # type: ignore[arg-type]  # two sides
            if outcome.kind != "paid":
                break
            paid += 100
            warned = warned or purse.warns()
        assert warned
        assert outcome.sw == status.JOURNAL_FULL
        payee.unit.payee.cancel()
        loaded = await _load_until_full(town, payer)
        await town.deposit(payee.console)
        done = await town.deposit(payer.console)
        assert done.covers
        payer.tidy()
        assert not purse.warns()
        payer.arm()
        assert touch(payee, payer, 100).kind == "paid"  # type: ignore[arg-type]  # two sides
        for post in (payer, payee, payer):
            await town.deposit(post.console)
        assert town.settled()
        assert town.in_purse(payer.id) == LOADED + loaded - paid - 100
        assert town.balance(WALLET) == FUNDS - LOADED - loaded

    run(story)


# Who is not served


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
