# SPDX-License-Identifier: Apache-2.0
"""A factory at the terminal: the key that it is handed, the list, and what comes back, without a
board; those are in tests/duet/test_fleet_line.py and tests/sim/test_fleet.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from duotap.certificate import key_id
from duotap_host.cli.line import Board
from duotap_host.cli.main import main
from duotap_host.issuer import pkcs8
from duotap_host.issuer.es256 import SigningKey
from duotap_host.issuer.factory import FactoryKey
from duotap_host.provision.fleet import Event, What
from duotap_host.provision.label import short
from duotap_host.provision.manifest import Manifest, State
from rich.console import Console

PASSPHRASE, OF_FACTORY = "correct horse", "another horse"
FACTORY = "issuer factory kit --devices 2 --role person --balance-max 1000"
LIST = "unit,role,holder\nA-1,person,7\nA-2,person,7\n"
MAKE = "provision /nowhere/tty --patience 1 --manifest fleet.csv"


class Said(NamedTuple):
    """What a run of the command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """With an issuer, a holder, a factory key and a list."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUOTAP_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("DUOTAP_FACTORY_PASSPHRASE", OF_FACTORY)
    for variable in ("DUOTAP_LEDGER", "DUOTAP_KEYS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)

    def run(line: str) -> Said:
        with pytest.raises(SystemExit) as left:
            main(line.split())
        said = capsys.readouterr()
        status = left.value.code
        assert isinstance(status, int)
        return Said(status, said.out, said.err)

    for line in ("issuer init", "account open --holder 7", FACTORY):
        assert run(line).status == 0
    Path("fleet.csv").write_text(LIST)
    return run


def made(count: int) -> list[bytes]:
    """Confirm units without a board, as a line would."""
    manifest = Manifest(Path("kit/fleet.sqlite"))
    key = FactoryKey(Path("kit"), OF_FACTORY.encode)
    found = []
    for unit in manifest.units()[:count]:
        public = SigningKey.generate().public
        serial = unit.number.to_bytes(4, "big")
        fields = unit.profile.certificate(serial, public, bytes(32), 1)
        manifest.certify(unit.number, key_id(public), key.sign_certificate(fields))
        manifest.confirm(key_id(public))
        found.append(key_id(public))
    manifest.close()
    return found


def test_the_factory_key_is_handed_out_once(run: Run) -> None:
    before = Path("kit/factory.pem").read_bytes()
    other = "issuer factory kit --devices 9 --role stand --class count --balance-max 5"
    for line in (FACTORY, other):
        again = run(line)
        assert again.status == 0
        assert "2 devices of role person, class none, at most 1000.00 each" in again.out
    assert Path("kit/factory.pem").read_bytes() == before
    assert run("issuer factory fleet.csv --devices 2 --role person --balance-max 1").status == 1


def test_a_list_is_made_without_keys_and_ledger_of_the_issuer(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no board, and that is told at the port."""
    monkeypatch.delenv("DUOTAP_PASSPHRASE")
    Path("duotap-state").rename("elsewhere")
    said = run(f"{MAKE} --factory kit")
    assert said.status == 1
    assert "cannot open /nowhere/tty: No such file" in said.out
    assert "Units: 2 intent." in said.out
    assert "The same command again goes on" in said.out
    assert not Path("duotap-state").exists()


def test_what_comes_back_is_booked(run: Run) -> None:
    run(f"{MAKE} --factory kit")
    devices = made(1)
    shown = run("fleet show --states kit/fleet.sqlite").out
    assert devices[0].hex() in shown
    assert "Units: 1 intent, 1 confirmed." in shown
    booked = run("fleet book --states kit/fleet.sqlite")
    assert booked == (0, "Entered 1, known before 0, refused 0.\n", "")
    assert "known before 1" in run("fleet book --states kit/fleet.sqlite").out
    assert devices[0].hex() in run("devices").out


def test_a_copied_key_is_told_when_it_is_booked(run: Run) -> None:
    """Two lines with one key count alike; the ledger takes each number once."""
    run(f"{MAKE} --factory kit")
    made(2)
    run("fleet book --states kit/fleet.sqlite")
    Path("kit/fleet.sqlite").rename("first.sqlite")
    run(f"{MAKE} --factory kit")
    made(1)
    said = run("fleet book --states kit/fleet.sqlite")
    assert said.status == 1
    assert "A-1 is refused: factory key" in said.out
    assert "certified two devices as its number 1: it was copied or stolen" in said.out


def test_labels(run: Run) -> None:
    run(f"{MAKE} --factory kit")
    (device,) = made(1)
    said = run("fleet labels out --states kit/fleet.sqlite --stock 40x30")
    assert said.out == "Wrote 1 labels to out.\n"
    assert [path.name for path in Path("out").iterdir()] == ["A-1.svg"]
    assert short(device) in Path("out/A-1.svg").read_text()
    again = "fleet labels out --states kit/fleet.sqlite --unit"
    assert run(f"{again} A-1").status == 0
    assert run(f"{again} A-2").err == "duotap: A-2 is intent: it has no label\n"
    assert "there is no unit A-9 in" in run(f"{again} A-9").err


def test_a_unit_is_given_up(run: Run) -> None:
    run(f"{MAKE} --factory kit")
    retire = "fleet retire --states kit/fleet.sqlite"
    assert run(f"{retire} A-1").err == "duotap: A-1 is intent, not unconfirmed\n"
    manifest = Manifest(Path("kit/fleet.sqlite"))
    manifest.certify(1, bytes(16), b"certificate")
    manifest.close()
    assert run(f"{retire} A-1").out == "A-1 is retired.\n"


def test_a_list_that_was_beyond_the_key_leaves_nothing_behind(run: Run) -> None:
    """Neither a unit nor a number; and what is no more on the list is not made."""
    Path("fleet.csv").write_text("unit,role,holder\nA,person,1\nB,person,1\nC,person,1\n")
    assert "unit C is beyond the factory key: number 3 of 2" in run(f"{MAKE} --factory kit").err
    Path("fleet.csv").write_text(LIST)
    assert "Units: 2 intent." in run(f"{MAKE} --factory kit").out
    Path("fleet.csv").write_text("unit,role,holder\nA-2,person,7\n")
    assert "Units: 1 intent." in run(f"{MAKE} --factory kit").out
    shown = run("fleet show --states kit/fleet.sqlite").out
    assert [line.split()[:2] for line in shown.splitlines()[1:3]] == [["1", "A-1"], ["2", "A-2"]]


@pytest.mark.parametrize(
    ("line", "rows", "why"),
    [
        (MAKE, "A,person,8\n", "fleet.csv line 2: there is no account wallet:8; open it first"),
        (MAKE, "A,till,7\n", "fleet.csv line 2: role is person or stand, not 'till'"),
        (f"{MAKE} --factory kit", "A,person,1\nB,person,1\nC,person,1\n", "number 3 of 2"),
        (f"{MAKE} --factory none", "A,person,7\n", "no issuer's keys in none"),
        (f"{MAKE} --role person", "A,person,7\n", "the list says what the units are"),
        ("provision a b --role person --holder 7", "", "one PORT, or --manifest for a fleet"),
        ("provision a --role person --holder 7 --factory kit", "", "are a fleet's: --manifest"),
        ("provision a --role person --holder 7 --labels out", "", "are a fleet's: --manifest"),
        (MAKE.replace("fleet.csv", "none.csv"), "", "cannot read none.csv: No such file"),
    ],
)
def test_what_cannot_be_made_is_told_before_a_port_is_opened(
    run: Run, line: str, rows: str, why: str
) -> None:
    Path("fleet.csv").write_text("unit,role,holder\n" + rows)
    said = run(line)
    assert said.status in (1, 2)
    assert said.out == ""
    assert why in said.err
    assert said.err.count("\n") == 1


def test_a_terminal_shows_a_line_for_each_port() -> None:
    """Which stays; with the count, the speed and what is left below."""
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    counts = {State.INTENT: 3, State.CONFIRMED: 1, State.RETIRED: 5}
    with Board(console, counts, ["left", "right"]) as board:
        board.tell(Event("left", What.WORKING))
        board.tell(Event("right", What.FAILED, told="no device answers there"))
        board.tell(Event("left", What.MADE, "A-7", bytes(16)))
    shown = screen.getvalue().rpartition("port ")[2]
    assert re.search(r"left +1 +A-7 is made, device 0{32}: next board", shown)
    assert re.search(r"right +0 +failed: no device answers there", shown)
    assert re.search(r"2 of 4, [0-9.]+ a minute, 0 h 00 min left", shown)


def test_the_passphrase_of_the_factory_is_its_own(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOTAP_FACTORY_PASSPHRASE", PASSPHRASE)
    assert "wrong passphrase for kit/factory.pem" in run(f"{MAKE} --factory kit").err
    monkeypatch.delenv("DUOTAP_FACTORY_PASSPHRASE")
    told = "no passphrase: set DUOTAP_FACTORY_PASSPHRASE or give --factory-passphrase-file"
    assert told in run(f"{MAKE} --factory kit").err
    Path("secret").write_text(OF_FACTORY + "\n")
    assert "Units: 2 intent" in run(f"{MAKE} --factory kit --factory-passphrase-file secret").out
