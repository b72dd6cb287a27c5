# SPDX-License-Identifier: Apache-2.0
"""Devices without boards: real codec, purse, signatures and journal over flash in memory."""

from __future__ import annotations

import hashlib
from typing import Any

from duotap import certificate, fields, p256, records, tap
from duotap.applet import Applet
from duotap.certificate import Certificate, KeyCert
from duotap.device import Device
from duotap.journal import Journal
from duotap.messages import Load, encode
from duotap.payee import Payee
from duotap.payer import Payer
from duotap.purse import Purse
from port.signer import SoftwareSigner

FIRMWARE = hashlib.sha256(b"firmware").digest()
LIMITS = fields.Limits(100_000, 50_000, 100, 200_000, 50_000, 500_000)
NO_BUTTON = fields.NoButton(0, 0, 0)
EXPIRY = 1_000


class Flash:
    """NOR flash of `blocks` sectors: programming clears bits, erasing sets them."""

    def __init__(self, blocks: int = 24) -> None:
        self.cells = bytearray(b"\xff" * 4096 * blocks)

    def readblocks(self, n: int, buf: Any, off: int) -> None:
        start = n * 4096 + off
        buf[:] = self.cells[start : start + len(buf)]

    def writeblocks(self, n: int, buf: Any, off: int) -> None:
        start = n * 4096 + off
        for i, byte in enumerate(buf):
            self.cells[start + i] &= byte

    def ioctl(self, op: int, arg: int) -> int | None:
        if op == 6:
            self.cells[arg * 4096 : (arg + 1) * 4096] = b"\xff" * 4096
            return 0
        return {4: len(self.cells) // 4096, 5: 4096}.get(op)


class Stream:
    """A deterministic entropy source, one stream a purpose."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.count: dict[str, int] = {}

    def read(self, purpose: str, n: int) -> bytes:
        self.count[purpose] = self.count.get(purpose, 0) + 1
        text = self.seed + purpose.encode() + self.count[purpose].to_bytes(4, "big")
        return hashlib.sha256(text).digest()[:n]


class Key:
    """A secret integer that signs."""

    def __init__(self, name: str) -> None:
        self.secret = p256.secret_from_entropy(hashlib.sha256(name.encode()).digest() + bytes(16))
        self.public = p256.public_key(self.secret)
        self.id = certificate.key_id(self.public)

    def sign(self, digest: bytes) -> bytes:
        return p256.sign(self.secret, digest)


class Mint:
    """The issuer's keys, made once a run."""

    def __init__(self) -> None:
        self.root, self.next_root = Key("root"), Key("next root")
        self.keys = {usage: Key(f"working {usage}") for usage in range(1, 6)}
        self.keycerts = [
            certificate.encode_keycert(
                KeyCert(bytes(8), key.public, usage, EXPIRY, None), self.root.id, self.root.sign
            )
            for usage, key in self.keys.items()
        ]

    def certify(self, public: bytes, role: int, **changes: Any) -> bytes:
        stand = role == certificate.ROLE_STAND
        plain = Certificate(
            public[1:9], public, role, 0, 7, None, "Noodle Bar" if stand else None,
            (), LIMITS, NO_BUTTON, 50_000, True, EXPIRY, FIRMWARE, None,
        )  # fmt: skip
        key = self.keys[certificate.USAGE_CERTIFICATES]
        return certificate.encode_certificate(plain._replace(**changes), key.id, key.sign)

    def load(self, device: bytes, number: int, amounts: tuple[tuple[int, int], ...]) -> bytes:
        key = self.keys[certificate.USAGE_MONEY]
        return encode(Load(amounts, device, number, ()), key.id, key.sign)


class Maker:
    """One device over its flash; `boot` builds everything above the flash anew."""

    def __init__(self, mint: Mint, name: str, role: int, **changes: Any) -> None:
        self.mint, self.name = mint, name
        self.flash = Flash()
        self.key = Key(name)
        self.stream = Stream(name.encode())
        Journal(self.flash).format()
        self.boot()
        raw = mint.certify(self.key.public, role, **changes)
        roots = [mint.root.public, mint.next_root.public]
        self.purse.commit(records.IDENTITY, raw, roots, mint.keycerts)
        self.device.adopt()

    def boot(self) -> None:
        signer = SoftwareSigner(self.key.secret, self.stream, 130, 675)
        self.purse = Purse(Journal(self.flash))
        self.purse.boot()
        self.device = Device(self.purse, signer, FIRMWARE)
        self.payer, self.payee = Payer(self.device), Payee(self.device)
        self.applet = Applet(self.payer)
        self.tap = tap.Tap(self.payee)

    def load(self, amount: int, scope: int = 0) -> None:
        state = self.purse.state
        raw = self.mint.load(self.device.id, state.next_issue, ((scope, amount),))
        self.purse.commit(records.LOAD, raw)

    def arm(self, ceiling: int = 10_000) -> None:
        """One press of somebody who sees the screen."""
        consent = self.device.consent
        if consent.asked is not None:
            consent.show(consent.asked[0])
        consent.arm(ceiling, 10_000)


class Torn(Exception):
    """The card left the field."""


def touch(
    payee: Maker, payer: Maker, amount: int, cut_after: int | None = None, again: bool = False
) -> Any:
    """One tap without a radio; `again`: for the amount entered before.

    After `cut_after` legs the card is gone: an odd leg loses the command, an even one the answer.
    Returns the Outcome; raises Torn.
    """
    if not again:
        payee.tap = tap.Tap(payee.payee)
    steps = payee.tap.collect(amount)
    payer.applet.begin()
    answer: bytes | None = None
    leg = 0
    try:
        while True:
            step = steps.send(answer)
            answer = None
            if isinstance(step, int):
                continue
            leg += 1
            if leg == cut_after:
                raise Torn
            answer = payer.applet.answer(step)
            leg += 1
            if leg == cut_after:
                raise Torn
            payer.applet.work()
    except StopIteration as stop:
        return stop.value
    except Torn:
        steps.close()
        raise
    finally:
        payer.applet.leave()
