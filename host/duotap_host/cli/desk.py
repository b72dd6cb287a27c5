# SPDX-License-Identifier: Apache-2.0
"""What a command works with: where keys and ledger are, the passphrase, and the screen.

Keys and ledger are opened when a command asks for them; the passphrase is asked for when a key is
to sign, and never shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from duotap_host.issuer import Issuer, IssuerError

if TYPE_CHECKING:
    from duotap_host.ledger.local import LocalLedger

PASSPHRASE_VARIABLE = "DUOTAP_PASSPHRASE"
STATE = Path("duotap-state")
KEYS = STATE / "keys"
FLEET = STATE / "fleet.sqlite"  # the manifest of what was made here
LEDGER = f"sqlite:///{STATE / 'ledger.sqlite'}"
PLAIN_WIDTH = 120  # columns where the output is no terminal


def screen() -> Console:
    """The terminal, or plain text where there is none."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


@dataclass
class Desk:
    """One run of the command."""

    ledger_url: str = LEDGER
    keys: Path = KEYS
    passphrase_file: Path | None = None
    console: Console = field(default_factory=screen)
    _passphrase: bytes | None = None

    def issuer(self) -> Issuer:
        """The issuer whose keys are here. IssuerError."""
        return Issuer.open(self.keys, self.passphrase)

    @contextmanager
    def ledger(self) -> Iterator[LocalLedger]:
        """The issuer's ledger. LedgerError."""
        from duotap_host.ledger.opening import open_ledger

        opened = open_ledger(self.ledger_url, self.issuer())
        try:
            yield opened
        finally:
            opened.close()

    def passphrase(self, confirm: bool = False) -> bytes:
        """From the file, the variable, or the person at the terminal, in this order."""
        if self._passphrase is None:
            self._passphrase = self._find_passphrase(confirm)
        return self._passphrase

    def _find_passphrase(self, confirm: bool) -> bytes:
        if self.passphrase_file is not None:
            try:
                return self.passphrase_file.read_bytes().rstrip(b"\r\n")
            except OSError as error:
                raise IssuerError(
                    f"cannot read {self.passphrase_file}: {error.strerror}"
                ) from None
        if PASSPHRASE_VARIABLE in os.environ:
            return os.environb[PASSPHRASE_VARIABLE.encode()]
        if not sys.stdin.isatty():
            raise IssuerError(
                f"no passphrase: set {PASSPHRASE_VARIABLE} or give --passphrase-file"
            )
        import click

        prompt = "Passphrase for the issuer's keys"
        answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
        return answer.encode()
