# SPDX-License-Identifier: Apache-2.0
"""Small programs as tables of texts, linked and run by this Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from duotap_host.link.linker import Linked, link
from duotap_host.link.source import Module

Texts = dict[str, str]


def modules(texts: Texts) -> list[Module]:
    """Modules by dotted name."""
    return [
        Module(name, name.replace(".", "/") + ".py", dedent(text)) for name, text in texts.items()
    ]


def linked(texts: Texts, *, foreign: tuple[str, ...] = (), limit: int = 6000) -> Linked:
    """`main.main` and what it needs, linked to `out` and what is loaded late."""
    return link(modules(texts), "main", ["main"], name="out", foreign=foreign, limit=limit)


def write(folder: Path, texts: Texts) -> None:
    for name, text in texts.items():
        path = folder / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def output(folder: Path, module: str) -> str:
    """What main() of a module in a folder prints."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import {module}; {module}.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=folder
    )
    return done.stdout + done.stderr


def both_ways(folder: Path, texts: Texts, **settings: int) -> tuple[str, str]:
    """What a program prints as it stands and linked."""
    write(folder / "plain", texts)
    write(folder / "linked", linked(texts, **settings).texts)
    return output(folder / "plain", "main"), output(folder / "linked", "out")
