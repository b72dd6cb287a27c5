# SPDX-License-Identifier: Apache-2.0
"""The journal of a stock RP2040 among the files of LittleFS: nothing that happens to the files,
and no cut in it, changes a bit of the journal."""

from __future__ import annotations

from pathlib import Path

import pytest
from duotap_host.flash import image
from duotap_host.flash.geometry import RP2040
from upy.interpreter import FIRMWARE, ROOT, run

SCRIPT = str(ROOT / "tests" / "upy" / "stock_churn.py")
PATHS = (str(FIRMWARE), str(FIRMWARE / "shims"))
HEAP = "24m"  # the flash lies in it, four times

# Changes before the stretch that is cut. LittleFS moves a pair of blocks after 100 erases of it,
# and the log of a directory, 16 pages, is full every few changes.
WARM = 1800


@pytest.mark.long
def test_journal_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    path.write_bytes(image.stock_image(image.firmware("armv6m", "CARD_RP2040"), RP2040))
    done = run(SCRIPT, str(path), str(WARM), *PATHS, heap=HEAP)
    assert done.returncode == 0, done.stdout
    # Files that were open when the power went complain before, as they are collected.
    last = done.stdout.splitlines()[-1]
    sectors, boots, erases, cuts, worn = (int(word) for word in last.split())
    print(
        f"{sectors} sectors; blanking cut at {boots} operations; after {WARM} changes with"
        f" {erases} erases each of {cuts} operations was cut, {worn} blocks were erased"
    )
    assert sectors == RP2040.listed_blocks
    assert boots >= 90
    assert erases > 1500
    assert cuts >= 150
    assert worn >= 12
