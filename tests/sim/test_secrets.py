# SPDX-License-Identifier: Apache-2.0
"""Secrets stay where they belong: the whole story is played while everything that leaves a device
or the operator's memory is kept, and no secret is in it, in any writing.

A device's key may be in its key file alone; the operator's keys and their passphrase nowhere.
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from duotap_host.demo.playing import play
from duotap_host.demo.stage_local import LocalStage
from duotap_host.demo.telling import Nobody
from duotap_host.virtual.board import VirtualBoard
from duotap_host.virtual.cable import Cable
from duotap_host.virtual.local import LocalDevice

Leaks = tuple[dict[str, bytes], set[bytes]]

KEY_FILE = "purse.key"
SEED = 3
OPERATORS_KEYS = 9  # two roots, six working keys, one reader


class Overheard(LocalStage):
    """Keeps the devices it made."""

    made: list[LocalDevice] = []  # noqa: RUF012  # one playing at a time

    def make(self, board: VirtualBoard) -> LocalDevice:
        device = super().make(board)
        self.made.append(device)
        return device


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Leaks:
    """Everything that could be read by others, by where it was; and the secrets."""
    heard: dict[str, bytes] = {"cables": b"", "serial lines of the chips": b""}
    keep = pytest.MonkeyPatch()
    keep.setattr(Cable, "carry", _keeping(heard, "cables", Cable.carry, 1))
    for ear in ("_chip_hears", "_chip_says"):
        plain = getattr(VirtualBoard, ear)
        keep.setattr(VirtualBoard, ear, _keeping(heard, "serial lines of the chips", plain, 1))
    folder = tmp_path_factory.mktemp("story")
    Overheard.made = []
    played = play(Overheard, folder, SEED, Nobody())
    keep.undo()
    heard["what is told"] = repr(played).encode()
    for path in folder.rglob("*"):
        if path.is_file():
            heard[path.relative_to(folder).as_posix()] = path.read_bytes()
    secrets = set()
    for device in Overheard.made:
        secrets.add(device.files.kept[KEY_FILE][:32])
        heard[f"journal of {device.board.name}"] = device.journal_bytes()
        heard[f"events of {device.board.name}"] = repr(device.events).encode()
    passphrase = heard.pop("state/passphrase")
    for path in folder.rglob("*.pem"):
        private = load_pem_private_key(path.read_bytes(), passphrase)
        assert isinstance(private, EllipticCurvePrivateKey)
        secrets.add(private.private_numbers().private_value.to_bytes(32, "big"))
    secrets.add(passphrase)
    return heard, secrets


def _keeping(heard, where, plain, place):  # type: ignore[no-untyped-def]  # wraps any method
    def method(*arguments):  # type: ignore[no-untyped-def]  # as above
        heard[where] += bytes(arguments[place])
        return plain(*arguments)

    return method


def writings(secret: bytes) -> tuple[bytes, ...]:
    """How a secret could be written: as it is, the other way round, in hex, as a number."""
    number = int.from_bytes(secret, "big")
    hexed = secret.hex().encode()
    return (secret, secret[::-1], hexed, hexed.upper(), str(number).encode())


def test_no_secret_is_anywhere(leaks: Leaks) -> None:
    heard, secrets = leaks
    assert len(secrets) == 3 + OPERATORS_KEYS + 1
    assert len(heard["cables"]) > 10_000
    assert len(heard["serial lines of the chips"]) > 10_000
    found = [
        where
        for where, content in heard.items()
        for secret in secrets
        if any(writing in content for writing in writings(secret))
    ]
    assert not found


def test_the_search_would_find_one(leaks: Leaks) -> None:
    """A public key is said aloud: the same search sees it in cables, journals and the ledger."""
    heard, _ = leaks
    public = (
        Overheard.made[0]
        .parts.signer(int.from_bytes(Overheard.made[0].files.kept[KEY_FILE][:32], "big"))
        .public_key()
    )
    x = public[1:33]
    where = [name for name, content in heard.items() if x in content]
    assert "cables" in where
    assert any(name.startswith("journal of") for name in where)
