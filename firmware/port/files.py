# SPDX-License-Identifier: Apache-2.0
"""The few files that a device keeps beside its journal, each written once and never changed.

A file is whole or not there: it is written under another name and renamed, which LittleFS does
in one step. Knows no content.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from duotap.errors import Broken

from port.parts import DIGEST_FILE

if TYPE_CHECKING:
    from typing import Any

HALF_WRITTEN = ".new"


class Files:
    """Files in `folder`."""

    def __init__(self, folder: str = "/") -> None:
        self.folder = folder if folder.endswith("/") else folder + "/"

    def has(self, name: str) -> bool:
        try:
            os.stat(self.folder + name)
        except OSError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """The content. Raises Broken when there is no such file."""
        try:
            with open(self.folder + name, "rb") as file:
                return file.read()
        except OSError:
            raise Broken("a file of the device is missing") from None

    def write_once(self, name: str, content: bytes) -> None:
        """Write a new file. Raises Broken when it exists already."""
        if self.has(name):
            raise Broken("a file that is written once exists already")
        half_written = self.folder + name + HALF_WRITTEN
        with open(half_written, "wb") as file:
            file.write(content)
        os.rename(half_written, self.folder + name)


def firmware_digest(files: Any) -> bytes:
    """What was flashed: a build of its own has frozen it with the code, else it is a file."""
    try:
        from firmware_digest import DIGEST
    except ImportError:
        return bytes(files.read(DIGEST_FILE))
    return bytes(DIGEST)
