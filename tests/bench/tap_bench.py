# SPDX-License-Identifier: Apache-2.0
"""`make bench-tap`: where the time of a tap goes, by kind of signatures (modelled time).

From RATS to the status word of the receipt, two RP2040, their PN532 on HSU; what the card computes
afterwards to verify the receipt is told apart. With an ATECC608 the shipped driver speaks to a
virtual chip on each board that takes its longest execution times (their source is beside them, in
virtual/atecc608_chip.py), authorization of the key and the tick of class bound included.
"""

from __future__ import annotations

from bench.two_sales import two_sales
from duotap_host.virtual.costs import FREE, RP2040_PORTABLE, RP2040_THUMB

BAUDRATE = 921_600
KINDS = ((RP2040_PORTABLE, False), (RP2040_THUMB, False), (FREE, True))
WITH_ELEMENT = "RP2040 with ATECC608"
PARTS = ("radio", "serial", "computing", "flash", "waiting")


def main() -> None:
    print(f"modelled time of a tap in ms, HSU at {BAUDRATE} baud; costs: virtual/costs.py\n")
    heads = "".join(f"{name:>11}" for name in (*PARTS, "total", "receipt"))
    print(f"{'':46}{heads}")
    for costs, element in KINDS:
        sales = two_sales(costs, BAUDRATE, element=element)
        for name, tap in zip(("cold", "warm"), sales, strict=True):
            figures = [*(tap.parts[part] for part in PARTS), tap.total_us, tap.receipt_us]
            shown = "".join(f"{figure / 1000:11.1f}" for figure in figures)
            print(f"{WITH_ELEMENT if element else costs.name:42}{name:4}{shown}")


if __name__ == "__main__":
    main()
