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
FACTORY_VARIABLE = "DUOTAP_FACTORY_PASSPHRASE"
STATE = Path("duotap-state")
KEYS = STATE / "keys"
FLEET = STATE / "fleet.sqlite"  # the manifest of what was made here
RESCUE = STATE / "rescue"  # what was read from boards that are being recovered
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
            what = "the issuer's keys"
            self._passphrase = _passphrase(
                self.passphrase_file, PASSPHRASE_VARIABLE, what, confirm
            )
        return self._passphrase

    def factory_passphrase(self, path: Path | None, confirm: bool = False) -> bytes:
        """Of a factory's key, which is not the issuer's: the same three ways."""
        return _passphrase(path, FACTORY_VARIABLE, "the factory's key", confirm)


def _passphrase(path: Path | None, variable: str, what: str, confirm: bool) -> bytes:
    if path is not None:
        try:
            return path.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise IssuerError(f"cannot read {path}: {error.strerror}") from None
    if variable in os.environ:
        return os.environb[variable.encode()]
    if not sys.stdin.isatty():
        option = "--passphrase-file"
        if variable == FACTORY_VARIABLE:
            option = "--factory-passphrase-file"
        raise IssuerError(f"no passphrase: set {variable} or give {option}")
    import click

    prompt = f"Passphrase for {what}"
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer.encode()
