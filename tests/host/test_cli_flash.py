# SPDX-License-Identifier: Apache-2.0
"""`duotap flash` at the terminal: what it writes, and that it asks for a purse first."""

from __future__ import annotations

from pathlib import Path

import pytest
from duotap_host.cli.main import main
from duotap_host.flash import esp32, image, uf2
from duotap_host.flash.geometry import ESP32, RP2040
from duotap_host.virtual.boot_drive import BootDrive
from duotap_host.virtual.esp32_rom import Esp32Rom
from host.plugged_in import looked_at, rom_on_a_pty
from host.test_flash_esp32 import interpreter as esp32_interpreter
from upy.stand_in import interpreter

UF2 = "rp2-pico.uf2"
BIN = "esp32-generic.bin"


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(UF2).write_bytes(interpreter())
    Path(BIN).write_bytes(esp32_interpreter())


def flash(capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(["flash", "--unsigned", *line.split()])
    said = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, " ".join((said.out + said.err).split())


def test_a_uf2_for_later(capsys: pytest.CaptureFixture[str]) -> None:
    line = f"--board STAND_RP2040 --micropython {UF2} --out stand.uf2"
    status, said = flash(capsys, line)
    assert status == 0
    assert "bytes for STAND_RP2040" in said
    pages = uf2.decode(Path("stand.uf2").read_bytes())
    files = b"".join(page for at, page in sorted(pages.items()) if at >= RP2040.files_at)
    firmware = image.firmware(image.THUMB, "STAND_RP2040")
    assert files == image.stock_image(firmware, RP2040)


def test_a_boot_drive(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    drive = BootDrive(tmp_path / "RPI-RP2")
    drive.plug_in()
    line = f"--board CARD_RP2040 --micropython {UF2} --drive {drive.folder}"
    with looked_at(drive):
        status, said = flash(capsys, line)
        assert (status, drive.restarts) == (1, 0)
        assert "nobody knows whether this board holds a purse" in said
        status, said = flash(capsys, f"{line} --discard-journal")
    assert (status, drive.restarts) == (0, 1), said
    assert "CARD_RP2040 is flashed" in said


def test_an_esp32(capsys: pytest.CaptureFixture[str]) -> None:
    rom = Esp32Rom()
    with rom_on_a_pty(rom) as path:
        line = f"--board CARD_ESP32 --micropython {BIN} --no-stub {path}"
        status, said = flash(capsys, line)
        assert status == 0, said
    firmware = image.firmware(ESP32.arch, "CARD_ESP32")
    for piece in esp32.pieces(esp32_interpreter(), "CARD_ESP32", firmware):
        assert rom.flash[piece.at : piece.at + len(piece.content)] == piece.content


def test_an_esp32_with_a_journal_is_not_touched(capsys: pytest.CaptureFixture[str]) -> None:
    rom = Esp32Rom()
    rom.flash[ESP32.journal_at] = 0x5A
    before = bytes(rom.flash)
    with rom_on_a_pty(rom) as path:
        line = f"--board CARD_ESP32 --micropython {BIN} --no-stub {path}"
        status, said = flash(capsys, line)
        assert status == 1
        assert "--discard-journal" in said
        assert rom.flash == before
        assert flash(capsys, f"{line} --discard-journal")[0] == 0
    assert rom.flash[ESP32.journal_at] == 0x5A, "the board blanks it, having no key any more"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"--board CARD_RP2040 --micropython {BIN} --out x", "not a UF2"),
        (f"--board CARD_ESP32 --micropython {UF2} /dev/null", "no image for an ESP32"),
        (f"--board CARD_ESP32 --micropython {BIN}", "name PORT"),
        (f"--board CARD_RP2040 --micropython {UF2} --drive .", "not the drive"),
        (f"--board NOKIA --micropython {UF2}", "NOKIA"),
    ],
)
def test_what_is_refused(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = flash(capsys, line)
    assert status != 0
    assert told in said
    assert not Path("x").exists()
