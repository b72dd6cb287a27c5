# SPDX-License-Identifier: Apache-2.0
"""Secure boot v2 and flash encryption of an ESP32: the steps that close a chip, and whether one is
closed.

By Espressif's public commands `espefuse` and `espsecure`, each a process of its own; a `Chip` is a
serial port or a file of virtual fuses (`espefuse --virt`). What a fuse was burned to is for ever,
so a step runs one by one, and is left out where its fuses say that it was done. Sources: ESP-IDF
Programming Guide, ESP32: "Secure Boot V2", "Flash Encryption" (release mode), "Security".

Out of a bare chip two things are not made here: the signed boot loader and program of a build of
its own (sdkconfig.secure beside this board's), which must be in flash before `CLOSE` is burned.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from duotap_host.flash.failures import FlashFailed, NotUsable
from duotap_host.flash.partitions import FLAG_ENCRYPTED, TYPES, Partition

REVISION_MIN = 3  # secure boot v2 came with chip revision 3.0
KEY_BYTES = 32
READ_OF_BLOCK1 = 1  # in RD_DIS: nobody reads the flash's key; the digest in BLOCK2 stays readable
READ_OF_BLOCK2 = 2
WRITE_OF_RD_DIS = 1  # in WR_DIS: else BLOCK2 could be made unreadable, and no program would start
COMMAND_S = 120

# Field, value when closed, what it closes.
CLOSED = (
    ("ABS_DONE_1", 1, "the chip starts programs that nobody signed"),
    ("FLASH_CRYPT_CNT", 0x7F, "flash is in the clear, or may be made so"),
    ("FLASH_CRYPT_CONFIG", 0xF, "equal blocks of flash are encrypted alike"),
    ("JTAG_DISABLE", 1, "the JTAG pins read the memory"),
    ("CONSOLE_DEBUG_DISABLE", 1, "the ROM falls back to its BASIC"),
    ("DISABLE_DL_ENCRYPT", 1, "download mode encrypts for whoever asks"),
    ("DISABLE_DL_DECRYPT", 1, "download mode decrypts for whoever asks"),
    ("DISABLE_DL_CACHE", 1, "download mode reads flash through the cache"),
    ("UART_DOWNLOAD_DIS", 1, "BOOT held at reset opens the download mode"),
)
Summary = Mapping[str, Mapping[str, Any]]


class Step(NamedTuple):
    """One command of espefuse, and why; `is_done` looks at a summary."""

    arguments: tuple[str, ...]
    why: str
    is_done: Callable[[Summary], bool]


class Chip(NamedTuple):
    """Where the fuses are: a port, or a file of virtual ones."""

    port: str = ""
    virtual: Path | None = None

    def run(self, *arguments: str) -> None:
        """One command of espefuse. Raises FlashFailed with its last line."""
        where = ["--port", self.port, "--before", "default-reset"]
        if self.virtual is not None:
            where = ["--virt", "--path-efuse-file", str(self.virtual)]
        _run("espefuse", "--chip", "esp32", *where, "--do-not-confirm", *arguments)

    def summary(self) -> Summary:
        """All fuses, by name. Raises FlashFailed."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "summary.json"
            self.run("summary", "--format", "json", "--file", str(path))
            found: Summary = json.loads(path.read_text())
        return found


def plan(signing_key: Path, flash_key: Path) -> tuple[Step, ...]:
    """What closes a chip, in this order: keys first, the flash's read back by nobody; then what is
    signed is demanded; then the ways around it are shut."""
    fuses = tuple(part for name, value, _ in CLOSED for part in (name, f"{value:#x}"))
    return (
        Step(
            ("burn-key-digest", str(signing_key)),
            "the chip knows who signs its programs",
            lambda fuses: not _is_blank(fuses, "BLOCK2"),
        ),
        Step(
            ("burn-key", "flash_encryption", str(flash_key)),
            "the chip encrypts its flash with a key that nobody reads",
            lambda fuses: bool(_value(fuses, "RD_DIS") & READ_OF_BLOCK1),
        ),
        Step(
            ("write-protect-efuse", "RD_DIS"),
            "the digest of the signing key stays readable for the ROM",
            lambda fuses: bool(_value(fuses, "WR_DIS") & WRITE_OF_RD_DIS),
        ),
        Step(
            ("burn-efuse", *fuses),
            "from now on only signed programs start, and every other way in is shut",
            lambda fuses: not tuple(_open(fuses)),
        ),
    )


def left(chip: Chip, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps that a chip has still to take. Raises NotUsable, FlashFailed."""
    fuses = chip.summary()
    if _value(fuses, "WAFER_VERSION_MAJOR") < REVISION_MIN:
        raise NotUsable("secure boot v2 needs an ESP32 of chip revision 3.0 or newer")
    if _value(fuses, "CODING_SCHEME"):
        raise NotUsable("the chip's key blocks have 3/4 coding: they hold no key of 32 bytes")
    if _value(fuses, "RD_DIS") & READ_OF_BLOCK2:
        raise NotUsable("the digest of the signing key cannot be read: no program would start")
    return tuple(step for step in steps if not step.is_done(fuses))


def burn(chip: Chip, step: Step) -> None:
    """Take one step, for ever. Raises FlashFailed unless the fuses say so afterwards."""
    chip.run(*step.arguments)
    if not step.is_done(chip.summary()):
        raise FlashFailed(f"the fuses do not show it: {step.why}")


def faults(fuses: Summary, digest: bytes) -> Iterator[str]:
    """What is not closed; none: secure boot v2 with the key of `digest`, flash encrypted."""
    if _value(fuses, "WAFER_VERSION_MAJOR") < REVISION_MIN:
        yield "WAFER_VERSION_MAJOR: chip revision below 3.0 has no secure boot v2"
    if _bytes(fuses, "BLOCK2") != digest:
        yield "BLOCK2: not the digest of this signing key"
    if not _value(fuses, "RD_DIS") & READ_OF_BLOCK1:
        yield "RD_DIS: the key of flash encryption can be read, or there is none"
    if not _value(fuses, "WR_DIS") & WRITE_OF_RD_DIS:
        yield "WR_DIS: BLOCK2 can be made unreadable, and then no program starts"
    yield from _open(fuses)


def of_partitions(rows: list[Partition]) -> Iterator[str]:
    """What a table has wrong for a chip with encrypted flash. A record's mark is programmed after
    its page; an encrypted row of 16 bytes can be programmed only once."""
    for row in rows:
        is_encrypted = bool(row.flags & FLAG_ENCRYPTED) or row.kind == TYPES["app"]
        if row.label == "journal" and is_encrypted:
            yield "journal: encrypted, so that no record could ever be committed"
        if row.label == "vfs" and not is_encrypted:
            yield "vfs: not encrypted, so that the device's key lies open"


def signing_digest(signing_key: Path) -> bytes:
    """What BLOCK2 holds for a key (RSA-3072, PEM), by espsecure. Raises FlashFailed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digest"
        key = ("--keyfile", str(signing_key))
        _run("espsecure", "digest-sbv2-public-key", *key, "--output", str(path))
        return path.read_bytes()


def _open(fuses: Summary) -> Iterator[str]:
    for name, value, opens in CLOSED:
        if _value(fuses, name) != value:
            yield f"{name}: {opens}"


def _value(fuses: Summary, name: str) -> int:
    return int(str(fuses[name]["raw_value"]), 16)


def _bytes(fuses: Summary, name: str) -> bytes:
    """As they are printed; b"" when they cannot be read."""
    if not fuses[name]["readable"]:
        return b""
    return bytes.fromhex(str(fuses[name]["value"]))


def _is_blank(fuses: Summary, name: str) -> bool:
    return _bytes(fuses, name) == bytes(KEY_BYTES)


def _run(program: str, *arguments: str) -> None:
    command = [sys.executable, "-m", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise FlashFailed(lines[-1] if lines else f"{program} failed")
