# SPDX-License-Identifier: Apache-2.0
"""Cable, device and ledger together: provisioning, loads and deposits, whatever happens to the
line, to the device and to the host."""

from __future__ import annotations

import random

import pytest
from duotap import apdu, records, slip
from duotap_host.device.client import Client
from duotap_host.device.errors import DeviceRefused, NoAnswer
from duotap_host.device.link import Line
from duotap_host.ledger import codes
from duotap_host.provision.profile import Profile
from duotap_host.virtual.nor import Mix
from port import keyfile

from duet.cable_town import FUNDS, HOLDER, Bad, Broken, Post, Town, card, kinds, run, stand

LOADED = 20_000
WALLET = codes.wallet(HOLDER)


async def _first_day(town: Town, line: Line, seed: str = "host") -> None:
    """From the shelf to a deposited load; `seed` of what the host draws."""
    await town.provision(line, Profile.person(HOLDER), seed)
    await town.load(line, LOADED, b"first load")
    await town.deposit(line)


def _is_right(town: Town, post: Post) -> bool:
    state = post.unit.purse.state
    assert town.settled()
    assert (state.balance(), town.in_purse(post.id)) == (LOADED, LOADED)
    assert town.balance(WALLET) == FUNDS - LOADED
    assert len(town.ledger.devices()) == 1
    return True


def test_from_the_shelf_to_the_ledger() -> None:
    async def story() -> None:
        town, post = Town(), Post()
        await post.boot()
        await _first_day(town, post.console)
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
        await _first_day(town, post.console)
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
        await _first_day(town, post.console)
        return post.journal_bytes()

    return run(story)


@pytest.mark.parametrize("fate", ["drop", "twice", "cut", "flip", "noise", "late"])
def test_a_bad_line_changes_no_byte_of_the_journal(fate: str) -> None:
    async def story() -> bytes:
        town, post = Town(), Post()
        await post.boot()
        line = Bad(post.console, lambda n: fate if n % 3 == 1 else "")
        await _first_day(town, line)
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
        await _first_day(town, Bad(post.console, lambda _n: rng.choice(fates)))
        assert _is_right(town, post)
        return post.journal_bytes()

    assert run(story) == clean(), f"seed {seed}"


async def _broken_off(town: Town, post: Post, at: int, boot: bool) -> bool:
    """Go through the first day, broken off at the n-th frame, then again from its beginning.
    False when there is no n-th frame."""
    line = Bad(post.console, lambda n: "break" if n == at else "")
    try:
        await _first_day(town, line)
    except Broken:
        if boot:
            await post.reboot()
        await _first_day(town, post.console, "again")
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
        await _first_day(town, post.console)
    except NoAnswer:
        await post.reboot()
        await _first_day(town, post.console, "again")
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


def test_a_stand_is_read_after_its_shift_pin() -> None:
    async def story() -> None:
        town = Town()
        post = await stand(town)
        post.files.kept["shift.pin"] = b"4711"
        await post.reboot()
        client = Client(post.console)
        await client.connect()
        with pytest.raises(DeviceRefused):
            await client.verify_pin(b"4712")
        await client.verify_pin(b"4711")
        await client.open_sync()
        await client.connect()
        with pytest.raises(DeviceRefused):
            await client.open_sync()

    run(story)


def test_a_long_session_counts_round() -> None:
    async def story() -> None:
        town = Town()
        post = await card(town)
        client = Client(Bad(post.console, lambda n: "twice" if n % 7 == 0 else ""))
        await client.connect()
        nonces = {await client.get_challenge() for _ in range(600)}
        assert len(nonces) == 600

    run(story)


class Recorded:
    """A line that keeps the content of all that went over it, without its frames."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._sent, self._got = slip.Decoder(), slip.Decoder()
        self.told = b""

    async def read(self, nbytes: int = 4096) -> bytes:
        chunk = await self._line.read(nbytes)
        self.told += b"".join(message[:-2] for _, message in self._got.feed(chunk))
        return chunk

    async def write(self, chunk: bytes) -> None:
        self.told += b"".join(apdu.parse(message).data for _, message in self._sent.feed(chunk))
        await self._line.write(chunk)


def test_the_private_key_goes_nowhere() -> None:
    async def story() -> None:
        town, post = Town(), Post()
        await post.boot()
        line = Recorded(post.console)
        await _first_day(town, line)
        assert post.unit.device.signer.public_key() in line.told
        secret = post.files.kept[keyfile.NAME][: keyfile.SECRET_BYTES]
        number = str(int.from_bytes(secret, "big")).encode()
        for place in (line.told, post.journal_bytes(), repr(town.ledger.devices()).encode()):
            for form in (secret, secret[::-1], secret.hex().encode(), number):
                assert form not in place

    run(story)
