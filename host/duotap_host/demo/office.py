# SPDX-License-Identifier: Apache-2.0
"""The operator's office in the story: keys and ledger in a folder, and the flows behind the
commands `issuer init`, `account`, `provision`, `load`, `deposit`, `reconcile` and `ledger check`.

Its entropy and its clock are seeded, so that one story can be played twice and give the same
bytes; keys made here protect nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from duotap_host.device import deposit as depositing
from duotap_host.device import load as loading
from duotap_host.device.client import Client
from duotap_host.device.deposit import Deposit
from duotap_host.device.link import Line
from duotap_host.issuer import Issuer
from duotap_host.ledger.codes import AccountCode
from duotap_host.ledger.interface import Account, Reconciled, Trial
from duotap_host.ledger.local import LocalLedger
from duotap_host.ledger.opening import create_ledger
from duotap_host.provision.profile import Profile
from duotap_host.provision.provisioning import provision

NOON_US = 1_767_268_800_000_000  # 1 January 2026, 12:00 UTC, on which the pilot of the story opens
STEP_US = 1_000_000  # the office's clock moves on by itself whenever it is looked at
PASSPHRASE_BYTES = 24
SECRET_MODE = 0o600


class Draw:
    """Entropy from a seed, the same in every run."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self, nbytes: int) -> bytes:
        self._count += 1
        text = self._seed + self._count.to_bytes(8, "big")
        return hashlib.shake_256(text).digest(nbytes)


class Office:
    """Keys and ledger in `folder`; nothing is there before `open`.

    With an `issuer` from another playing of the story no keys are made: it is the same operator.
    """

    ledger: LocalLedger

    def __init__(self, folder: Path, seed: bytes, issuer: Issuer | None = None) -> None:
        self.folder = folder
        self.devices: dict[str, bytes] = {}  # ids by what the story calls a device
        self._issuer = issuer
        self._seed = seed
        self._draw = Draw(b"duotap office" + seed)
        self._now_us = NOON_US

    @property
    def issuer(self) -> Issuer:
        """There from `open` on."""
        if self._issuer is None:
            raise LookupError("the office is not open yet")
        return self._issuer

    def now_us(self) -> int:
        """The office's clock."""
        self._now_us += STEP_US
        return self._now_us

    def open(self) -> None:
        """Keys under a passphrase that is generated, and a ledger."""
        self.folder.mkdir(parents=True, exist_ok=True)
        now_us = self.now_us()
        if self._issuer is None:
            keys = self.folder / "keys"
            draw = Draw(b"duotap keys" + self._seed)
            self._issuer = Issuer.create(keys, self._passphrase(), now_us, draw=draw)
        url = f"sqlite:///{self.folder / 'ledger.sqlite'}"
        self.ledger = create_ledger(url, self._issuer, self.now_us)

    def _passphrase(self) -> bytes:
        passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES).encode()
        path = self.folder / "passphrase"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
        with open(descriptor, "wb") as file:
            file.write(passphrase)
        return passphrase

    def close(self) -> None:
        """Give the ledger's file back."""
        if hasattr(self, "ledger"):
            self.ledger.close()

    def account(self, code: AccountCode, holder: int, title: str) -> Account:
        return self.ledger.open_account(code, holder, title)

    def fund(self, name: str, amount: int) -> Account:
        return self.ledger.fund(name, amount)

    def balance(self, name: str) -> int:
        """Of an account, by its name."""
        return self.ledger.account(name).balance

    async def provision(
        self, name: str, line: Line, holder: int, names: tuple[str, str] | None = None
    ) -> bytes:
        """Certify the device at the line, a stand if it gets `names` (zh, en); returns its id."""
        profile = Profile.person(holder)
        if names is not None:
            profile = Profile.stand(holder, names[1], names[0])
        done = await provision(
            Client(line), self.ledger, self.issuer, self._epoch(), profile, self._draw
        )
        self.devices[name] = done.device.id
        return done.device.id

    async def load(self, line: Line, amount: int, account: str) -> int:
        """Bring money from an account to the device at the line; returns what it holds then."""
        done = await loading.load(
            Client(line), self.ledger, self.issuer, self._epoch(), amount, account
        )
        return done.balance

    async def deposit(self, line: Line) -> Deposit:
        """Pull the journal of the device at the line, and hand over what there is for it."""
        return await depositing.deposit(Client(line), self.ledger, self.issuer, self._epoch())

    def reconcile(self) -> Reconciled:
        return self.ledger.reconcile()

    def check(self) -> Trial:
        return self.ledger.check()

    def findings(self) -> Sequence[str]:
        return [finding.en for finding in self.ledger.findings()]

    def _epoch(self) -> int:
        return self.issuer.epoch(self.now_us())
