# SPDX-License-Identifier: Apache-2.0
"""One playing of the story from an empty folder to closed books, and what two have in common."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from duotap_host.demo import journals
from duotap_host.demo.office import Office
from duotap_host.demo.stage import Stage
from duotap_host.demo.story import CHAPTERS, Chapters, Check, Story
from duotap_host.demo.telling import Listener, Telling
from duotap_host.issuer import Issuer
from duotap_host.ledger import codes
from duotap_host.ledger.interface import Trial

STATE, SCREENS = "state", "screens"  # folders of one playing


@dataclass(frozen=True)
class Played:
    """A story that came to its end: every check holds."""

    form: str
    issuer: Issuer
    telling: Telling
    checks: tuple[Check, ...]
    journals: dict[str, tuple[journals.Entry, ...]]
    trial: Trial
    owners: dict[str, str]  # what the story calls the device that an account is the shadow of
    took_s: float


def play(
    stage: type[Stage],
    folder: Path,
    seed: int,
    listener: Listener,
    issuer: Issuer | None = None,
    chapters: Chapters = CHAPTERS,
) -> Played:
    """Play the story, or some chapters. StoryFailed, DeviceError, LedgerError, IssuerError."""

    async def main() -> Played:
        began = time.monotonic()
        own_seed = seed.to_bytes(8, "big")
        office = Office(folder / STATE, own_seed, issuer)
        telling = Telling(folder / SCREENS, listener)
        made = stage(own_seed)
        story = Story(made, office, telling, seed)
        try:
            await story.play(chapters)
            kept = {name: tuple(story.journals[name].values()) for name in story.journals}
            return Played(
                stage.form,
                office.issuer,
                telling,
                tuple(story.checks),
                kept,
                office.check(),
                {codes.purse(device): name for name, device in office.devices.items()},
                time.monotonic() - began,
            )
        finally:
            await made.close()
            office.close()

    return stage.run(main())


def differences(one: Played, other: Played) -> list[str]:
    """What two playings of one seed differ in, a line each; none when all journals are the same
    bytes and all accounts hold the same."""
    found = journals.differences(one.journals, other.journals)
    left = {account.name: account.balance for account in one.trial.accounts}
    right = {account.name: account.balance for account in other.trial.accounts}
    found += [
        f"{name}: {left.get(name)} and {right.get(name)}"
        for name in sorted({*left, *right})
        if left.get(name) != right.get(name)
    ]
    return found
