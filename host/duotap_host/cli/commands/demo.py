# SPDX-License-Identifier: Apache-2.0
"""`duotap demo`: the main story between virtual boards, from factory to ledger."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from duotap_host.cli import storyteller
from duotap_host.cli.desk import Desk

if TYPE_CHECKING:
    from duotap_host.demo.playing import Played
    from duotap_host.demo.stage import Stage

IN_PROCESS, PROCESSES, BOTH = "inprocess", "process", "both"
FOLDERS = {IN_PROCESS: "in-process", PROCESSES: "micropython"}
OPENINGS = {
    IN_PROCESS: "All devices in this process on virtual time; times are modelled:",
    PROCESSES: "Each device a MicroPython process of its own, in real time:",
}
PAGE = "index.html"
MARK = ".duotap-demo"  # a folder with this file may be replaced
SEED_MAX = 2**32 - 1


@click.command("demo")
@click.option("--seed", type=click.IntRange(0, SEED_MAX), default=1, show_default=True)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("duotap-demo"),
    show_default=True,
    help="Takes screens, page and ledgers; an earlier demo in it is replaced.",
)
@click.option(
    "--form",
    type=click.Choice((BOTH, IN_PROCESS, PROCESSES)),
    default=BOTH,
    show_default=True,
    help="Where the firmware runs: in this process on virtual time, or on MicroPython.",
)
@click.pass_obj
def command(desk: Desk, seed: int, out: Path, form: str) -> None:
    """Play the main story on virtual boards: provision, load, pay offline, tear, reconcile.

    Fails unless every balance is exactly right and both forms end with the same journals.
    """
    from duotap_host.demo import page
    from duotap_host.demo.playing import differences

    began = time.monotonic()
    _clear(out)
    played: list[Played] = []
    for each in (IN_PROCESS, PROCESSES) if form == BOTH else (form,):
        played.append(_play(desk, out / FOLDERS[each], each, seed, played))
    found = differences(played[0], played[-1])
    storyteller.books(desk.console, played)
    page.write(out / PAGE, played, found, seed)
    desk.console.print(f"\nStory, screens and books: [bold]{out / PAGE}[/]")
    if found:
        raise click.ClickException(f"the two forms differ: {found[0]}")
    took_s = time.monotonic() - began
    desk.console.print(f"[bold green]Every balance is right.[/] {took_s:.0f} s, seed {seed}.")


def _play(desk: Desk, folder: Path, form: str, seed: int, before: list[Played]) -> Played:
    """Tell the first playing in full, the second by its chapters."""
    from duotap_host.demo.playing import play
    from duotap_host.demo.stage import StoryFailed

    desk.console.print(f"\n[bold]{OPENINGS[form]}[/]")
    with storyteller.Storyteller(desk.console, is_full=not before) as listener:
        try:
            issuer = before[0].issuer if before else None
            return play(_stage(form), folder, seed, listener, issuer)
        except (StoryFailed, FileNotFoundError) as failed:
            raise click.ClickException(f"the story ends here: {failed}") from None


def _stage(form: str) -> type[Stage]:
    if form == IN_PROCESS:
        from duotap_host.demo.stage_local import LocalStage

        return LocalStage
    from duotap_host.demo.stage_unix import UnixStage

    return UnixStage


def _clear(out: Path) -> None:
    """Make the folder; remove an earlier demo, and nothing else."""
    try:
        if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
            raise click.ClickException(f"{out} holds something else than an earlier demo")
        out.mkdir(parents=True, exist_ok=True)
        (out / MARK).touch()
        for folder in FOLDERS.values():
            shutil.rmtree(out / folder, ignore_errors=True)
        (out / PAGE).unlink(missing_ok=True)
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from None
