# SPDX-License-Identifier: Apache-2.0
"""What the files of a board say agrees: wiring, flash, what is linked, what the host writes."""

from __future__ import annotations

import ast
import csv
import json
import re
from functools import cache
from pathlib import Path

import pytest
from duotap_host.flash import image, journal_files, linked
from duotap_host.flash.geometry import BLOCK_BYTES, BOARDS, ESP32, RP2040
from port import parts, places

FOLDERS = {name: linked.BOARDS / name for name in BOARDS}
FILES = {
    *("board.json", "board.md", "manifest.py", "mpconfigboard.cmake", "mpconfigboard.h"),
    *("pins.csv", "modules/board.py", "modules/_boot.py"),
}
OF_CHIP = {
    "RP2040": {"modules/journal_flash.py"},
    "ESP32": {"partitions.csv", "sdkconfig.board"},
}
WIRED = re.compile(r"^([A-Z][A-Z0-9_]*(?:, [A-Z][A-Z0-9_]*)*) = (\d+(?:, \d+)*)(?:  #.*)?$", re.M)
NO_PINS = {
    *("BATTERY_DIVIDER", "UART_RING_BYTES", "WATCHDOG_MS", "CPU_HZ"),
    *("RADIO_BAUDRATE", "RADIO_BAUDRATE_MAX"),
}
# What the stock interpreters bring (their help("modules"), 1.26, and 1.29's port sources).
STOCK = {
    *(
        "asyncio",
        "binascii",
        "collections",
        "cryptolib",
        "gc",
        "hashlib",
        "machine",
        "micropython",
    ),
    *("os", "select", "sys", "time", "vfs"),
}
CHIP = {"RP2040": {"rp2"}, "ESP32": {"esp32"}}
# What only a build of its own has; without it the firmware does as a stock interpreter needs.
OWN_BUILD = {"RP2040": {"firmware_digest", "journal_flash"}, "ESP32": {"firmware_digest"}}
# A pin that the chip uses itself, is an input only, or decides how it starts.
ESP32_TAKEN = {*range(6, 12), 0, 1, 3, 5, 12, 15}
ESP32_INPUTS = range(34, 40)


def chip_of(board: str) -> str:
    return board.rpartition("_")[2]


def pins_of(board: str) -> dict[str, int]:
    rows = csv.reader((FOLDERS[board] / "pins.csv").read_text().splitlines())
    return {name: int(gpio.removeprefix("GPIO")) for name, gpio in rows}


@pytest.mark.parametrize("board", BOARDS)
def test_every_file_is_there(board: str) -> None:
    folder = FOLDERS[board]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in found if "__pycache__" not in name} == FILES | OF_CHIP[chip_of(board)]
    about = json.loads((folder / "board.json").read_text())
    assert about["id"] == board
    assert about["mcu"] == chip_of(board).lower()


@pytest.mark.parametrize("board", BOARDS)
def test_pins_are_those_of_the_code_and_of_the_page(board: str) -> None:
    source = (FOLDERS[board] / "modules" / "board.py").read_text()
    wired = {}
    for names, numbers in WIRED.findall(source):
        pairs = zip(names.split(", "), numbers.split(", "), strict=True)
        wired.update({name: int(number) for name, number in pairs if name not in NO_PINS})
    assert wired == pins_of(board)
    assert len(set(wired.values())) == len(wired), "two things on one pin"
    page = (FOLDERS[board] / "board.md").read_text()
    for name, number in wired.items():
        assert f"| `{name}` | {number} |" in page, f"{name} is not in the table of board.md"


@pytest.mark.parametrize("board", [name for name in BOARDS if chip_of(name) == "ESP32"])
def test_pins_of_the_esp32_are_free(board: str) -> None:
    pins = pins_of(board)
    assert not ESP32_TAKEN & set(pins.values())
    assert [name for name, pin in pins.items() if pin in ESP32_INPUTS] == ["BATTERY"]


@pytest.mark.parametrize("board", [name for name in BOARDS if chip_of(name) == "RP2040"])
def test_pins_of_the_rp2040_have_their_function(board: str) -> None:
    """RP2040 Datasheet §1.4.3, table of functions."""
    pins = pins_of(board)
    assert (pins["PN532_TX"] % 4, pins["PN532_RX"] % 4) == (0, 1)
    assert (pins["PN532_TX"] + 4) // 8 % 2 == (pins["PN532_RX"] + 4) // 8 % 2 == 0, "UART 0"
    assert (pins["DISPLAY_SDA"] % 4, pins["DISPLAY_SCL"] % 4) == (0, 1), "I2C 0"
    assert pins["BATTERY"] in range(26, 30)
    slices = [pins[name] % 16 for name in ("BUZZER", "LIGHT")]
    assert slices[0] // 2 != slices[1] // 2, "a slice has one frequency"


@pytest.mark.parametrize("board", [name for name in BOARDS if chip_of(name) == "ESP32"])
def test_partitions_are_those_that_the_host_writes(board: str) -> None:
    lines = (FOLDERS[board] / "partitions.csv").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split(",")] for line in lines if line[0] != "#"]
    table = {row[0]: (row[1], row[2], int(row[3], 16), int(row[4], 16)) for row in rows}
    end = 0x9000
    for _, _, at, size in table.values():
        assert at == end, "a gap or an overlap"
        end = at + size
    assert end == 4 << 20
    kind, _, at, size = table["journal"]
    assert (kind, at, size) == ("data", ESP32.journal_at, ESP32.journal_blocks * BLOCK_BYTES)
    assert table["vfs"] == ("data", "fat", ESP32.files_at, ESP32.files_blocks * BLOCK_BYTES)
    assert table["factory"][2] == 0x10000


@pytest.mark.parametrize("board", BOARDS)
def test_imports_are_brought_by_the_stock_interpreter(board: str) -> None:
    found = set()
    for name, text in linked.linked(board).texts.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
        assert name not in STOCK, f"{name} hides a module of MicroPython"
    ours = set(linked.linked(board).texts).union(linked.LEFT_OUT)  # their absence is handled
    assert found - ours <= STOCK | CHIP[chip_of(board)] | OWN_BUILD[chip_of(board)]


@pytest.mark.parametrize("board", [*BOARDS, linked.UNIX_SIM])
def test_what_a_file_takes_from_another_is_there(board: str) -> None:
    texts = linked.linked(board).texts
    for text in texts.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module in texts:
                known = _bound(texts[node.module])
                assert {alias.name for alias in node.names} <= known, node.module


@cache
def _bound(text: str) -> set[str]:
    """Names at the top of a source."""
    found = set()
    for node in ast.parse(text).body:
        for part in [node] if isinstance(node, ast.FunctionDef | ast.ClassDef) else ast.walk(node):
            name = getattr(part, "name", None) or getattr(part, "id", None)
            found.add(getattr(part, "asname", None) or name)
    return found


def test_machine_code_keeps_the_names_that_it_is_called_by() -> None:
    for board in ("CARD_RP2040", "STAND_RP2040"):
        texts = linked.linked(board).texts
        assert {"run", "address"} <= {
            node.name
            for node in ast.parse(texts["port.thumb_p256"]).body
            if isinstance(node, ast.FunctionDef)
        }
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(texts["port.thumb_group"]))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert {"run", "address"} <= called
        assert "port/thumb_p256.mpy" not in dict(image.firmware("x64", board).files)


def test_the_host_writes_what_the_device_looks_for() -> None:
    assert image.DIGEST_FILE == parts.DIGEST_FILE
    assert journal_files.NUMBERS_FILE == places.NUMBERS_FILE


def test_room_for_a_thousand_payments() -> None:
    """Four pages each, four to a sector, and what is kept free: PROTOCOL.md §8."""
    for blocks in (RP2040.listed_blocks, ESP32.journal_blocks):
        assert (blocks - 1) * 4 - 80 >= 1000


def test_the_page_of_each_board_tells_of_each_build() -> None:
    for folder in FOLDERS.values():
        page = (folder / "board.md").read_text()
        for heading in ("## Wiring", "## Parts", "## Power", "## Builds", "## Who can do what"):
            assert heading in page, f"{folder.name}: {heading}"
        for word in ("stock", "build of its own", "USB cable", "flash reader"):
            assert word in page, f"{folder.name}: {word}"


def test_style_of_the_table_is_checked() -> None:
    """The pattern that finds pins finds them."""
    assert WIRED.findall("A, B = 1, 2  # x\nC = 3\nd = 4\nE = 5_000\n") == [
        ("A, B", "1, 2"),
        ("C", "3"),
    ]


def test_no_board_is_missing() -> None:
    folders = {path.parent.name for path in Path(linked.BOARDS).glob("*/board.json")}
    assert folders == {*BOARDS, linked.UNIX_SIM}
