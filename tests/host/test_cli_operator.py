# SPDX-License-Identifier: Apache-2.0
"""The operator at the terminal: what is printed, what is refused, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from duotap_host.cli.main import main
from duotap_host.issuer import Issuer, pkcs8
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.opening import open_ledger
from host.paper_device import person, stand
from sqlalchemy import create_engine, text

PASSPHRASE = "correct horse"


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
    """The command in an empty directory, with a passphrase that is quick to stretch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUOTAP_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("DUOTAP_LEDGER", raising=False)
    monkeypatch.delenv("DUOTAP_KEYS", raising=False)
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)

    def run(line: str) -> Said:
        with pytest.raises(SystemExit) as left:
            main(line.split())
        said = capsys.readouterr()
        status = left.value.code
        assert isinstance(status, int)
        return Said(status, said.out, said.err)

    return run


@pytest.fixture
def opened(run: Run) -> Run:
    """With an issuer, a holder who has 500.00, and a merchant."""
    for line in (
        "issuer init",
        "account open --holder 7 --name Li",
        "account open --merchant 12",
        "account fund wallet:7 500.00",
    ):
        assert run(line).status == 0
    return run


def test_a_morning_at_the_terminal(run: Run) -> None:
    said = run("issuer init")
    assert "Issuer " in said.out
    assert "The ledger is open." in said.out
    assert run("account show").out == "No account is open yet.\n"
    assert run("account open --holder 7 --name Li").out == "wallet:7 is open.\n"
    assert run("account open --merchant 12").out == "merchant:12 is open.\n"
    assert run("account fund wallet:7 200").out == "wallet:7 holds 200.00.\n"
    assert run("account fund wallet:7 66.6").out == "wallet:7 holds 266.60.\n"
    assert run("account show wallet:7").out.split() == [
        *("account", "name", "debits", "credits", "balance"),
        *("wallet:7", "Li", "0.00", "266.60", "266.60"),
    ]
    checked = run("ledger check")
    assert checked.status == 0
    assert "issuance  266.60     0.00  -266.60" in checked.out
    assert "In circulation 266.60: accounts 266.60" in checked.out
    assert "The trial balance closes." in checked.out
    assert run("reconcile").out == "Booked 0 transfers.\nNo findings.\n"
    assert run("devices").out == "No device is provisioned yet.\n"


REFUSED = [
    ("account fund wallet:7 0", 2, "0 is nothing; an amount is at least 0.01"),
    ("account fund wallet:7 0.00", 2, "0.00 is nothing"),
    ("account fund wallet:7 -5", 2, "-5 is negative; an amount is at least 0.01"),
    ("account fund wallet:7 1e3", 2, "1e3 is not an amount such as 200 or 66.60"),
    ("account fund wallet:7 0.001", 2, "0.001 is not an amount"),
    ("account fund wallet:7 ２００", 2, "is not an amount"),
    ("account fund wallet:7 100000000", 2, "is not an amount such as 200 or 66.60, below 100"),
    ("account fund wallet:9 5", 1, "there is no account wallet:9"),
    ("account fund issuance 5", 1, "issuance is not funded by hand"),
    ("account open --holder 7", 1, "wallet:7 is open already"),
    ("account open --holder 0", 1, "the number of a holder or merchant is 1 to 1073741823"),
    ("account open --holder x", 2, "'x' is not a valid integer"),
    ("account open", 2, "give either --holder or --merchant"),
    ("account open --holder 1 --merchant 1", 2, "give either --holder or --merchant"),
    ("account show wallet:9", 1, "there is no account wallet:9"),
    ("account fund", 2, "Missing argument 'ACCOUNT'"),
    ("frobnicate", 2, "No such command 'frobnicate'"),
    ("issuer init", 1, "there is an issuer in duotap-state/keys, and its ledger; nothing"),
    ("--keys elsewhere issuer init", 1, "a ledger already, of keys that are not here"),
    ("--keys elsewhere account show", 1, "no issuer's keys in elsewhere"),
    ("--ledger sqlite:///else.sqlite account show", 1, "there is no ledger at else.sqlite"),
    ("--ledger carrier://pigeon account show", 1, "not of a kind that is known here"),
    ("--passphrase-file nowhere --keys k issuer init", 1, "a ledger already"),
]


@pytest.mark.parametrize(("line", "status", "why"), REFUSED)
def test_a_mistake_is_one_line_and_changes_nothing(
    opened: Run, tmp_path: Path, line: str, status: int, why: str
) -> None:
    before = opened("account show --all").out
    said = opened(line)
    assert said.status == status
    assert said.out == ""
    assert why in said.err
    assert said.err.startswith("duotap: ")
    assert said.err.count("\n") == 1
    assert PASSPHRASE not in said.err
    assert opened("account show --all").out == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["duotap-state"]


def test_a_wrong_passphrase_signs_nothing(
    opened: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUOTAP_PASSPHRASE", "wrong horse")
    said = opened("--ledger sqlite:///other.sqlite issuer init")
    assert said.status == 1
    assert (
        said.err
        == "duotap: wrong passphrase for duotap-state/keys/money.pem, or the file is damaged\n"
    )
    assert not (tmp_path / "other.sqlite").exists()
    assert opened("account show").status == 0  # what signs nothing needs no passphrase


def test_the_passphrase_may_come_from_a_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DUOTAP_PASSPHRASE")
    (tmp_path / "secret").write_text(PASSPHRASE + "\n")
    assert "no passphrase: set DUOTAP_PASSPHRASE" in run("issuer init").err
    assert not (tmp_path / "duotap-state").exists()
    assert run("--passphrase-file secret issuer init").status == 0
    Issuer.open(tmp_path / "duotap-state/keys", PASSPHRASE.encode).unlock()
    assert (
        "cannot read gone: No such file"
        in run("--passphrase-file gone --keys k2 --ledger sqlite:///l2 issuer init").err
    )


def test_a_short_passphrase_makes_no_keys(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUOTAP_PASSPHRASE", "short")
    assert run("issuer init").err == "duotap: passphrase is shorter than 8 characters\n"
    assert not (tmp_path / "duotap-state" / "keys").exists()


def test_other_keys_do_not_open_the_ledger(opened: Run) -> None:
    assert opened("--keys k2 --ledger sqlite:///l2.sqlite issuer init").status == 0
    said = opened("--keys k2 account show")
    assert said.status == 1
    assert "is of the issuer" in said.err
    assert "these keys are of" in said.err


def test_init_goes_on_after_an_interruption(opened: Run, tmp_path: Path) -> None:
    """Keys were made, the ledger was not."""
    (tmp_path / "duotap-state" / "ledger.sqlite").unlink()
    before = (tmp_path / "duotap-state" / "keys" / "root.pub").read_bytes()
    assert opened("issuer init").status == 0
    assert (tmp_path / "duotap-state" / "keys" / "root.pub").read_bytes() == before
    assert opened("ledger check").status == 0


def test_a_file_that_is_no_ledger(opened: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk, eggs\n" * 100)
    said = opened("--ledger sqlite:///notes.txt account show")
    assert said.err == "duotap: the ledger's database refuses: file is not a database\n"
    assert (tmp_path / "notes.txt").read_text() == "milk, eggs\n" * 100


def test_a_password_in_the_url_is_not_shown(opened: Run) -> None:
    said = opened("--ledger postgresql://bob:hunter2@127.0.0.1:9/x account show")
    assert said.status == 1
    assert "hunter2" not in said.err


def test_a_book_that_is_wrong_fails_the_check(opened: Run, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'duotap-state' / 'ledger.sqlite'}")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE accounts SET credits_posted = 60000 WHERE name = 'wallet:7'")
        )
    engine.dispose()
    said = opened("ledger check")
    assert said.status == 1
    assert said.err == (
        "duotap: the book is wrong: ledger 156: debits posted are 500.00, credits posted 600.00\n"
    )
    assert "wallet:7: credits_posted is 600.00, its transfers make 500.00" in said.out
    assert "The trial balance closes." not in said.out


def test_devices_and_findings_are_listed(opened: Run, tmp_path: Path) -> None:
    keys = Issuer.open(tmp_path / "duotap-state" / "keys", PASSPHRASE.encode)
    ledger = open_ledger(f"sqlite:///{tmp_path / 'duotap-state' / 'ledger.sqlite'}", keys)
    card, shop = person(keys, 7), stand(keys, 12)
    for device in (card, shop):
        ledger.register_device(device.certificate)
    card.unload(5_000)
    ledger.deposit(card.id, card.statements)
    ledger.put_head(card.head(ledger.new_challenge(card.id)))
    assert ledger.account("wallet:7").code == AccountCode.WALLET
    ledger.close()
    listed = opened("devices").out.splitlines()
    assert listed[1].split() == [card.id.hex(), *("person", "wallet:7", "none", "active", "0.00")]
    assert listed[2].split()[:3] == [shop.id.hex(), "stand", "merchant:12"]
    said = opened("reconcile").out
    assert "Booked 1 transfer." in said
    assert "overspent: record" in said
    assert "支出超过其钱包余额" in opened("reconcile --zh").out


def test_every_command_has_its_help(run: Run) -> None:
    listed = run("--help").out
    for command in (
        "account",
        "deny",
        "devices",
        "findings",
        "issuer",
        "ledger",
        "lost",
        "proof",
        "reconcile",
    ):
        assert f" {command} " in listed
        assert run(f"{command} --help").status == 0


def test_a_policy_is_signed_and_kept_for_deposits(opened: Run) -> None:
    assert "for all devices" in opened("policy --ceiling 50 10").out
    assert "for " + "ab" * 16 in opened(f"policy --device {'ab' * 16} --limits 9 8 7 6 5 4").out
    assert len(list(Path("duotap-state/keys/statements").iterdir())) == 2
    assert "give --limits or --ceiling" in opened("policy").err


@pytest.mark.parametrize("device", ["xy", "12", "ab" * 15, "ab" * 17])
@pytest.mark.parametrize(
    "line",
    [
        "policy --ceiling 1 1 --device",
        "deny add",
        "deny remove",
        "lost report",
        "lost found",
        "lost pay",
        "rekey /nowhere/tty --from",
    ],
)
def test_what_is_no_id_of_a_device(opened: Run, line: str, device: str) -> None:
    said = opened(f"{line} {device}")
    assert (said.status, said.out) == (1, "")
    told = f"duotap: {device} is not the id of a device: that is 32 hex digits\n"
    assert said.err == told
