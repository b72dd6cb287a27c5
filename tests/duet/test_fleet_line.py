# SPDX-License-Identifier: Apache-2.0
"""A line that makes a fleet, with boards that run the shipped firmware in virtual time: some are
broken, foreign or retired, and some are pulled out of their port, at every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from duotap.certificate import CLASS_NONE
from duotap.errors import Refusal
from duotap.fields import ROLE_PERSON
from duotap.records import IDENTITY
from duotap_host.device.errors import NoLine
from duotap_host.device.link import Line
from duotap_host.issuer import pkcs8
from duotap_host.issuer.factory import FactoryKey, hand_out
from duotap_host.provision.fleet import TRIES, Event, Fleet, Maker, What
from duotap_host.provision.manifest import Manifest, State, Unit
from duotap_host.provision.provisioning import Trusted, trusted
from duotap_host.provision.sheet import Row

from duet.cable_town import HOLDER, Post, Town, card, entropy, kinds, run

PATIENCE_S = 20.0
PASSPHRASE = b"another horse"
CELLS = {"role": "person", "holder": str(HOLDER)}


class Bench:
    """Ports by name with what is plugged in, a manifest, and all that the line says."""

    def __init__(self, folder: Path, units: int, *ports: str) -> None:
        self.town = Town()
        self.ports: dict[str, Line | None] = dict.fromkeys(ports)
        self.manifest = Manifest(folder / "fleet.sqlite")
        self.manifest.enter([Row(n, f"U-{n}", CELLS) for n in range(1, units + 1)])
        self.said: list[Event] = []
        self.frames = self.pulled_at = 0
        self.on: Callable[[Event], object] = lambda _event: None
        self._draw = entropy("line")

    def plug(self, port: str, board: Post | None) -> None:
        """In, or out."""
        self.ports[port] = None if board is None else board.console

    @contextmanager
    def open(self, port: str) -> Iterator[Line]:
        if self.ports[port] is None:
            raise NoLine(f"cannot open {port}: No such file or directory")
        yield Socket(self, port)

    def tell(self, event: Event) -> None:
        self.said.append(event)
        self.on(event)

    async def run(self, maker: Maker | None = None) -> None:
        """With the issuer's own key and ledger, or another maker."""
        fleet = Fleet(
            *(self.manifest, maker or self._maker(), self.open, self.tell),
            patience_s=PATIENCE_S,
            draw=self._draw,
        )
        await fleet.run([*self.ports])

    def _maker(self) -> Maker:
        town = self.town

        def sign(unit: Unit, public: bytes, firmware: bytes) -> bytes:
            fields = unit.profile.certificate(self._draw(4), public, firmware, 1)
            return town.issuer.sign_certificate(fields)

        return Maker(trusted(town.ledger, town.issuer, 1), sign, town.ledger.register_device)

    def came(self, what: What, port: str = "") -> list[str]:
        """The units or reasons of what happened so at a port."""
        of = [event for event in self.said if event.what is what and event.port.startswith(port)]
        return [event.unit or event.told for event in of]


async def new(name: str) -> Post:
    post = Post(name)
    await post.boot()
    return post


class Socket:
    """What is plugged in at a port; gone when something else is, or at the frame `pulled_at`."""

    def __init__(self, bench: Bench, port: str) -> None:
        self._bench = bench
        self._port = port
        self._line = bench.ports[port]

    async def read(self, nbytes: int = 4096) -> bytes:
        assert self._line is not None
        return await self._line.read(nbytes)

    async def write(self, chunk: bytes) -> None:
        self._bench.frames += 1
        if self._bench.ports[self._port] is not self._line or self._line is None:
            raise NoLine(f"{self._port} is gone: Device not configured")
        if self._bench.frames == self._bench.pulled_at:
            raise NoLine(f"{self._port} is gone: Device not configured")
        await self._line.write(chunk)


def test_boards_come_one_after_the_other_at_each_port(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, 5, "left", "right")
        boards = [await new(f"board {n}") for n in range(5)]
        bench.plug("left", boards.pop())
        bench.plug("right", boards.pop())
        bench.on = lambda event: (
            bench.plug(event.port, boards.pop() if boards else None)
            if event.what is What.MADE
            else None
        )
        await bench.run()
        assert sorted(bench.came(What.MADE)) == [f"U-{n}" for n in range(1, 6)]
        assert bench.came(What.MADE, "left")
        assert bench.came(What.MADE, "right")
        assert not bench.came(What.FAILED)
        assert bench.came(What.OVER) == ["", ""]
        assert len(bench.town.ledger.devices()) == 5
        assert bench.manifest.counts()[State.CONFIRMED] == 5

    run(story)


def test_a_broken_board_does_not_stop_the_line(tmp_path: Path) -> None:
    """It is tried three times and told; its unit is made of the next board at any port."""

    async def story() -> None:
        bench = Bench(tmp_path, 3, "left", "right")
        foreign = await card(Town("another issuer"), "foreign")
        boards = [await new(f"board {n}") for n in range(3)]
        bench.plug("left", foreign)

        def change(event: Event) -> None:
            if event.what is What.BROKEN:
                bench.plug("right", boards.pop())
            if event.what in (What.BROKEN, What.MADE):
                bench.plug(event.port, boards.pop() if boards else None)

        bench.on = change
        await bench.run()
        why = "the device holds a certificate of another issuer"
        assert bench.came(What.FAILED, "left") == [why] * TRIES
        assert bench.came(What.BROKEN, "left") == [why]
        assert not bench.came(What.FAILED, "right")
        assert sorted(bench.came(What.MADE)) == ["U-1", "U-2", "U-3"]
        assert bench.came(What.MADE, "left"), "the port goes on with the next board"

    run(story)


def test_a_board_that_stays_broken_is_told_at_the_end(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, 1, "left", "right")
        bench.plug("left", await card(Town("another issuer"), "foreign"))
        await bench.run()
        assert sorted(bench.came(What.OVER)) == [
            "cannot open right: No such file or directory",
            "the device holds a certificate of another issuer",
        ]
        assert bench.manifest.counts()[State.INTENT] == 1

    run(story)


def test_a_unit_that_was_retired_is_not_made_again(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, 2, "left")
        board = await new("board")
        bench.plug("left", board)
        await bench.run()
        (unit,) = [each for each in bench.manifest.units() if each.state is State.CONFIRMED]
        bench.manifest.retire(unit.device)
        bench.said.clear()
        await bench.run()
        told = f"the device is unit {unit.name}, which is retired"
        assert bench.came(What.FAILED) == [told] * TRIES
        assert bench.came(What.OVER) == [told]

    run(story)


def test_a_board_that_was_made_before_is_known(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, 2, "left")
        bench.plug("left", await new("board"))
        await bench.run()
        bench.said.clear()
        await bench.run()
        assert bench.came(What.KNOWN) == ["U-1"]
        assert not bench.came(What.MADE)

    run(story)


def test_pulled_out_at_every_frame(tmp_path: Path) -> None:
    """And plugged in again: one certificate, the same board, nothing left half done."""

    async def made(pulled_at: int) -> int:
        bench = Bench(tmp_path / str(pulled_at), 1, "left")
        bench.pulled_at = pulled_at
        board = await new(f"board {pulled_at}")
        bench.plug("left", board)
        await bench.run()
        (unit,) = bench.manifest.units()
        assert unit.state is State.CONFIRMED, pulled_at
        (device,) = bench.town.ledger.devices()
        assert device.certificate == unit.certificate == board.unit.device.certificate_raw
        assert kinds(board).count(IDENTITY) == 1
        assert len(bench.came(What.FAILED)) <= 1
        await board.close()
        bench.manifest.close()
        return bench.frames

    async def story() -> None:
        frames = await made(0)
        assert frames > 20
        for pulled_at in range(1, frames + 1):
            await made(pulled_at)

    run(story)


def test_devices_of_a_factory_meet_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A factory's card knows everybody; who was there before learns of it with a deposit, who
    comes later when it is made."""
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)

    async def story() -> None:
        bench = Bench(tmp_path, 1, "left")
        town = bench.town
        before = await card(town, "before")
        constraint = (1, ROLE_PERSON, CLASS_NONE, 100_000, 31)
        hand_out(tmp_path / "kit", PASSPHRASE, town.issuer, constraint, town.now_us)
        key = FactoryKey(tmp_path / "kit", lambda: PASSPHRASE)
        town.ledger.certifiers.add(key.raw)
        board = await new("board")
        bench.plug("left", board)

        def sign(unit: Unit, public: bytes, firmware: bytes) -> bytes:
            number = unit.number.to_bytes(4, "big")
            return key.sign_certificate(unit.profile.certificate(number, public, firmware, 1))

        given = Trusted(key.roots, key.keycerts, key.statements)
        await bench.run(Maker(given, sign))
        (unit,) = bench.manifest.units()
        assert unit.state is State.CONFIRMED
        assert town.ledger.register_device(unit.certificate).id == board.id
        after = await card(town, "after")
        assert _knows(board, before)
        assert _knows(board, after)
        assert _knows(after, board)
        assert not _knows(before, board)
        await town.deposit(before.console)
        assert _knows(before, board)
        assert town.settled()

    run(story)


def _knows(one: Post, other: Post) -> bool:
    """Whether it would take the other's certificate."""
    device = one.unit.device
    try:
        device.trust.verify_certificate(other.unit.device.certificate_raw, 1)
    except Refusal:
        return False
    return True
