# SPDX-License-Identifier: Apache-2.0
"""A development build's files on a board that runs one, by mpremote: only those that changed.

mpremote has the board hash each file before it copies (its `cp`), so nothing is written twice, and
a copy that was broken off has another hash and is made again. What the device wrote itself stays:
key, journal, PIN. The digest comes last: until then the device names the build before.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from duotap_host.flash.failures import FlashFailed, NotUsable
from duotap_host.flash.image import DIGEST_FILE, Firmware

COPY_S = 300  # all files at 115200 baud take a third of it
SAME = "Up to date: "


class Copied(NamedTuple):
    """Files of a build: how many there are, and how many of them the board had."""

    files: int
    same: int


def copy(port: str, firmware: Firmware, resets: bool = True) -> Copied:
    """Bring the board at `port` to this build. NotUsable for another than a development build;
    FlashFailed when the board gives no prompt or is unplugged: the same again is safe."""
    if not firmware.is_development:
        raise NotUsable("only a development build is copied file by file")
    with tempfile.TemporaryDirectory() as folder:
        files, digest = Path(folder, "files"), Path(folder, DIGEST_FILE)
        for path, content in firmware.files:
            place = files / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        digest.write_bytes(firmware.digest)
        said = _mpremote(port, list(_commands(files, digest, resets)))
    same = [line for line in said if line.startswith(SAME) and not line.endswith(DIGEST_FILE)]
    return Copied(len(firmware.files), len(same))


def _commands(files: Path, digest: Path, resets: bool) -> Iterator[str]:
    yield from ("cp", "-r", f"{files}/.", ":/", "+", "cp", str(digest), f":/{DIGEST_FILE}")
    if resets:
        yield from ("+", "reset")


def _mpremote(port: str, commands: list[str]) -> list[str]:
    """Its lines."""
    command = [sys.executable, "-m", "mpremote", "connect", port, *commands]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COPY_S, check=False)
    except subprocess.TimeoutExpired:
        raise FlashFailed("the board does not go on: unplug it and do the same again") from None
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode:
        why = lines[-1] if lines else "mpremote failed"
        raise FlashFailed(f"{why}: does a development build run there? then do the same again")
    return lines
