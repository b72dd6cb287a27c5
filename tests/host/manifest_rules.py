# SPDX-License-Identifier: Apache-2.0
"""Executes a manifest as MicroPython's build does when it freezes, and says what would be frozen.

The functions and their rules: MicroPython's documentation, "MicroPython manifest files"
(reference/manifest). Paths are relative to the manifest that names them; a file or folder that is
not there, a kind of file that is not meant, and two files under one name are errors. What lies in
MicroPython's own tree (`$(MPY_DIR)`, `$(PORT_DIR)`) is not here: it is noted by its name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ELSEWHERE = ("$(MPY_DIR)", "$(PORT_DIR)", "$(MPY_LIB_DIR)")


class ManifestError(Exception):
    """What the build would stop at."""


class Options:
    """What an including manifest hands over."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self._defaults: dict[str, Any] = {}

    def defaults(self, **values: Any) -> None:
        self._defaults = values

    def __getattr__(self, name: str) -> Any:
        return self._values.get(name, self._defaults.get(name))


class Manifest:
    """`frozen`: paths on the device and their sources; `upstream`: what MicroPython brings."""

    def __init__(self, path: Path) -> None:
        self.frozen: dict[str, Path] = {}
        self.upstream: list[tuple[str, ...]] = []
        self.include(str(path.resolve()))

    def include(self, path: str, **values: Any) -> None:
        if path.startswith(ELSEWHERE):
            self.upstream.append(("include", path))
            return
        manifest = Path(path).resolve()
        if manifest.is_dir():
            manifest /= "manifest.py"
        known = {
            **{name: getattr(self, name) for name in ("include", "freeze", "package", "module")},
            "options": Options(values),
        }
        before = Path.cwd()
        os.chdir(manifest.parent)
        try:
            exec(compile(manifest.read_text(), str(manifest), "exec"), known)
        finally:
            os.chdir(before)

    def freeze(self, path: str, script: Any = None, opt: int | None = None) -> None:
        if path.startswith(ELSEWHERE):
            self.upstream.append(("freeze", path, *([] if script is None else [script])))
            return
        folder = Path(path)
        if script is None:
            self._take(folder, sorted(str(p.relative_to(folder)) for p in folder.rglob("*.py")))
        else:
            self._take(folder, [script] if isinstance(script, str) else script)

    def package(
        self,
        package_path: str,
        files: Iterable[str] | None = None,
        base_path: str = ".",
        opt: int | None = None,
    ) -> None:
        folder = Path(base_path)
        found = (folder / package_path).rglob("*.py")
        named = files or sorted(str(p.relative_to(folder / package_path)) for p in found)
        self._take(folder, [f"{package_path}/{name}" for name in named])

    def module(self, module_path: str, base_path: str = ".", opt: int | None = None) -> None:
        self._take(Path(base_path), [module_path])

    def _take(self, folder: Path, names: Iterable[str]) -> None:
        names = list(names)
        if not names:
            raise ManifestError(f"nothing to freeze in {folder}")
        for name in names:
            path = (folder / name).resolve()
            if path.suffix != ".py" or not path.is_file():
                raise ManifestError(f"no module {path}")
            if name in self.frozen:
                raise ManifestError(f"{name} is frozen twice")
            self.frozen[name] = path
