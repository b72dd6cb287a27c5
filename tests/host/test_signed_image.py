# SPDX-License-Identifier: Apache-2.0
"""A signed image: what was signed is flashed, and nothing else, whatever byte is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from duotap import cbor, certificate
from duotap_host.cli.main import main
from duotap_host.flash import image, signed
from duotap_host.flash.failures import NotUsable
from duotap_host.flash.signed import Image
from duotap_host.issuer import Issuer, pkcs8
from duotap_host.issuer.issuer import KEY_EPOCHS
from upy.stand_in import interpreter

BOARD = "CARD_RP2040"
DIGEST = bytes(range(32))
LINE = f"--board {BOARD} --micropython pico.uf2"


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUOTAP_PASSPHRASE", "correct horse")
    monkeypatch.setattr(pkcs8, "SCRYPT_N", 2)
    monkeypatch.setattr(pkcs8, "SCRYPT_P", 1)
    Path("pico.uf2").write_bytes(interpreter())


def made(name: str) -> Issuer:
    return Issuer.create(Path(name), b"correct horse", 0)


def run(capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(line.split())
    said = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, " ".join((said.out + said.err).split())


def test_what_is_signed_holds_and_nothing_else() -> None:
    issuer, wanted = made("ours"), Image.of(BOARD, b"uf2", DIGEST)
    signature = signed.sign(wanted, issuer)
    signed.check(signature, wanted, issuer.roots, 1)
    others = (
        Image.of("STAND_RP2040", b"uf2", DIGEST),
        Image.of(BOARD, b"uf3", DIGEST),
        Image.of(BOARD, b"uf2", bytes(32)),
    )
    for other in others:
        with pytest.raises(NotUsable, match="another image"):
            signed.check(signature, other, issuer.roots, 1)
    with pytest.raises(NotUsable):
        signed.check(signature, wanted, made("theirs").roots, 1)
    with pytest.raises(NotUsable, match="expired"):
        signed.check(signature, wanted, issuer.roots, 1 + KEY_EPOCHS)
    for at in range(len(signature)):
        broken = signature[:at] + bytes((signature[at] ^ 1,)) + signature[at + 1 :]
        with pytest.raises(NotUsable):
            signed.check(broken, wanted, issuer.roots, 1)


def test_no_other_key_of_the_issuer_signs_images() -> None:
    issuer, wanted = made("ours"), Image.of(BOARD, b"uf2", DIGEST)
    keycert, sign1 = cbor.decode(signed.sign(wanted, issuer))
    for other in issuer.keycerts:
        with pytest.raises(NotUsable):
            signed.check(cbor.encode([other, sign1]), wanted, issuer.roots, 1)
    assert keycert not in issuer.keycerts, "no device is handed it"
    assert certificate.decode_keycert(keycert).message.usage == certificate.USAGE_FIRMWARE


def test_a_development_build_is_not_signed() -> None:
    digest = image.firmware(image.THUMB, BOARD).for_development().digest
    with pytest.raises(NotUsable, match="development"):
        signed.sign(Image.of(BOARD, b"uf2", digest), made("ours"))


def test_flash_asks_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    out = Path("card.uf2")
    flash = f"flash {LINE} --out {out}"
    status, said = run(capsys, flash)
    assert (status, out.exists()) == (1, False)
    assert "nobody signed this image" in said
    assert run(capsys, "issuer init")[0] == 0
    status, said = run(capsys, f"image sign {LINE} --out card.sig")
    digest = image.firmware(image.THUMB, BOARD).digest.hex()
    assert status == 0
    assert digest in said
    for root in ("", " --root duotap-state/keys/root.pub"):
        assert run(capsys, f"image verify {LINE} --signature card.sig{root}")[0] == 0
    status, said = run(capsys, f"{flash} --signature card.sig".replace("CARD", "STAND"))
    assert (status, out.exists()) == (1, False)
    assert "another image" in said
    Path("pico.uf2").write_bytes(interpreter() + interpreter()[:512])
    assert run(capsys, f"{flash} --signature card.sig")[0] == 1
    assert not out.exists()
    Path("pico.uf2").write_bytes(interpreter())
    assert run(capsys, f"{flash} --signature card.sig")[0] == 0
    assert out.exists()


@pytest.mark.parametrize("told", ["--unsigned", "--develop"])
def test_flash_does_without_when_told(capsys: pytest.CaptureFixture[str], told: str) -> None:
    assert run(capsys, f"flash {LINE} --out card.uf2 {told}")[0] == 0
