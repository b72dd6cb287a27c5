# SPDX-License-Identifier: Apache-2.0
"""The host's way to a device, without a device: words for every refusal, ports that are none,
profiles, and the three commands when something is wrong before a device is reached."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from duotap import certificate, status
from duotap.denylist import issued_in
from duotap_host.cli.main import main
from duotap_host.device.errors import REASONS, DeviceRefused, NoLine
from duotap_host.device.serial_line import SerialLine
from duotap_host.issuer import pkcs8
from duotap_host.provision.profile import Profile

WORDS = {
    value
    for name, value in vars(status).items()
    if isinstance(value, int) and name not in ("OK", "MORE")
}
# A card answers these to a payee or shows them, and never tells a cable.
OF_A_TAP = {status.CONFIRM, status.WRONG_OFFSET, status.NO_AMOUNT, status.LOW_BATTERY}


def test_every_status_word_has_a_reason() -> None:
    assert set(REASONS) == WORDS - OF_A_TAP
    refused = DeviceRefused("OPEN SYNC", status.NOT_PERMITTED)
    assert "press sync" in str(refused)
    assert str(refused).endswith("(OPEN SYNC: 6982)")
    assert "refuses" in str(DeviceRefused("HELLO", 0x6FFF))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nowhere/tty", "No such file or directory"),
        ("/dev/null", "Inappropriate ioctl for device"),
        ("/", "Is a directory"),
    ],
)
def test_what_is_no_port(path: str, why: str) -> None:
    with pytest.raises(NoLine) as failed:
        SerialLine(path)
    assert str(failed.value) == f"cannot open {path}: {why}"


def test_profiles_are_certificates() -> None:
    public = b"\x04" + bytes(64)
    for profile in (Profile.person(7), Profile.stand(3, "Noodle Bar", "面馆")):
        fields = profile.certificate(bytes(4), public, bytes(32), 10)
        raw = certificate.encode_certificate(fields, bytes(16), lambda _digest: bytes(64))
        assert certificate.decode_certificate(raw).message == fields
        assert profile.fits(fields)
        assert fields.expiry == 376
        assert issued_in(fields) == 10
    assert not Profile.person(7).fits(fields)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with keys and an empty ledger, quick to open."""
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)
    monkeypatch.setenv("DUOTAP_PASSPHRASE", "correct horse")
    monkeypatch.chdir(tmp_path)
    assert _run("issuer", "init") == 0
    assert _run("account", "open", "--holder", "7") == 0
    return tmp_path


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def _says(capsys: pytest.CaptureFixture[str], arguments: Sequence[str], why: str) -> None:
    """One line on stderr, a status that is not 0, nothing on stdout."""
    capsys.readouterr()
    assert _run(*arguments) != 0
    told = capsys.readouterr()
    assert told.out.strip() == ""
    assert told.err.count("\n") == 1
    assert why in told.err


PORT = "/nowhere/tty"
PERSON = ("--role", "person")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("deposit", PORT), "cannot open /nowhere/tty: No such file"),
        (("load", PORT, "200"), "cannot open /nowhere/tty: No such file"),
        (("provision", PORT, *PERSON, "--holder", "7"), "cannot open /nowhere/tty: No such file"),
        (("deposit",), "Missing argument 'PORT'"),
        (("load", PORT, "0"), "0 is nothing"),
        (("load", PORT, "-5"), "-5 is negative"),
        (("load", PORT, "1.234"), "1.234 is not an amount"),
        (("provision", PORT, *PERSON), "a person needs --holder"),
        (("provision", PORT, *PERSON, "--merchant", "7"), "a person needs --holder"),
        (("provision", PORT, *PERSON, "--holder", "0"), "0 is not in the range"),
        (("provision", PORT, *PERSON, "--holder", "7", "--name-en", "X"), "only a stand has"),
        (("provision", PORT, "--role", "stand", "--merchant", "3"), "a stand needs --name-en"),
        (("provision", PORT, "--role", "till", "--holder", "3"), "'till' is not one of"),
        (
            ("provision", PORT, *PERSON, "--holder", "7", "--no-press-max", "5"),
            "need an amount, a sum and a number",
        ),
        (
            ("provision", PORT, "--role", "stand", "--merchant", "3", "--name-en", "x" * 33),
            "--name-en is above 32 bytes",
        ),
    ],
)
def test_one_line_and_nothing_lost(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], why: str
) -> None:
    _says(capsys, arguments, why)


def test_keys_are_looked_at_before_the_port(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOTAP_PASSPHRASE", "wrong horse")
    _says(capsys, ("deposit", PORT), "wrong passphrase")
    monkeypatch.setenv("DUOTAP_PASSPHRASE", "correct horse")
    _says(capsys, ("--keys", "elsewhere", "deposit", PORT), "no issuer's keys in elsewhere")
    _says(capsys, ("--ledger", "sqlite:///none.sqlite", "load", PORT, "1"), "there is no ledger")
    assert (
        _run("--keys", "other-keys", "--ledger", "sqlite:///other.sqlite", "issuer", "init") == 0
    )
    _says(capsys, ("--keys", "other-keys", "deposit", PORT), "is of the issuer")
    assert not os.path.exists("none.sqlite")
