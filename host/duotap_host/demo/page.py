# SPDX-License-Identifier: Apache-2.0
"""The story as one HTML page: screens embedded, tap times, journals, checks, trial balance.

It needs nothing but itself to be read. Jinja2 escapes whatever is put into it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from duotap_host.demo.playing import Played
from duotap_host.demo.telling import Said, Screens
from duotap_host.money import show

TEMPLATE = "page.html.j2"


def write(path: Path, played: Sequence[Played], differences: Sequence[str], seed: int) -> None:
    """Write the page of one playing, or of two; the first one is told."""
    environment = Environment(
        loader=PackageLoader("duotap_host.demo", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = show
    environment.filters["seconds"] = lambda us: f"{us / 1e6:.3f}"
    environment.filters["embedded"] = _embedded
    environment.tests["said"] = lambda entry: isinstance(entry, Said)
    environment.tests["screens"] = lambda entry: isinstance(entry, Screens)
    text = environment.get_template(TEMPLATE).render(
        played=played, told=played[0], differences=differences, seed=seed
    )
    path.write_text(text, encoding="utf-8")


def _embedded(picture: Path) -> str:
    """A PNG file as a data URL."""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
