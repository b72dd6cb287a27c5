# SPDX-License-Identifier: Apache-2.0
"""`duotap proof`: what proves that a device contradicted itself, for people who trust nobody but
the issuer's root key."""

from __future__ import annotations

from pathlib import Path

import rich_click as click
from duotap import proof
from duotap.errors import Refusal

from duotap_host.cli.desk import Desk
from duotap_host.issuer import IssuerError
from duotap_host.issuer.es256 import verify as check
from duotap_host.issuer.store import public_key
from duotap_host.ledger.interface import Foreign

SENTENCES = {
    proof.PAYMENTS: (
        "it signed two different payments under payment number {subject}",
        "它在付款序号 {subject} 下签了两笔不同的付款",
    ),
    proof.OFFERS: (
        "it signed two different offers under offer number {subject}",
        "它在收款序号 {subject} 下签了两份不同的收款请求",
    ),
    proof.ANSWERS: (
        "it signed both a receipt and a void of payment {subject}",
        "它对付款 {subject} 既签了收据又签了作废",
    ),
}


@click.group("proof")
def command() -> None:
    """Write and verify proofs that a device contradicted itself."""


@command.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--root",
    "key",
    required=True,
    metavar="KEY",
    help="The issuer's root key: a .pub file, or its 65 bytes in hex.",
)
@click.option("--zh", "is_chinese", is_flag=True, help="Say it in Chinese.")
@click.pass_obj
def verify(desk: Desk, file: Path, key: str, is_chinese: bool) -> None:
    """Verify a proof with nothing but the FILE and the root's public key."""
    try:
        found = proof.verify(file.read_bytes(), _root(key), check)
    except Refusal as refusal:
        raise Foreign(f"{file} proves nothing: {refusal.reason}") from None
    said = found.subject.hex() if isinstance(found.subject, bytes) else found.subject
    sentence = SENTENCES[found.kind][is_chinese].format(subject=said)
    holder = found.accused.holder
    who = f"设备 {found.device.hex()}（持有人 {holder}）已证实："
    if not is_chinese:
        who = f"Proven of device {found.device.hex()} of holder {holder}: "
    desk.console.print(f"{who}{sentence}", soft_wrap=True)


def _root(key: str) -> bytes:
    """65 bytes of a public key, from hex or a PEM file."""
    try:
        return bytes.fromhex(key)
    except ValueError:
        pass
    try:
        return public_key(Path(key).read_bytes())
    except OSError as error:
        raise IssuerError(f"cannot read {key}: {error.strerror}") from None
    except ValueError:
        raise IssuerError(f"{key} is not a public key of P-256") from None


@command.command("write")
@click.argument("evidence")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def write(desk: Desk, evidence: str, file: Path) -> None:
    """Write the proof of the finding with this EVIDENCE id (see `duotap findings`) to FILE."""
    with desk.ledger() as ledger:
        raw = ledger.proof(evidence)
    file.write_bytes(raw)
    desk.console.print(f"{file}: {len(raw)} bytes; verify with `duotap proof verify`.")
