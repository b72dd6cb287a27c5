# SPDX-License-Identifier: Apache-2.0
"""The issuer's keys: made as a whole, opened by their passphrase only, each for its messages."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from duotap import certificate, cose, fold, messages, record, seal, statements
from duotap.errors import Malformed, Refusal
from duotap_host import issuer as issuing
from duotap_host.cipher import Aes
from duotap_host.issuer import Issuer, IssuerError, pkcs8
from duotap_host.issuer.es256 import SigningKey, verify
from duotap_host.issuer.seal import Seal, read_piece
from host.ledger_bench import DAY_US, OPENED_US, PASSPHRASE, issuer
from host.paper_device import certificate_for, person

DEVICE = bytes(range(16))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase that is quick to stretch."""
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)


@pytest.fixture
def made(quick: None, tmp_path: Path) -> Path:
    Issuer.create(tmp_path / "keys", PASSPHRASE, OPENED_US)
    return tmp_path / "keys"


def test_keys_open_with_their_passphrase_only(made: Path) -> None:
    Issuer.open(made, lambda: PASSPHRASE).unlock()
    with pytest.raises(IssuerError, match="wrong passphrase"):
        Issuer.open(made, lambda: b"wrong horse").unlock()


def test_no_wrong_passphrase_is_taken_for_another_fault(quick: None) -> None:
    """One in 256 opens to good padding, so a thousand are tried."""
    sealed = pkcs8.write(SigningKey.generate().private, PASSPHRASE)
    for number in range(1000):
        with pytest.raises(pkcs8.WrongPassphrase):
            pkcs8.read(sealed, b"wrong horse %d" % number)


def test_what_is_public_needs_no_passphrase(made: Path) -> None:
    def nobody() -> bytes:
        raise AssertionError("asked for the passphrase")

    opened = Issuer.open(made, nobody)
    assert opened.root_id == certificate.key_id(opened.roots[0])
    opened.trust()


def test_files_are_for_their_owner(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}
    assert sorted(path.stem for path in made.glob("*.pem")) == sorted(
        [
            *("root", "next-root", "certificates", "money", "lists", "readers", "encryption"),
            *("reader", "firmware"),
        ]
    )


def test_no_private_key_lies_open(made: Path) -> None:
    for path in made.iterdir():
        text = path.read_bytes()
        assert b"BEGIN PRIVATE" not in text
        assert b"BEGIN EC PRIVATE" not in text
        assert PASSPHRASE not in text


@pytest.mark.skipif(shutil.which("openssl") is None, reason="cannot run: no openssl here")
def test_openssl_opens_what_we_wrote(tmp_path: Path) -> None:
    """With the real cost of a guess: PBES2 with scrypt is RFC 7914's, not our own."""
    key = SigningKey.generate()
    path = tmp_path / "key.pem"
    path.write_bytes(pkcs8.write(key.private, PASSPHRASE))
    command = ["openssl", "pkey", "-in", str(path), "-passin", f"pass:{PASSPHRASE.decode()}"]
    shown = subprocess.run([*command, "-noout", "-text_pub"], capture_output=True, check=True)
    assert key.public.hex(":") in "".join(shown.stdout.decode().split())
    assert pkcs8.read(path.read_bytes(), PASSPHRASE).private_numbers() == (
        key.private.private_numbers()
    )


def test_nothing_is_overwritten(made: Path) -> None:
    before = {path: path.read_bytes() for path in made.iterdir()}
    with pytest.raises(IssuerError, match="never overwritten"):
        Issuer.create(made, PASSPHRASE, OPENED_US)
    assert {path: path.read_bytes() for path in made.iterdir()} == before


def test_a_store_appears_as_a_whole_or_not_at_all(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(issuing.store, "_write", full)
    with pytest.raises(IssuerError, match="No space left"):
        Issuer.create(tmp_path / "keys", PASSPHRASE, OPENED_US)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("issuer.json", b"{", "cannot read"),
        ("issuer.json", b'{"format": 2}', "another version"),
        ("issuer.json", b'{"format": 1, "currency": true}', "has no currency"),
        ("root.pub", b"garbage", "not a public key"),
        ("money.pem", b"garbage", "not a private key"),
    ],
)
def test_broken_files_are_named(made: Path, name: str, content: bytes, text: str) -> None:
    (made / name).write_bytes(content)
    with pytest.raises(IssuerError, match=text):
        Issuer.open(made, lambda: PASSPHRASE).unlock()


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IssuerError, match="shorter than 8"):
        Issuer.create(tmp_path / "keys", b"short", OPENED_US)


def test_no_keys_no_issuer(tmp_path: Path) -> None:
    with pytest.raises(IssuerError, match="no issuer's keys"):
        Issuer.open(tmp_path, lambda: PASSPHRASE)


def test_each_key_signs_its_own_messages() -> None:
    made = issuer()
    load = messages.Load(((0, 5),), DEVICE, 1, ())
    for sign in (made.sign_list, made.sign_root):
        with pytest.raises(IssuerError, match="does not sign"):
            sign(load)
    with pytest.raises(IssuerError, match="does not sign"):
        made.sign_money(messages.Time(1, 1))
    signed = messages.decode(made.sign_money(load), messages.Load)
    made.trust().verify(signed, certificate.USAGE_MONEY, 1)
    with pytest.raises(Refusal):
        made.trust().verify(signed, certificate.USAGE_LISTS, 1)


def test_a_certificate_leads_to_the_root() -> None:
    made = issuer()
    key = SigningKey.generate()
    raw = made.sign_certificate(certificate_for(key.public, certificate.ROLE_STAND, 12))
    found = made.trust().verify_certificate(raw, 5)
    assert (found.public, found.holder, len(found.serial)) == (key.public, 12, 8)


def test_a_permitted_readers_challenge_verifies() -> None:
    made = issuer()
    permit = messages.decode(made.permit(90), messages.Permit)
    made.trust().verify(permit, certificate.USAGE_READERS, 1)
    answer = messages.decode(made.challenge(DEVICE, bytes(16)), messages.Challenge)
    cose.verify(answer, permit.message.reader, verify)
    assert answer.message == messages.Challenge(DEVICE, bytes(16))


def test_an_epoch_is_a_day() -> None:
    made = issuer()
    days = [made.epoch(OPENED_US + n * DAY_US) for n in (0, 1, 30)]
    assert days == [1, 2, 31]
    assert made.epoch(0) == 1  # a clock that is set back does not undo a day


def test_a_far_epoch_bears_the_roots_signature() -> None:
    made = issuer()
    near = messages.decode(made.sign_epoch(5), messages.Epoch)
    far = messages.decode(made.sign_epoch(500, far=True), messages.Epoch)
    assert near.message == messages.Epoch(5, None)
    by_root = messages.decode(far.message.far, messages.Epoch)
    assert by_root.message == messages.Epoch(500, None)
    made.trust().verify(by_root, certificate.USAGE_ROOT, 1)


def test_what_a_device_sealed_is_opened_in_order() -> None:
    made = issuer()
    card = person(made, 7)
    for _ in range(2):
        card.unload(1)
    device = seal.Seal(card.id, made.encryption, bytes(range(48)), Aes)
    opened = made.open_seal(card.id, device.ephemeral)
    chunk = b"".join(card.statements)
    sealed = [
        device.seal(seal.CHUNK, b"\0\0\0\1", chunk),
        device.seal(seal.CHUNK, b"\0\0\0\4", b""),
        device.seal(seal.HEAD, b"question", b"head"),
    ]
    assert opened.chunk(b"\0\0\0\1", sealed[0]) == tuple(card.statements)
    assert opened.chunk(b"\0\0\0\4", sealed[1]) == ()
    assert opened.head(b"question", sealed[2]) == b"head"


def test_what_was_altered_or_mixed_up_is_not_opened() -> None:
    made = issuer()
    device = seal.Seal(DEVICE, made.encryption, bytes(range(48)), Aes)
    first, second = (device.seal(seal.HEAD, b"question", b"head") for _ in range(2))
    for wrong in (second, first[:-1], first + b"\0", bytes(len(first)), b"", first[:15]):
        with pytest.raises(Malformed):
            made.open_seal(DEVICE, device.ephemeral).head(b"question", wrong)
    for command, owner in ((b"other", DEVICE), (b"question", bytes(16))):
        with pytest.raises(Malformed):
            made.open_seal(owner, device.ephemeral).head(command, first)
    with pytest.raises(Malformed):
        made.open_seal(DEVICE, device.ephemeral).chunk(b"question", first)
    with pytest.raises(Malformed):
        Seal(DEVICE, bytes(65), made._keys.key("encryption").private)


def test_a_piece_is_whole_records_only() -> None:
    card = person(issuer(), 7)
    whole = b"".join(card.statements)
    assert read_piece(whole) == tuple(card.statements)
    for cut in (1, record.HEAD_SIZE - 1, record.HEAD_SIZE, len(whole) - 1):
        with pytest.raises(Malformed):
            read_piece(whole[:cut])


def test_the_host_and_the_device_know_the_same_statements() -> None:
    """A statement that no key of ours signs, or no device takes, is a mistake of one side."""
    from duotap_host.reconcile import reading

    assert set(reading.OF_LISTS_AND_ROOT) == set(fold.STATEMENTS)
    assert set(reading.OF_MONEY.values()) == set(statements.TAKES)
