# SPDX-License-Identifier: Apache-2.0
"""What each operation on points takes in Thumb instructions, and what the protections of a
signature add to it there: counted (cortex_m0.py), for one operation alone.
"""

from __future__ import annotations

from bench.cortex_m0 import Count
from bench.device_count import COSTS_US, CYCLES_PER_US, POINTS_US
from bench.thumb_runner import UnicornRunner
from duotap import p256_table
from duotap.p256_comb import MASKED_BITS, SCALAR_BITS, Comb
from duotap.p256_point import GX, GY, P, double
from port.thumb_group import CHOOSE, EX, EY, MASK, STOP, TAKE, WINDOW, A, B, ThumbGroup

SCALAR = 0xA5A5_5A5A << 225 | 0x1234_5679  # odd, below 2**256
HASH_BLOCK_US = 72.0  # SHA-256 of 64 bytes more, measured as POINTS_US was
COMB = Comb(p256_table.TABLE, p256_table.TEETH, p256_table.BLOCKS, p256_table.COLUMNS)


class _Alone:
    """Runs one program of the group at a time, on the point 2 * G and the entry G."""

    def __init__(self) -> None:
        self._runner = UnicornRunner()
        self.group = ThumbGroup(self._runner)
        self.group._make_window(GX, GY)
        self._empty = self._ran(b"")

    def _ran(self, script: bytes) -> Count:
        self.group._load(double((GX, GY, 1)))
        for slot, value in ((EX, GX), (EY, GY), (MASK, SCALAR % P), (A, SCALAR % P), (B, P)):
            self.group._set(slot, value)
        self._runner.reset()
        assert self.group._run(script + STOP) == 0
        return self._runner.count

    def count(self, program: int, argument: int = 0) -> Count:
        """Without what a call of the runner takes."""
        count = self._ran(bytes((program, argument)))
        empty = self._empty
        return Count(count.instructions - empty.instructions, count.cycles - empty.cycles)

    def entry(self, how: int) -> Count:
        """Of one entry of a block of the generator's table."""
        self.group._show((COMB,), how)
        self.group._recode(COMB, 0, SCALAR)
        return self.count(self.group._programs.tables[0], 3)


def operations() -> dict[str, Count]:
    """Each operation of the runner on points."""
    alone = _Alone()
    programs = alone.group._programs
    return {
        "doubling": alone.count(programs.double),
        "addition of an affine point": alone.count(programs.entry),
        "addition of a cached point": alone.count(programs.plus, WINDOW + 5),
        "caching a point": alone.count(programs.cache),
        "entry, its block read whole": alone.entry(CHOOSE),
        "entry, read alone": alone.entry(TAKE),
        "masking the first entry": alone.count(programs.begin),
        "inversion (hangs on its value)": alone.count(programs.invert),
    }


def protections() -> tuple[tuple[str, int, float], ...]:
    """Name, instructions and microseconds of each protection of a signature with Thumb; what is
    not machine code is taken from what device_count knows."""
    found = operations()
    double, add, whole, alone, begin = (
        found[name]
        for name in (
            "doubling",
            "addition of an affine point",
            "entry, its block read whole",
            "entry, read alone",
            "masking the first entry",
        )
    )
    entries = COMB.blocks * COMB.columns
    positions = COMB.teeth * COMB.blocks
    # What SCALAR_BITS would take: a column less for each `positions` bits.
    columns = (MASKED_BITS - SCALAR_BITS) // positions
    column = [
        count + COMB.blocks * (a + w) for count, a, w in zip(double, add, whole, strict=True)
    ]
    scalar = [columns * each for each in column]
    uniform = [entries * (w - a) for w, a in zip(whole, alone, strict=True)]
    product = COSTS_US["mul"] + COSTS_US["mod"]
    return (
        ("hedged nonce: half a block more, twice", 0, HASH_BLOCK_US),
        ("uniform schedule: blocks read whole", uniform[0], uniform[1] / CYCLES_PER_US),
        ("blinding: 32 bits more of the scalar", scalar[0], scalar[1] / CYCLES_PER_US),
        ("blinding: coordinates", begin.instructions, begin.cycles / CYCLES_PER_US),
        ("blinding: drawing both masks", 0, 2 * POINTS_US["hmac"]),
        ("blinding: products around the inversion", 0, 4 * product),
        ("on-curve check (verify)", 0, 3 * COSTS_US["mul"] + COSTS_US["mod"]),
    )


def main() -> None:
    """Print both tables."""
    print(f"\n{'Thumb, one operation':44}{'instr.':>9}{'cycles':>9}{'us':>9}")
    for name, count in operations().items():
        print(
            f"  {name:42}{count.instructions:9}{count.cycles:9}{count.cycles / CYCLES_PER_US:9.0f}"
        )
    print(f"\n{'Thumb, protections, contained in the above':44}{'instr.':>9}{'us':>18}")
    for name, instructions, us in protections():
        print(f"  {name:42}{instructions:9}{us:18.0f}")


if __name__ == "__main__":
    main()
