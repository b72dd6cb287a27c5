# SPDX-License-Identifier: Apache-2.0
"""A field of two chips for each test, and tags to put before the reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from peers.running_field import DUOTAP, Running


class Table(Running):
    """A running field with its links: `path("reader")` is what a program opens."""

    def __init__(self, folder: Path, *options: str, command: Sequence[str] = DUOTAP) -> None:
        self.folder = folder
        super().__init__("--links", str(folder), *options, command=command)

    def path(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    """Chips `reader` and `tag`."""
    with Table(tmp_path, "--chip", "reader", "--chip", "tag") as running:
        yield running


@pytest.fixture
def table_with_card(tmp_path: Path) -> Iterator[Table]:
    """Chips `reader` and `other`, and our own card `wallet`, new from the factory."""
    with Table(tmp_path, "--chip", "reader", "--chip", "other", "--card", "wallet") as running:
        running.until_doing("wallet", "listening")
        yield running
