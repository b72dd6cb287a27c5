# SPDX-License-Identifier: Apache-2.0
"""`make fleet`: a fleet of virtual boards, made by `duotap provision --manifest --factory` while
its process is killed again and again, then booked; and how long a board takes, modelled.

The command is a process of its own, over pseudo-terminals; SIGKILL comes at moments drawn from the
seed, while boards are at work and while it starts. After each kill the boards that were in the
ports are mixed up. Whatever was certified before a kill must be what it is after it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from duet.cable_town import issuer
from duotap.certificate import CLASS_NONE, decode_certificate
from duotap.denylist import EPOCH_BYTES
from duotap.fields import ROLE_PERSON
from duotap_host.cli.desk import FACTORY_VARIABLE
from duotap_host.device.link import Line
from duotap_host.issuer import Issuer, pkcs8
from duotap_host.issuer.factory import FactoryKey, hand_out
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.local import now_us
from duotap_host.ledger.opening import create_ledger, open_ledger
from duotap_host.provision.manifest import Manifest, State
from duotap_host.provision.profile import PERSON_LIMITS, Profile
from duotap_host.virtual import paced, timeline
from duotap_host.virtual.board import CARD
from duotap_host.virtual.costs import RP2040_PORTABLE, RP2040_THUMB, Costs
from duotap_host.virtual.uart import BITS_PER_BYTE
from sweep.town import MemoryOffice, SmallStage

from sim.fleet_bench import Left, Table

README = Path(__file__).parents[2] / "host" / "README.md"
BEGIN, END = "<!-- fleet: make fleet -->\n", "<!-- end of fleet -->"
PASSPHRASE = "correct horse"
HOLDERS = 10
DAYS = 30  # of the factory key
LATER_S = 0.25  # a kill comes so long after a board was made, at most
EARLY_S = 2.5  # or so long after the process began
EARLY_EVERY = 4  # kills, one comes early
STUCK_S = 120.0  # nothing was made for so long
READ_BYTES = 65536
BAUDRATE = 921_600
COMMAND = "from duotap_host.cli.main import main; main()"


class Played(NamedTuple):
    """What it came to."""

    boards: int
    kills: int
    caught: int  # boards in the ports when it was killed
    again: int  # of them, that turned out to be made already
    seconds: float


class Desk:
    """An issuer with its ledger, a factory key and a list in a folder, and the command there."""

    def __init__(self, folder: Path, units: int) -> None:
        self.folder = folder
        self.kit = folder / "kit"
        self.states = self.kit / "fleet.sqlite"
        self.url = f"sqlite:///{folder / 'ledger.sqlite'}"
        before = pkcs8.SCRYPT_N, pkcs8.SCRYPT_P
        pkcs8.SCRYPT_N, pkcs8.SCRYPT_P = 2, 1  # quick to stretch
        try:
            self.issuer = Issuer.create(folder / "keys", PASSPHRASE.encode(), now_us())
            until = self.issuer.epoch(now_us()) + DAYS
            constraint = (units, ROLE_PERSON, CLASS_NONE, PERSON_LIMITS.balance, until)
            hand_out(self.kit, PASSPHRASE.encode(), self.issuer, constraint, now_us())
        finally:
            pkcs8.SCRYPT_N, pkcs8.SCRYPT_P = before
        self.key = FactoryKey(self.kit, PASSPHRASE.encode)
        ledger = create_ledger(self.url, self.issuer)
        ledger.certifiers.add(self.key.raw)
        for holder in range(1, HOLDERS + 1):
            ledger.open_account(AccountCode.WALLET, holder)
        ledger.close()
        rows = (f"U-{n:05d},person,{n % HOLDERS + 1}" for n in range(units))
        (folder / "fleet.csv").write_text("\n".join(("unit,role,holder", *rows, "")))

    def start(self, ports: Sequence[str]) -> subprocess.Popen[bytes]:
        """The factory's: it has neither the issuer's keys nor the ledger."""
        fleet = ("--manifest", str(self.folder / "fleet.csv"), "--factory", str(self.kit))
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, "provision", *ports, *fleet],
            stdout=subprocess.PIPE,
            cwd=self.kit,
            env={**os.environ, FACTORY_VARIABLE: PASSPHRASE, "PYTHONUNBUFFERED": "1"},
        )


class Run:
    """One process of the command, and what it says."""

    def __init__(self, desk: Desk, table: Table) -> None:
        self._table = table
        self._process = desk.start([port.pty.path for port in table.ports])
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        self._text = b""
        self._said: asyncio.Queue[str] = asyncio.Queue()
        self.again = 0
        asyncio.get_running_loop().add_reader(self._out, self._read)

    def _read(self) -> None:
        chunk = os.read(self._out, READ_BYTES)
        *lines, self._text = (self._text + chunk).split(b"\n")
        for line in lines:
            self._said.put_nowait(line.decode())
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._out)
            self._said.put_nowait("")

    async def until(self, made: int) -> bool:
        """Change boards until so many have left; False if the command ended before."""
        while len(self._table.left) < made:
            async with asyncio.timeout(STUCK_S):
                line = await self._said.get()
            if not line:
                return False
            await self._hear(line)
        return True

    async def _hear(self, line: str) -> None:
        path, _, told = line.partition(": ")
        assert "failed" not in told, line
        if "next board" in told:
            self.again += "made before" in told
            await self._table.done(path)

    async def kill(self) -> None:
        """SIGKILL. What it said until then was heard."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        while line := await self._said.get():
            await self._hear(line)

    def end(self) -> int:
        """Its exit status."""
        return self._process.wait()


def moments(units: int, kills: int, ports: int, seed: int) -> list[tuple[int, float]]:
    """For each kill: how many boards are made before, and seconds from then on."""
    chance = random.Random(seed)
    after = sorted(chance.randrange(units - 2 * ports) for _ in range(kills))
    return [
        (made, chance.uniform(0, LATER_S if n % EARLY_EVERY else EARLY_S))
        for n, made in enumerate(after)
    ]


async def play(desk: Desk, units: int, kills: int, ports: int, seed: int) -> Played:
    """All of it."""
    began = time.monotonic()
    table = Table(ports, units, seed)
    known: dict[int, bytes] = {}
    caught = again = 0
    for number, (made, later_s) in enumerate(moments(units, kills, ports, seed)):
        await table.fill()
        run = Run(desk, table)
        if number % EARLY_EVERY:
            assert await run.until(made), "it ended before it was killed"
        await asyncio.sleep(later_s)
        await run.kill()
        again += run.again
        caught += await table.mix()
        compare(desk, known)
        print(f"kill {number + 1} after {len(table.left)} boards", file=sys.stderr, flush=True)
    await table.fill()
    run = Run(desk, table)
    await run.until(units)
    await table.close()
    assert run.end() == 0
    compare(desk, known)
    check(desk, units, table.left)
    again += run.again
    return Played(len(table.left), kills, caught, again, time.monotonic() - began)


def compare(desk: Desk, known: dict[int, bytes]) -> None:
    """No unit's certificate is another one than before."""
    if not desk.states.exists():
        return
    manifest = Manifest(desk.states)
    for unit in manifest.units():
        if unit.certificate:
            assert known.setdefault(unit.number, unit.certificate) == unit.certificate
    assert sum(unit.state is not State.INTENT for unit in manifest.units()) == len(known)
    manifest.close()


def check(desk: Desk, units: int, left: Sequence[Left]) -> None:
    """Boards, manifest and ledger say the same, and each once."""
    manifest = Manifest(desk.states)
    found = {unit.device: unit.certificate for unit in manifest.units()}
    assert manifest.counts()[State.CONFIRMED] == len(found) == len(left) == units
    assert {each.device: each.certificates for each in left} == {
        device: (certificate,) for device, certificate in found.items()
    }
    manifest.close()
    serials = sorted(decode_certificate(raw).message.serial for raw in found.values())
    assert [int.from_bytes(serial[EPOCH_BYTES:], "big") for serial in serials] == [
        *range(1, units + 1)
    ]
    ledger = open_ledger(desk.url, desk.issuer)
    for certificate in found.values():
        ledger.register_device(certificate)
    assert {device.id: device.certificate for device in ledger.devices()} == found
    assert ledger.certifiers.booked() == {desk.key.id: units}
    ledger.close()


class Wire:
    """A serial line of BAUDRATE, on virtual time: bytes take theirs."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.nbytes = 0

    async def read(self, nbytes: int = 4096) -> bytes:
        chunk = await self._line.read(nbytes)
        await self._carry(chunk)
        return chunk

    async def write(self, chunk: bytes) -> None:
        await self._carry(chunk)
        await self._line.write(chunk)

    async def _carry(self, chunk: bytes) -> None:
        self.nbytes += len(chunk)
        await asyncio.sleep(len(chunk) * BITS_PER_BYTE / BAUDRATE)


class Modelled(NamedTuple):
    """One board at one port, from its first byte to the last."""

    costs: str
    seconds: float
    nbytes: int


def modelled(costs: Costs) -> Modelled:
    """How long a board takes by the clock of the model, and of the costs; changing boards not
    counted. The birth of a key is charged as a signature: both are one multiple of a point."""

    async def visit() -> Modelled:
        office = MemoryOffice(Path(), b"modelled", issuer())
        office.open()
        office.account(AccountCode.WALLET, 1, "")
        stage = SmallStage(b"modelled")
        stage.costs = costs
        device = await stage.add("board", CARD)
        began_us, wire = stage.timeline.now_us(), Wire(device.console)
        await office.enrol("board", wire, Profile.person(1))
        us = stage.timeline.now_us() - began_us + costs.sign_us
        return Modelled(costs.name, us / 1e6, wire.nbytes)

    return timeline.run(visit())


FLEET_HEAD = (
    "| boards made | the command was killed | boards in its ports then |"
    " of them made, and not told of yet | certified twice |\n|---:|---:|---:|---:|---:|\n"
)
TIME_HEAD = (
    f"\n| board | bytes, both ways, at {BAUDRATE} baud | seconds | devices a minute and port |\n"
    "|---|---:|---:|---:|\n"
)


def table(played: Played) -> str:
    """What README shows."""
    made = f"| {played.boards:,} | {played.kills} times | {played.caught} | {played.again} | 0 |\n"
    rows = "".join(
        f"| {each.costs} | {each.nbytes:,} | {each.seconds:.2f} | {60 / each.seconds:.0f} |\n"
        for each in map(modelled, (RP2040_PORTABLE, RP2040_THUMB))
    )
    return FLEET_HEAD + made + TIME_HEAD + rows


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("make fleet")
    parser.add_argument("--units", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--ports", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readme", action="store_true", help="write the table there")
    chosen = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), chosen.units)
        played = paced.run(play(desk, chosen.units, chosen.kills, chosen.ports, chosen.seed))
    made = table(played)
    print(made)
    print(
        f"seed {chosen.seed}, {chosen.ports} ports, {played.seconds:.0f} s; keys are born on the"
    )
    print("virtual boards, which have their signatures computed by OpenSSL")
    if chosen.readme:
        text = README.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        README.write_text(before + BEGIN + made + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
