# SPDX-License-Identifier: Apache-2.0
"""The files of the project as the rules of style see them: path, text, syntax tree, comments.

Knows no rule. The list comes from git: what is ignored is nobody's source.
"""

from __future__ import annotations

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXTS = (".py", ".pyi", ".md", ".toml", ".json", ".sh", ".html", ".js", ".css", ".ini", ".mako")
TEXT_FILES = ("Makefile", ".ci/run")
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
    """Tracked and new files; what git ignores or somebody just deleted is left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [n for n in listed.stdout.split("\n") if n.endswith(TEXTS) or n in TEXT_FILES]
    paths = [ROOT / name for name in sorted(set(names)) if "/vendor/" not in name]
    return [
        Source(str(path.relative_to(ROOT)), path.read_text()) for path in paths if path.exists()
    ]
