# SPDX-License-Identifier: Apache-2.0
"""Rules that keep value, each left out of a shipped module at one place. A sweep of the points
that are named must find a fault of the property that is named: so the sweep can fail.

Nothing of the firmware may be imported before `install`.
"""

from __future__ import annotations

from typing import NamedTuple

from model import patch


class Mutant(NamedTuple):
    """`old` stands in the source of `module` once. `arguments` of the sweep that finds it."""

    module: str
    old: str
    new: str
    properties: tuple[str, ...]
    arguments: tuple[str, ...]

    def install(self) -> None:
        patch.install(self.module, self.old, self.new)


FLASH = ("--kind", "flash", "--share", "0.2")
SALE = ("--story", "stand-warm", *FLASH, "--way", "again")
MUTANTS = {
    # The payment is journalled with the record that follows it.
    "sent before committed": Mutant(
        "duotap.purse",
        "        sequence: int = self.journal.append(kind, body)\n",
        "        held, self.held = getattr(self, 'held', ()), ()\n"
        "        if held:\n"
        "            self.journal.append(*held)\n"
        "        sequence: int = self.journal.next_sequence\n"
        "        if kind == records.PAYMENT:\n"
        "            self.held = (kind, body)\n"
        "        else:\n"
        "            sequence = self.journal.append(kind, body)\n",
        ("created",),
        ("--story", "stand-warm", "--kind", "radio", "--share", "0.015", "--way", "never"),
    ),
    "marked before it is whole": Mutant(
        "duotap.journal",
        "        for index in range(pages):\n"
        "            record.fill(ring.page_buffer, index, head, body, crc)\n"
        "            ring.program(page + index)\n"
        "        ring.mark(ring.write, page)\n",
        "        for index in range(pages):\n"
        "            record.fill(ring.page_buffer, index, head, body, crc)\n"
        "            ring.program(page + index)\n"
        "            if index == 0:\n"
        "                ring.mark(ring.write, page)\n",
        ("damaged",),
        SALE,
    ),
    "re-touch sells anew": Mutant(
        "duotap.tap",
        "if not amount or (finished is not None and finished.amount == amount):",
        "if not amount:",
        ("paid twice",),
        SALE,
    ),
    "credited again": Mutant(
        "duotap.fold",
        "    state.last_closed = (state.open_offer.hash, state.open_offer.payer)\n"
        "    state.open_offer = None\n",
        "    state.last_closed = (state.open_offer.hash, state.open_offer.payer)\n",
        ("created",),
        SALE,
    ),
    "receipt forgotten": Mutant(
        "duotap.payer",
        "        self.device.purse.commit(kinds[0], signed.raw)\n        return True\n",
        "        return True\n",
        ("under way",),
        ("--story", "stand-cold", "--kind", "none", "--way", "never"),
    ),
    "counter not raised": Mutant(
        "duotap.fold",
        "    state.next_payment = payment.counter + 1\n",
        "",
        ("accused",),
        ("--story", "stand-warm", "--kind", "none", "--way", "never"),
    ),
    "payment not brought to its payee": Mutant(
        "duotap_host.reconcile.handover",
        "(end is not None and (end.honoured or end.late))",
        "(end is None or end.honoured or end.late)",
        ("under way",),
        ("--story", "forward", "--kind", "none", "--way", "never"),
    ),
    "pruned beyond the checkpoint": Mutant(
        "duotap.purse",
        "self.journal.prune(self.covered)",
        "self.journal.prune(self.journal.next_sequence - 1)",
        ("lost", "stuck", "accused"),
        ("--story", "prune", "--kind", "none"),
    ),
}
