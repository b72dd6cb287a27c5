# SPDX-License-Identifier: Apache-2.0
"""`make bench-crypto`: P-256 of this firmware against embit (secp256k1 in plain Python), both on
MicroPython's Unix port with a board's heap.

CPU time, median of interleaved rounds, so that a busy machine slows both alike. Afterwards the
protections of a signature are told apart, and what a board would take (device_count.py).
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench import thumb_parts
from bench.device_count import EMULATED_MS, Taken, measured
from bench.thumb_runner import compiled

ROOT = Path(__file__).resolve().parents[2]
MICROPYTHON = Path(sys.executable).with_name("micropython")
HEAP = "192k"
ROUNDS = 7
COUNT = 5  # digests in a round
EMBIT = "0.8.0"
# What a round measures of each, in an interpreter each.
OPERATIONS = {"ours": ("sign", "verify", "known", "parts"), "embit": ("sign", "verify")}
# ours, embit's, limit of the ratio
LIMITS = (
    ("sign", "sign", 0.20),
    ("verify", "verify", 0.50),
    ("known", "verify", 0.26),
)
# What a protection costs: (with it, without it), as crypto_round.py names them; "" is nothing.
PARTS = (
    ("hedged nonce", "nonce, hedged", "nonce"),
    ("uniform schedule", "uniform", "skipping"),
    ("blinding: scalar and coordinates", "uniform, masked", "uniform"),
    ("blinding: drawing both masks", "nonce, masks", "nonce"),
    ("blinding: products around the inversion", "masked inversion", ""),
    ("on-curve check (verify)", "on curve", ""),
)
OFF_MAX = 0.1  # of an estimate from what an emulated board took
Times = dict[str, float]
# Milliseconds on a board; the names are device_count's.
BOARD_LIMITS = {
    "wide sign": 130,
    "wide verify": 675,
    "wide known": 200,
    "Thumb sign": 36,
    "Thumb verify": 100,
    "Thumb known": 45,
}


def one_round(mode: str, operation: str) -> Times:
    """Microseconds, in a fresh interpreter."""
    script = str(Path(__file__).with_name("crypto_round.py"))
    spec = find_spec("embit")
    assert spec is not None
    assert spec.origin is not None
    paths = [str(Path(spec.origin).parents[1]), *(f"{ROOT}/firmware{d}" for d in ("", "/shims"))]
    command = [str(MICROPYTHON), "-X", f"heapsize={HEAP}", script]
    command += [mode, operation, str(COUNT), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = (line.split("|") for line in done.stdout.splitlines())
    return {name: float(microseconds) for name, microseconds in lines}


def measure() -> tuple[Times, Times]:
    """Medians of ours and of embit's; the rounds take turns."""
    rounds: dict[str, dict[str, list[float]]] = {"ours": defaultdict(list)}
    rounds["embit"] = defaultdict(list)
    for _ in range(ROUNDS):
        for mode, found in rounds.items():
            for operation in OPERATIONS[mode]:
                for name, microseconds in one_round(mode, operation).items():
                    found[name].append(microseconds)
    ours, embit = (
        {name: statistics.median(values) for name, values in found.items()}
        for found in rounds.values()
    )
    return ours, embit


def compare(ours: Times, embit: Times) -> bool:
    """Print the ratios; whether all keep their limits."""
    held = True
    print(f"{'':10}{'duotap':>10}{'embit':>10}{'ratio':>8}{'limit':>8}")
    for name, other, limit in LIMITS:
        ratio = ours[name] / embit[other]
        held &= ratio <= limit
        times = f"{ours[name] / 1000:7.2f} ms{embit[other] / 1000:7.2f} ms"
        print(f"{name:10}{times}{ratio:8.3f}{limit:8.2f}{'' if ratio <= limit else '  MISSED'}")
    return held


def protections(ours: Times) -> None:
    """Print what each protection costs, as a difference of two medians."""
    print("\nof which, contained in the above:")
    for name, with_it, without in PARTS:
        cost = ours[with_it] - ours.get(without, 0.0)
        of = "verify" if "verify" in name else "sign"
        print(f"  {name:42}{cost:8.0f} us{100 * cost / ours[of]:6.1f} % of {of}")


def on_a_board() -> bool:
    """Print what one operation takes there, counted, and the estimate that follows; whether it
    keeps its limit and is near what an emulated board took."""
    _, size = compiled()
    print(
        f"\nRP2040 at 125 MHz; thumb_p256.mpy has {size} bytes; ms are estimates from the counts"
    )
    heads = ("instr.", "cycles", "field mul", "sqr", "add/sub", "doublings", "additions")
    heads += ("inverses", "a*b", "a%p", "other", "lines", "estimate", "limit", "emulated", "off")
    print(f"{'':14}" + "".join(f"{head:>10}" for head in heads))
    held = True
    for taken in measured():
        limit = BOARD_LIMITS.get(taken.name, math.inf)
        seen = EMULATED_MS[taken.name]
        off = taken.estimate_ms / seen - 1
        good = taken.estimate_ms <= limit and abs(off) <= OFF_MAX
        held &= good
        shown = "".join(f"{figure:10}" for figure in _figures(taken))
        shown += f"{taken.estimate_ms:10.1f}{limit if limit < math.inf else '':>10}{seen:10.1f}"
        print(f"{taken.name:14}{shown}{100 * off:9.1f}%{'' if good else '  MISSED'}")
    return held


def _figures(taken: Taken) -> tuple[int, ...]:
    field, points, integers = taken.field, taken.points, taken.integers
    other = integers.total() - integers["mul"] - integers["mod"]
    return (
        *(taken.instructions, taken.cycles, field["mul"], field["sqr"]),
        *(field["add"] + field["sub"], points["double"], points["add"], points["invert"]),
        *(integers["mul"], integers["mod"], other, taken.lines),
    )


def main() -> int:
    assert version("embit") == EMBIT
    print(f"Unix port of MicroPython, heap {HEAP}, CPU time, median of {ROUNDS} rounds; ")
    print(f"embit {EMBIT} is secp256k1 (a = 0) in plain integers, nothing masked\n")
    ours, embit = measure()
    held = compare(ours, embit)
    protections(ours)
    held &= on_a_board()
    thumb_parts.main()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
