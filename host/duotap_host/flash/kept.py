# SPDX-License-Identifier: Apache-2.0
"""What was read from a board's flash before it was written again, in files that only their owner
reads. While a file system is written anew the device's key may be nowhere else; when the device
answers again it is forgotten here."""

from __future__ import annotations

import os
from pathlib import Path

from duotap_host.flash import rescue
from duotap_host.flash.geometry import ESP32
from duotap_host.flash.rescue import Left

PRIVATE = 0o600


def put(folder: Path, name: str, content: bytes) -> Path:
    """Keep it, whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = folder / f"{name}.new"
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(folder / name)
    return folder / name


def either(folder: Path, left: Left, files: bytes) -> Left:
    """What is left on an ESP32 now, or what a run that was broken off had read of its files; with
    the key kept here from now on."""
    path = _path(folder, left.device)
    if left.has_key and (left.mounts or not path.exists()):
        put(folder, path.name, files)
    elif path.exists():
        left = left._replace(files=rescue.look(path.read_bytes(), ESP32, left.journal).files)
    return left


def forget(folder: Path, device: bytes) -> None:
    """The device answers: it has its key."""
    _path(folder, device).unlink(missing_ok=True)


def _path(folder: Path, device: bytes) -> Path:
    return folder / f"{device.hex()}.files"
