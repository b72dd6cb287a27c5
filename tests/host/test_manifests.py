# SPDX-License-Identifier: Apache-2.0
"""A board's own build freezes what its firmware imports, each module once, and nothing of another
chip's."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from duotap_host.flash import image, linked
from duotap_host.flash.geometry import BOARDS
from host.manifest_rules import Manifest, ManifestError
from host.test_boards import CHIP, FOLDERS, STOCK, chip_of
from port import parts

UPSTREAM = {
    "RP2040": [
        ("freeze", "$(PORT_DIR)/modules", "rp2.py"),
        ("include", "$(MPY_DIR)/extmod/asyncio"),
    ],
    "ESP32": [("include", "$(MPY_DIR)/extmod/asyncio")],
}


@pytest.fixture(scope="module", params=BOARDS)
def board(request: pytest.FixtureRequest) -> tuple[str, Manifest]:
    return request.param, Manifest(FOLDERS[request.param] / "manifest.py")


def imported(path: Path) -> set[str]:
    """Modules that a file imports when it runs, not for its types."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_it_freezes_what_is_imported(board: tuple[str, Manifest]) -> None:
    name, manifest = board
    modules = {path.removesuffix(".py").replace("/", ".") for path in manifest.frozen}
    packages = {each.rpartition(".")[0] for each in modules} - {""}
    brought = STOCK | CHIP[chip_of(name)] | {"typing", "__future__"}
    for path, source in manifest.frozen.items():
        for wanted in imported(source):
            top = wanted.partition(".")[0]
            known = wanted in modules | packages or wanted.rpartition(".")[0] in modules
            for_thumb = wanted.startswith("port.thumb_") and chip_of(name) != "RP2040"
            assert top in brought or known or for_thumb, f"{path} imports {wanted}"


def test_it_takes_of_micropython_what_it_needs(board: tuple[str, Manifest]) -> None:
    name, manifest = board
    assert manifest.upstream == UPSTREAM[chip_of(name)]
    started = {"_boot.py", "boot.py", "main.py"}
    assert started | {"board.py", "typing.py", "__future__.py"} <= set(manifest.frozen)
    assert manifest.frozen["boot.py"] != linked.FIRMWARE / "boot.py", "it loads what is linked"


def test_every_frozen_file_compiles(board: tuple[str, Manifest]) -> None:
    name, manifest = board
    for path, source in manifest.frozen.items():
        image.compile_file(source, path, BOARDS[name].arch)
    assert ("port/thumb_p256.py" in manifest.frozen) == (chip_of(name) == "RP2040")


def test_the_digest_is_of_what_is_frozen() -> None:
    texts = set()
    for name, folder in FOLDERS.items():
        manifest = Manifest(folder / "manifest.py")
        text = manifest.frozen["firmware_digest.py"].read_text()
        assert len(ast.literal_eval(text.removeprefix("DIGEST = "))) == 32
        texts.add((chip_of(name), text))
    assert len(texts) == 2, "one for each chip"


def test_a_development_build_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its digest, which its certificate names; and it has MicroPython's own start."""
    made = Manifest(FOLDERS["CARD_ESP32"] / "manifest.py")
    production = made.frozen["firmware_digest.py"].read_bytes()
    monkeypatch.setenv("DUOTAP_DEVELOP", "1")
    manifest = Manifest(FOLDERS["CARD_ESP32"] / "manifest.py")
    assert set(made.frozen) - set(manifest.frozen) == {"boot.py"}
    text = manifest.frozen["firmware_digest.py"].read_text()
    digest = ast.literal_eval(text.removeprefix("DIGEST = "))
    assert digest.startswith(parts.DEVELOPMENT)
    assert len(digest) == 32
    assert parts.DEVELOPMENT == image.DEVELOPMENT
    assert parts.DEVELOPMENT not in production


@pytest.mark.parametrize("board", BOARDS)
def test_a_build_of_its_own_links_no_prompt(board: str) -> None:
    """By the functions that MicroPython 1.26 to 1.29 open a prompt with, or listen to Ctrl-C."""
    cmake = (FOLDERS[board] / "mpconfigboard.cmake").read_text()
    assert "include(${MICROPY_BOARD_DIR}/../locked/locked.cmake)" in cmake
    rules = (linked.BOARDS / "locked" / "locked.cmake").read_text()
    code = (linked.BOARDS / "locked" / "locked.c").read_text()
    for name in ("pyexec_friendly_repl", "pyexec_raw_repl", "mp_hal_set_interrupt_char"):
        assert name in rules
        assert f"__wrap_{name}(" in code


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('freeze("modules", "nothing.py")\n', "no module"),
        ('freeze("modules")\nfreeze("modules")\n', "twice"),
        ('module("modules/text.txt")\n', "no module"),
        ('package("empty")\n', "nothing to freeze"),
    ],
)
def test_what_a_build_stops_at(text: str, told: str, tmp_path: Path) -> None:
    for folder in ("modules", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "modules" / "a.py").write_text("")
    (tmp_path / "modules" / "text.txt").write_text("")
    (tmp_path / "manifest.py").write_text(text)
    with pytest.raises(ManifestError, match=told):
        Manifest(tmp_path / "manifest.py")
