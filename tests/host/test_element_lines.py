# SPDX-License-Identifier: Apache-2.0
"""The talk that tests/both replays on MicroPython is the one that the virtual chip has.

`DUOTAP_KEEP=1 pytest tests/host/test_element_lines.py` writes it anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import element_lines
from duotap_host.issuer import es256
from element_talk import DIGEST, SECRET, talk
from host.element_bench import ElementBench

KEPT = Path(element_lines.__file__)
HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""Driver and virtual ATECC608 on their bus, kept by tests/host/test_element_lines.py.

`w ADDRESS BYTES` and `r ADDRESS BYTES`; an exclamation mark: nobody acknowledged.
"""

# ruff: noqa: E501
LINES = """\\
'''


def told() -> str:
    bench = ElementBench(b"lines", times_ms=dict.fromkeys(range(256), 0))
    bench.signer(SECRET)
    lines: list[str] = []
    chip = bench.chip
    write, read = chip.i2c_write, chip.i2c_read

    def writes(address: int, content: bytes, hz: int) -> bool:
        heard = write(address, content, hz)
        lines.append(f"w {address:02x} {content.hex()}{'' if heard else '!'}")
        return heard

    def reads(address: int, nbytes: int) -> bytes:
        answer = read(address, nbytes)
        lines.append(f"r {address:02x} {answer.hex() or '!'}")
        return answer

    chip.i2c_write, chip.i2c_read = writes, reads  # type: ignore[method-assign]  # to listen
    public, signature = talk(bench.driver)
    es256.verify(public, DIGEST, signature)
    return "\n".join(lines) + "\n"


def test_the_kept_talk_is_the_present_one() -> None:
    now = told()
    if os.environ.get("DUOTAP_KEEP"):
        KEPT.write_text(HEAD + now + '"""\n', "utf-8")
    else:
        assert now == element_lines.LINES
