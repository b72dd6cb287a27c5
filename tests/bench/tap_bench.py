# SPDX-License-Identifier: Apache-2.0
"""`make bench-tap`: where the time of a tap goes, by kind of signatures (modelled time).

From RATS to the status word of the receipt, two RP2040, their PN532 on HSU; what the card computes
afterwards to verify the receipt is told apart. With an ATECC608 the shipped driver speaks to a
virtual chip on each board that takes its longest execution times (their source is beside them, in
virtual/atecc608_chip.py), authorization of the key and the tick of class bound included.

Below each tap, its critical path: command by command what either side is busy with, and how long
it waits for the other.
"""

from __future__ import annotations

from bench.two_sales import two_sales
from duotap import commands
from duotap_host.virtual.clock import FLASH
from duotap_host.virtual.costs import COMPUTING, FREE, RP2040_PORTABLE, RP2040_THUMB
from duotap_host.virtual.timesheet import WAITING, TapTime

BAUDRATE = 921_600
KINDS = ((RP2040_PORTABLE, False), (RP2040_THUMB, False), (FREE, True))
WITH_ELEMENT = "RP2040 with ATECC608"
NAMES = {value: name for name, value in vars(commands).items() if isinstance(value, int)}
LINE_US_MIN = 1000
SHOWN = (COMPUTING, FLASH, WAITING)
PARTS = ("radio", "serial", "computing", "flash", "waiting")


def main() -> None:
    print(f"modelled time of a tap in ms, HSU at {BAUDRATE} baud; costs: virtual/costs.py\n")
    heads = "".join(f"{name:>11}" for name in (*PARTS, "total", "receipt"))
    print(f"{'':32}{heads}")
    for costs, element in KINDS:
        sales = two_sales(costs, BAUDRATE, element=element)
        for name, tap in zip(("cold", "warm"), sales, strict=True):
            figures = [*(tap.parts[part] for part in PARTS), tap.total_us, tap.receipt_us]
            shown = "".join(f"{figure / 1000:11.1f}" for figure in figures)
            print(f"{WITH_ELEMENT if element else costs.name:28}{name:4}{shown}")
            print(_critical_path(tap))


def _critical_path(tap: TapTime) -> str:
    """A line a command that takes a millisecond: what each side computes, writes and waits for."""
    lines = []
    for step in tap.steps:
        if step.total_us < LINE_US_MIN:
            continue
        cells = [f"    {NAMES[step.ins]:16}{step.total_us / 1000:8.1f}"]
        for role, parts in (("payee", step.payee), ("payer", step.payer)):
            busy = "".join(f"{parts[part] / 1000:8.1f} {part}" for part in SHOWN)
            cells.append(f"{role}:{busy}")
        lines.append("   ".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
