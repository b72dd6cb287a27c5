# SPDX-License-Identifier: Apache-2.0
"""No keys open a prompt while a production build starts, on no port; in a development build they
do. `make boot-sweep` types each of them at each 10 ms, this test all of them in turn."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from duotap_host.flash import image
from upy.boot_sweep import KEYS, at, first_boot, open_to, throughout
from upy.interpreter import MICROPYTHON, ROOT

STORY_S = 120.0
# At power-on, while the firmware is loaded, and once it runs.
AFTER_MS = (0, 60, 150)

STAND_IN = """
import sys
class machine:
    def reset():
        print("reset")
sys.modules["machine"] = machine
"""


def test_no_keys_open_a_prompt() -> None:
    async def story() -> None:
        async with asyncio.timeout(STORY_S):
            flash = await first_boot("card")
            whole = await throughout("card", flash)
            assert (whole.prompt, whole.serves) == (False, True)
            for after_ms in AFTER_MS:
                came = await at("card", flash, after_ms, KEYS[-1])
                assert (came.prompt, came.serves) == (False, True), after_ms

    asyncio.run(story())


def test_a_development_build_is_open() -> None:
    async def story() -> None:
        async with asyncio.timeout(STORY_S):
            came = await open_to("card")
            assert came.prompt
            assert came.taken == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        ("pass", "on\n"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: \nreset\non\n"),
        ("raise SystemExit", "SystemExit: \nreset\non\n"),
        ("bytearray(1 << 40)", "reset\non\n"),
    ],
)
def test_what_ends_a_start_resets(body: str, ends: str) -> None:
    """On a board nothing is printed after the reset."""
    text = STAND_IN + image.locked(body) + "print('on')\n"
    done = subprocess.run(
        [MICROPYTHON, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.endswith(ends), done.stdout + done.stderr


def test_a_build_of_its_own_runs_no_file(tmp_path: Path) -> None:
    """Files that have the name of a frozen or a built-in module lie where they would be found
    first; `.frozen` is asyncio's here, as on a board."""
    for name in ("asyncio", "time", "board"):
        (tmp_path / f"{name}.py").write_text("print('run from a file')\n")
    boot = (ROOT / "boards" / "locked" / "boot.py").read_text()
    tries = (
        "import asyncio, time\ntry:\n    import board\nexcept ImportError:\n    print('none')\n"
    )
    for before, said in (("", "run from a file\n" * 3), (boot, "none\n")):
        done = subprocess.run(
            [MICROPYTHON, "-c", before + tries],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert done.stdout == said
