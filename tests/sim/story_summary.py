# SPDX-License-Identifier: Apache-2.0
"""What the main story comes to, as text: journals record by record, then the trial balance.

Hashes and ids are left out: certificates name the digest of the firmware. The golden copy is
written by `PYTHONPATH=firmware:host:tests .venv/bin/python -m sim.story_summary`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from duet.cable_town import issuer
from duotap_host.demo.playing import Played, play
from duotap_host.demo.stage_local import LocalStage
from duotap_host.demo.telling import Nobody
from duotap_host.money import show

GOLDEN = Path(__file__).parents[1] / "golden" / "story.txt"
GOLDEN_SEED = 1


@cache
def played(seed: int, again: int = 0) -> Played:
    """The story from one seed; `again` plays it anew."""
    with TemporaryDirectory() as folder:
        return play(LocalStage, Path(folder), seed, Nobody(), issuer())


def summary(found: Played) -> str:
    """A line each for records and accounts."""
    lines = []
    for device, entries in found.journals.items():
        lines.append(device)
        for entry in entries:
            amount = show(entry.amount) if entry.amount else ""
            counters = " ".join(
                f"{message.name}:{','.join(str(value) for _, value in message.counters)}"
                for message in entry.messages
            )
            lines.append(f"{entry.sequence:4d} {entry.name:12s} {amount:>7s} {counters}".rstrip())
    lines.append("trial balance")
    for account in found.trial.accounts:
        name = found.owners.get(account.name, account.name)
        amounts = (account.debits_posted, account.credits_posted, account.balance)
        lines.append("".join([f"{name:16s}", *(f"{show(amount):>10s}" for amount in amounts)]))
    return "\n".join(lines) + "\n"


def main() -> None:
    GOLDEN.write_text(summary(played(GOLDEN_SEED)), encoding="utf-8")


if __name__ == "__main__":
    main()
