# SPDX-License-Identifier: Apache-2.0
"""`duotap findings`: what the last reconciling found, and which records it rests on."""

from __future__ import annotations

from collections.abc import Iterable

import rich_click as click
from rich.console import Console

from duotap_host.cli.desk import Desk
from duotap_host.ledger.interface import Finding


@click.command("findings")
@click.argument("evidence", required=False)
@click.option("--zh", "is_chinese", is_flag=True, help="In Chinese.")
@click.pass_obj
def command(desk: Desk, evidence: str | None, is_chinese: bool) -> None:
    """Show all findings; with an EVIDENCE id, the archived records that one rests on."""
    with desk.ledger() as ledger:
        if evidence is None:
            show(desk.console, ledger.findings(), is_chinese)
            return
        found, places = ledger.evidence(evidence)
    show(desk.console, [found], is_chinese)
    for place in places:
        desk.console.print(
            f"  record {place.sequence} ({place.kind}) of {place.device.hex()},"
            f" hash {place.hash.hex()}",
            soft_wrap=True,
        )


def show(console: Console, findings: Iterable[Finding], is_chinese: bool) -> None:
    """One line each: evidence id, code, sentence."""
    lines = list(findings)
    if not lines:
        console.print("No findings.")
    for each in lines:
        said = each.zh if is_chinese else each.en
        console.print(f"{each.evidence_id} [yellow]{each.code}[/]: {said}", soft_wrap=True)
