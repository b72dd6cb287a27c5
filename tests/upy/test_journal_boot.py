# SPDX-License-Identifier: Apache-2.0
"""A stand's journal of 1,000 records boots within a board's heap and reads what it must."""

from __future__ import annotations

from pathlib import Path

from duotap.journal import Journal
from duotap_host.virtual.nor import PAGE, SECTOR, VirtualNor
from upy.interpreter import FIRMWARE, ROOT, run

# 1.3 MiB: what a stand with 2 MB of flash has.
BLOCKS = 332
SCRIPT = str(ROOT / "tests" / "upy" / "boot_journal.py")


def image(path: Path, payments: int) -> Path:
    """An offer of one page and a payment of three, so many times."""
    nor = VirtualNor(BLOCKS)
    journal = Journal(nor)
    journal.format()
    for number in range(payments):
        journal.append(8, bytes([number & 0xFF]) * 200)
        journal.append(12, bytes([number & 0xFF]) * 700)
    nor.save(path)
    return path


def boot(path: Path) -> list[int]:
    done = run(SCRIPT, str(path), str(FIRMWARE), str(FIRMWARE / "shims"))
    assert done.returncode == 0, done.stdout
    return [int(word) for word in done.stdout.split()]


def test_a_thousand_records(tmp_path: Path) -> None:
    records, damaged, kept, bytes_read, boot_ms = boot(image(tmp_path / "flash", 500))
    print(f"1,000 records: {bytes_read} bytes read, {kept} bytes of heap kept, {boot_ms} ms")
    assert (records, damaged) == (1000, 0)
    live = 500 * 4 // 16
    # Sectors in use: looked at, read to find the order, read once more; the newest three times,
    # and the first page of each other sector twice.
    assert bytes_read < (live + 1) * (2 * SECTOR + PAGE) + (BLOCKS - live) * 2 * PAGE
    _, _, kept_of_ten, _, _ = boot(image(tmp_path / "small", 5))
    assert kept < kept_of_ten + 256


def test_a_thousand_payments_fit(tmp_path: Path) -> None:
    records, damaged, _, _, boot_ms = boot(image(tmp_path / "flash", 1000))
    print(f"2,000 records: {boot_ms} ms")
    assert (records, damaged) == (2000, 0)
