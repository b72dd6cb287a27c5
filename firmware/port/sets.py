# SPDX-License-Identifier: Apache-2.0
"""Sets of deny lists as files, each named by its hash: written part by part under another name,
whole or not there (PROTOCOL.md §13). Imported late; knows no content.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from duotap import status
from duotap.errors import Broken, Refusal

if TYPE_CHECKING:
    from typing import Any, BinaryIO

PREFIX = "deny-"
NAME_BYTES = 8  # of the hash
COMING = PREFIX + "new"


def name_of(digest: bytes) -> str:
    """The file of the set with this hash."""
    return PREFIX + "".join([f"{byte:02x}" for byte in digest[:NAME_BYTES]])


class OpenSet:
    """A set that is being asked."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> OpenSet:
        return self

    def __exit__(self, *_: Any) -> None:
        self._file.close()

    def read_at(self, offset: int, nbytes: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(nbytes)


class Coming:
    """A set of which not all parts are here yet."""

    def __init__(self, folder: str, digest: bytes, length: int) -> None:
        self.digest = digest
        self._folder = folder
        self._left = length
        self._next = 0
        self._sha = hashlib.sha256()

    def take(self, index: int, part: bytes) -> None:
        """Append a part; they come in order from 0, and the last one once more changes nothing.
        Refusal 6985 for any other, and for a set that is longer or another than was told."""
        if index == self._next - 1:
            return
        if index != self._next or len(part) > self._left:
            raise Refusal(status.WRONG_STATE, "parts of a set come in order")
        with open(self._folder + COMING, "ab" if index else "wb") as file:
            file.write(part)
        self._sha.update(part)
        self._next += 1
        self._left -= len(part)
        if not self._left:
            if self._sha.digest() != self.digest:
                raise Refusal(status.WRONG_STATE, "another set than was told")
            os.rename(self._folder + COMING, self._folder + name_of(self.digest))


class Sets:
    """The sets in a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def has(self, digest: bytes) -> bool:
        return name_of(digest) in os.listdir(self._folder)

    def open(self, digest: bytes) -> OpenSet:
        """Raises Broken when there is no such file."""
        try:
            return OpenSet(open(self._folder + name_of(digest), "rb"))
        except OSError:
            raise Broken("the set of a deny list is missing") from None

    def coming(self, digest: bytes, length: int) -> Coming:
        """Begin to take a set."""
        return Coming(self._folder, digest, length)

    def keep(self, digest: bytes) -> None:
        """Remove all but this one."""
        for name in os.listdir(self._folder):
            if name.startswith(PREFIX) and name != name_of(digest):
                os.remove(self._folder + name)
