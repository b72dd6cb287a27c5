# SPDX-License-Identifier: Apache-2.0
"""The files of the project as the rules of style see them: path, text, syntax tree, comments.

Knows no rule.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXTS = (".py", ".pyi", ".md", ".toml", ".json", ".sh", ".html", ".js", ".css", ".ini", ".mako")
TEXT_FILES = ("Makefile", ".ci/run")
# Built, fetched or other people's: nobody's source here.
NOT_OURS = ("/vendor/", "/node_modules/", "/__pycache__/", ".egg-info/")
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """A file: `path` from the top of the project, with slashes, and `text`."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @property
    def is_python(self) -> bool:
        return self.path.endswith((".py", ".pyi"))

    @property
    def runs_on_device(self) -> bool:
        return self.path.endswith(".py") and self.path.startswith(("firmware/", "boards/"))

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text if self.is_python else "", self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))

    @property
    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with its dotted name: `time.sleep`, `print`."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield node, ast.unparse(node.func)

    @property
    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of each module; a relative one counts as its own package."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                own = self.path.split("/")[1] if node.level else ""
                yield node.lineno, own or node.module or ""

    @property
    def comments(self) -> Iterator[tuple[int, str]]:
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string

    def lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.text.splitlines(), 1)


def project() -> list[Source]:
    """Every text below the top, save what is hidden or built."""
    tops = [top for top in ROOT.iterdir() if top.name == ".ci" or top.name[0] != "."]
    paths = [path for top in tops if top.name != "build" for path in [top, *top.rglob("*")]]
    sources = []
    for path in sorted(path for path in paths if path.is_file()):
        name = path.relative_to(ROOT).as_posix()
        if name.endswith((*TEXTS, *TEXT_FILES)) and not any(part in name for part in NOT_OURS):
            sources.append(Source(name, path.read_text()))
    return sources
