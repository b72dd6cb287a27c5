# SPDX-License-Identifier: Apache-2.0
"""`make bench-reconcile`: what a run costs when little is new and much is archived.

So many sales between cards and stands on paper are settled in a SQLite file; then some more, from
the archive to the last transfer; then the whole archive is looked at from its beginning, without
booking and without signatures, which are known to be good by then. Processor time of this process,
so that other work on the machine does not count. Fails when a payment costs more among many than
it cost when there were none, or when the two looks differ.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from host.ledger_bench import Town
from host.paper_device import PaperDevice

ARCHIVED, NEW = 20_000, 100
CARDS, STANDS = 40, 8
RATIO_MAX = 2  # of what a payment costs late and early; a run also has a cost of its own


class Market(Town):
    """Cards that pay stands in turn."""

    def open(self) -> None:
        """Everybody has what they need for all sales."""
        self.cards = [self.holder(number, 1_000_000) for number in range(1, CARDS + 1)]
        for number, card in enumerate(self.cards, 1):
            self.load(card, 100_000, number)
        self.stands = [self.merchant(number) for number in range(1, STANDS + 1)]
        self.sales = 0

    def sell(self, count: int) -> None:
        """So many sales of one cent, and what was journalled is deposited."""
        touched: dict[bytes, PaperDevice] = {}
        for _ in range(count):
            card = self.cards[self.sales % CARDS]
            stand = self.stands[self.sales // CARDS % STANDS]
            self.sales += 1
            card.closed(stand.close(card.pay(stand.offer(card, 1))))
            touched |= {card.id: card, stand.id: stand}
        for device in touched.values():
            first = self.ledger.next_missing(device.id)
            for at in range(first - 1, len(device.statements), 4000):
                self.ledger.deposit(device.id, device.statements[at : at + 4000])
            self.head(device)


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    archived, new = map(int, sys.argv[1:]) if sys.argv[1:] else (ARCHIVED, NEW)
    with TemporaryDirectory() as place:
        url = f"sqlite:///{Path(place) / 'ledger.sqlite'}"
        town = Market(url)
        town.open()
        town.sell(archived)
        rows = [(archived, "all new", seconds(town.ledger.reconcile))]
        town.sell(new)

        rows.append((new, f"new, {archived} archived", seconds(town.ledger.reconcile)))
        rows.append((0, "nothing new", seconds(town.ledger.reconcile)))
        differences: list[str] = []
        look = seconds(lambda: differences.extend(town.ledger._runs.differences()))
        rows.append((archived + new, "looked at from the beginning", look))
        town.right()
    print(f"{'payments':>9}  {'':32}{'CPU s':>8}{'us each':>9}")
    for count, what, took in rows:
        each = f"{took / count * 1e6:9.0f}" if count else ""
        print(f"{count:9}  {what:32}{took:8.2f}{each}")
    ratio = rows[1][2] / new / (rows[0][2] / archived)
    print(f"a payment late costs {ratio:.2f} of one early;", end=" ")
    print(f"{new} new cost {rows[1][2] / rows[3][2]:.3f} of a look at everything")
    if differences:
        sys.exit(f"the looks differ: {differences[0]}")
    if ratio > RATIO_MAX:
        sys.exit("a run costs more than what is new")


if __name__ == "__main__":
    main()
