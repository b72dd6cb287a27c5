# SPDX-License-Identifier: Apache-2.0
"""`duotap demo`: what it leaves behind, what it refuses, and that a wrong number fails it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from duotap_host.cli.main import main
from duotap_host.demo import story
from duotap_host.issuer import pkcs8
from PIL import Image


@pytest.fixture(autouse=True)
def _quick_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)


def demo(out: Path) -> int:
    with pytest.raises(SystemExit) as left:
        main(["demo", "--form", "inprocess", "--out", str(out)])
    return int(left.value.code or 0)


def test_leaves_a_page_screens_and_a_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".duotap-demo").touch()
    (tmp_path / "index.html").write_text("an earlier demo")
    assert demo(tmp_path) == 0
    told = capsys.readouterr().out
    assert "Every balance is right." in told
    assert "RP2040, portable signatures" in told
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    screens = sorted((tmp_path / "in-process" / "screens").glob("*.png"))
    assert len(screens) > 20
    assert page.count("data:image/png;base64,") == len(screens)
    assert {Image.open(screen).size for screen in screens} == {(544, 288)}
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    for title, _ in story.CHAPTERS:
        assert title in told
        assert title in page
    assert (tmp_path / "in-process" / "state" / "ledger.sqlite").is_file()
    assert (tmp_path / "in-process" / "state" / "passphrase").stat().st_mode & 0o077 == 0


def test_a_wrong_number_fails_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "SOLD", story.SOLD + 1)
    assert demo(tmp_path) == 1
    told = capsys.readouterr()
    assert told.err == "duotap: the story ends here: merchant:1 is 84.60 and not 84.61\n"
    assert "Every balance is right." not in told.out
    assert not (tmp_path / "index.html").exists()


def test_replaces_nothing_but_an_earlier_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "index.html"
    kept.write_text("somebody's")
    assert demo(tmp_path) == 1
    assert capsys.readouterr().err.endswith("holds something else than an earlier demo\n")
    assert kept.read_text() == "somebody's"


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert demo(tmp_path / "file" / "out") == 1
    assert capsys.readouterr().err.count("\n") == 1
