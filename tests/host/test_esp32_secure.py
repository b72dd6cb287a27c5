# SPDX-License-Identifier: Apache-2.0
"""An ESP32 is closed by the real espefuse, on virtual fuses, and each fuse that is left open is
told."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
from duotap_host.cli.main import main
from duotap_host.flash import esp32_fuses, linked, partitions
from duotap_host.flash.esp32_fuses import CLOSED, Chip

NEVER = "--burn-what-can-never-be-undone"
SECURE = linked.BOARDS / "locked" / "partitions_secure.csv"
BOARDS = ("CARD_ESP32", "STAND_ESP32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signing key of the real espsecure, a flash key, and virtual chips of two revisions."""
    place = tmp_path_factory.mktemp("fuses")
    made = ("generate-signing-key", "--version", "2", "--scheme", "rsa3072", place / "sign.pem")
    command = [sys.executable, "-m", "espsecure", *map(str, made)]
    subprocess.run(command, check=True, capture_output=True)
    (place / "flash.key").write_bytes(os.urandom(32))
    Chip(virtual=place / "new.bin").run("burn-efuse", "CHIP_VER_REV1", "1", "CHIP_VER_REV2", "1")
    Chip(virtual=place / "old.bin").run("burn-efuse", "CHIP_VER_REV1", "1")
    return place


def run(capsys: pytest.CaptureFixture[str], folder: Path, chip: str, line: str) -> tuple[int, str]:
    keys = ["--signing-key", str(folder / "sign.pem"), "--virtual", str(folder / chip)]
    with pytest.raises(SystemExit) as left:
        main(["esp32-secure", *line.split(), *keys])
    said = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, said.out + said.err


def test_a_chip_is_closed(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    chip = folder / "new.bin"
    plan = f"plan --flash-key {folder / 'flash.key'}"
    before = chip.read_bytes()
    status, said = run(capsys, folder, "new.bin", plan)
    assert (status, chip.read_bytes()) == (0, before), "a plan burns nothing"
    assert said.count("espefuse ") == 4
    status, said = run(capsys, folder, "new.bin", "check")
    assert status == 1
    assert said.count(":") == 3 + len(CLOSED)
    status, said = run(capsys, folder, "new.bin", f"{plan} {NEVER}")
    assert (status, "4 steps burned" in said) == (0, True), said
    assert run(capsys, folder, "new.bin", "check")[0] == 0
    status, said = run(capsys, folder, "new.bin", f"{plan} {NEVER}")
    assert (status, "0 steps burned" in said) == (0, True), "it goes on where it was broken off"
    status, said = run(
        capsys, folder, "new.bin", f"check --table {linked.BOARDS / BOARDS[0] / 'partitions.csv'}"
    )
    assert (status, "vfs: not encrypted" in said) == (1, True)
    _each_fuse_counts(Chip(virtual=chip), folder)


def _each_fuse_counts(chip: Chip, folder: Path) -> None:
    fuses, digest = chip.summary(), esp32_fuses.signing_digest(folder / "sign.pem")
    assert list(esp32_fuses.faults(fuses, digest)) == []
    for name in (*(field for field, _, _ in CLOSED), "RD_DIS", "WR_DIS", "WAFER_VERSION_MAJOR"):
        opened = copy.deepcopy({key: dict(value) for key, value in fuses.items()})
        opened[name]["raw_value"] = "0x0"
        (fault,) = esp32_fuses.faults(opened, digest)
        assert fault.startswith(name)
    (fault,) = esp32_fuses.faults(fuses, bytes(32))
    assert fault.startswith("BLOCK2")


def test_an_old_chip_cannot_be_closed(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    before = (folder / "old.bin").read_bytes()
    line = f"plan --flash-key {folder / 'flash.key'} {NEVER}"
    status, said = run(capsys, folder, "old.bin", line)
    assert (status, "revision 3.0" in said) == (1, True)
    assert (folder / "old.bin").read_bytes() == before


def test_the_journal_is_never_encrypted() -> None:
    secure = partitions.read_csv(SECURE)
    assert list(esp32_fuses.of_partitions(secure)) == []
    for board in BOARDS:
        plain = partitions.read_csv(linked.BOARDS / board / "partitions.csv")
        assert [row._replace(flags=0) for row in secure] == plain
    marked = [row._replace(flags=partitions.FLAG_ENCRYPTED) for row in secure]
    (fault,) = esp32_fuses.of_partitions(marked)
    assert fault.startswith("journal: encrypted")
    assert partitions.decode(partitions.encode(secure)) == secure


def test_the_real_espsecure_signs_and_verifies(folder: Path) -> None:
    (folder / "program.bin").write_bytes(os.urandom(8192))
    key = ["--version", "2", "--keyfile", str(folder / "sign.pem")]
    out = ["--output", str(folder / "signed.bin"), str(folder / "program.bin")]
    for arguments in (["sign-data", *key, *out], ["verify-signature", *key, out[1]]):
        command = [sys.executable, "-m", "espsecure", *arguments]
        subprocess.run(command, check=True, capture_output=True)
    content = bytearray((folder / "signed.bin").read_bytes())
    content[100] ^= 1
    (folder / "signed.bin").write_bytes(content)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "success" not in done.stdout
