# SPDX-License-Identifier: Apache-2.0
"""The image that is flashed: the same sources give the same bytes, others another digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from duotap_host.flash import image
from duotap_host.flash.image import CompileError, Firmware
from littlefs import LittleFS
from port.parts import DIGEST_FILE

BLOCKS = 128


def files_of(content: bytes) -> dict[str, bytes]:
    fs = LittleFS(block_size=4096, block_count=BLOCKS, mount=False)
    fs.context.buffer[:] = content
    fs.mount()
    found = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            path = f"{folder}/{name}".lstrip("/")
            with fs.open(path, "rb") as file:
                found[path] = file.read()
    return found


def test_image_holds_the_firmware_and_its_digest() -> None:
    firmware = image.firmware()
    found = files_of(image.littlefs_image(firmware, BLOCKS))
    assert found.pop(DIGEST_FILE) == firmware.digest
    assert found == dict(firmware.files)
    assert {"boot.py", "main.py", "device.mpy", "board.mpy", "card/app.mpy"} <= set(found)
    assert not [path for path in found if path.endswith(".pyi")]


def test_two_builds_are_the_same_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = image.littlefs_image(image.firmware(), BLOCKS)
    monkeypatch.setattr(image, "CACHE", tmp_path)  # compiled anew
    image.firmware.cache_clear()
    image.littlefs_image.cache_clear()
    again = image.littlefs_image(image.firmware(), BLOCKS)
    assert hashlib.sha256(again).hexdigest() == hashlib.sha256(kept).hexdigest()
    assert len(list(tmp_path.glob("*.mpy"))) == len(dict(image.firmware().files)) - 2


def test_digest_covers_paths_and_contents() -> None:
    one = Firmware((("a.mpy", b"1"), ("b.mpy", b"2")))
    others = [
        Firmware((("a.mpy", b"2"), ("b.mpy", b"1"))),
        Firmware((("a.mpy", b"1"), ("c.mpy", b"2"))),
        Firmware((("a.mpy", b"1"),)),
        one.replaced("a.mpy", b"3"),
        one.replaced("d.mpy", b""),
    ]
    assert len({firmware.digest for firmware in [one, *others]}) == 6
    assert one.replaced("a.mpy", b"1") == one


def test_a_digest_is_what_anyone_can_compute() -> None:
    parts = b"".join(
        path.encode() + b"\0" + hashlib.sha256(content).digest()
        for path, content in (("a.mpy", b"1"), ("b.mpy", b"2"))
    )
    firmware = Firmware((("a.mpy", b"1"), ("b.mpy", b"2")))
    assert firmware.digest == hashlib.sha256(parts).digest()


def test_a_source_that_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "wrong.py"
    source.write_text("def f(a, /): pass\n")
    with pytest.raises(CompileError, match="SyntaxError"):
        image.compile_file(source, "wrong.py", "x64")
