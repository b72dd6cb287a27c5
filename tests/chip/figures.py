# SPDX-License-Identifier: Apache-2.0
"""Figures that a test has seen, kept for `make test-chip` to print behind the table of its run."""

from __future__ import annotations

from collections.abc import Iterable

from duotap_host.flash import image

FOLDER = image.ROOT / "build" / "chip"


def keep(name: str, lines: Iterable[str]) -> None:
    """In the place of what an earlier run has seen."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
