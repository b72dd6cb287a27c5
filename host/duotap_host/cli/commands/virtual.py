# SPDX-License-Identifier: Apache-2.0
"""`duotap virtual`: virtual hardware for programs outside of this process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from duotap_host.cli.desk import Desk

if TYPE_CHECKING:
    from duotap_host.virtual.open_field import OpenField

CHIPS = ("reader", "card")  # when nothing is asked for: two chips that can talk to each other
LINE_BYTES = 4096
LOOK_S = 0.01  # how often `until` looks
HELP = (
    "list, in NAME, out NAME, power NAME, press NAME BUTTON, hold NAME BUTTON, screen NAME,"
    " until NAME STATE, shows NAME WORD, quit"
)


@click.group("virtual")
def command() -> None:
    """Virtual hardware, for this project's programs and for anybody's."""


@command.command("field")
@click.option("--chip", "chips", metavar="NAME", multiple=True, help="A PN532 on a terminal.")
@click.option("--card", "cards", metavar="NAME", multiple=True, help="A card with its firmware.")
@click.option(
    "--stand", "stands", metavar="NAME", multiple=True, help="A stand with its firmware."
)
@click.option(
    "--links",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Make a link DIR/NAME to each terminal; nfcpy wants it in /dev.",
)
@click.pass_obj
def field(
    desk: Desk,
    chips: tuple[str, ...],
    cards: tuple[str, ...],
    stands: tuple[str, ...],
    links: Path | None,
) -> None:
    """Hold virtual NFC chips and devices into one radio field, in real time.

    A chip speaks the PN532's serial protocol on a pseudo-terminal: libnfc, nfcpy and whatever
    else knows that chip may open it. A card or a stand is a board with the shipped firmware; its
    terminal is the USB console that `duotap provision` and the others take. Everything starts in
    the field. Without any option there are two chips.

    \b
    While it runs it reads commands, a line each:
      list                  what there is, and where
      in NAME, out NAME     hold it into the field, take it away
      power NAME            power off and on again
      press NAME BUTTON     press a button of a card (pay, up, ok) or a key of a stand
      hold NAME BUTTON      the same, long
      screen NAME           what a device shows
      until NAME STATE      say when its radio is listening, activated, polling or idle
      shows NAME WORD       say when its screen shows this
      quit                  end, as Ctrl-C does
    """
    from duotap_host.virtual import paced
    from duotap_host.virtual.open_field import FieldError

    if not chips + cards + stands:
        chips = CHIPS
    wanted = [(name, "chip") for name in chips]
    wanted += [(name, "card") for name in cards] + [(name, "stand") for name in stands]
    try:
        paced.run(_run(desk, wanted, links))
    except FieldError as error:
        raise click.ClickException(str(error)) from None
    desk.console.print("The field is gone.")


async def _run(desk: Desk, wanted: list[tuple[str, str]], links: Path | None) -> None:
    """Until it is told to quit; whatever ends it, the terminals and links are taken away."""
    from duotap_host.virtual.open_field import OpenField

    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()
    _on_signals(loop, lambda: lines.put_nowait("quit"))
    _on_lines(loop, lines.put_nowait)
    open_field = OpenField(loop, links)
    try:
        for name, kind in wanted:
            if kind == "chip":
                open_field.add_chip(name)
            else:
                await open_field.add_device(name, kind)
            _tell(desk, open_field, name)
        desk.console.print("Ready. Ctrl-C ends it; --help lists the commands that it reads.")
        await _obey(desk, open_field, lines)
    finally:
        await open_field.close()


def _tell(desk: Desk, open_field: OpenField, name: str) -> None:
    """Where it is, and lines to copy."""
    part, path = open_field.part(name), open_field.path(name)
    where = "in the field" if open_field.holds(name) else "away"
    lines = [f"{part.kind} {name}: {path}, {where}, {open_field.doing(name)}"]
    if part.kind == "chip":
        lines.append(f"    LIBNFC_DEVICE=pn532_uart:{path} nfc-list -v")
        lines.append(f"    {_nfcpy(path)}")
    else:
        lines.append(f"    duotap provision {path} --help")
    for line in lines:
        desk.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _nfcpy(path: str) -> str:
    """How nfcpy opens it: by name what lies in /dev itself, else by its transport."""
    if Path(path).parent == Path("/dev"):
        return f"python -m nfc --device tty:{Path(path).name}:pn532"
    return f"nfcpy: pn532.init(transport.TTY({path!r}))"


async def _obey(desk: Desk, open_field: OpenField, lines: asyncio.Queue[str]) -> None:
    """Do what is asked for until it is to quit; the end of the input ends nothing."""
    while (words := (await lines.get()).split()) != ["quit"]:
        if words:
            await _command(desk, open_field, words)


async def _command(desk: Desk, open_field: OpenField, words: list[str]) -> None:
    from duotap_host.virtual.open_field import FieldError

    does = COMMANDS.get((words[0], len(words)))
    try:
        if does is None:
            raise FieldError(f"commands are: {HELP}")
        await does(desk, open_field, words[1:])
    except (FieldError, ValueError) as error:
        desk.console.print(str(error), highlight=False, markup=False)


async def _list(desk: Desk, open_field: OpenField, _arguments: list[str]) -> None:
    for name in open_field.parts:
        _tell(desk, open_field, name)


async def _in(_desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    open_field.move(arguments[0], True)


async def _out(_desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    open_field.move(arguments[0], False)


async def _power(_desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    await open_field.part(arguments[0]).power()


async def _press(_desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    await open_field.device(arguments[0]).press(arguments[1])


async def _hold(_desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    await open_field.device(arguments[0]).hold(arguments[1])


async def _screen(desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    for line in open_field.device(arguments[0]).screen_lines():
        desk.console.print(f"  {line}", highlight=False, markup=False)


async def _until(desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    name, state = arguments
    open_field.part(name)
    if state not in STATES:
        raise ValueError(f"a radio is {', '.join(STATES)}, not {state!r}")

    async def wait() -> None:
        while open_field.doing(name) != state:
            await asyncio.sleep(LOOK_S)
        desk.console.print(f"{name} is {state}", highlight=False, markup=False)

    _meanwhile(wait())


async def _shows(desk: Desk, open_field: OpenField, arguments: list[str]) -> None:
    from duotap_host.virtual.device import NotShown

    name, word = arguments
    device = open_field.device(name)

    async def wait() -> None:
        try:
            await device.shows(word)
            line = f"{name} shows {word}"
        except NotShown as missing:
            line = str(missing)
        desk.console.print(line, highlight=False, markup=False)

    _meanwhile(wait())


def _meanwhile(wait: Coroutine[Any, Any, None]) -> None:
    """Let it wait; commands go on."""
    task = asyncio.create_task(wait)
    WAITS.add(task)
    task.add_done_callback(WAITS.discard)


STATES = ("listening", "activated", "polling", "idle")
WAITS: set[asyncio.Task[None]] = set()  # the loop itself does not hold them

Does = Callable[[Desk, "OpenField", list[str]], Awaitable[None]]
COMMANDS: dict[tuple[str, int], Does] = {
    ("list", 1): _list,
    ("in", 2): _in,
    ("out", 2): _out,
    ("power", 2): _power,
    ("press", 3): _press,
    ("hold", 3): _hold,
    ("screen", 2): _screen,
    ("until", 3): _until,
    ("shows", 3): _shows,
}


def _on_signals(loop: asyncio.AbstractEventLoop, told: Callable[[], object]) -> None:
    """Have `told()` called for the first signal that asks for an end; a second one enforces it."""
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    signal.set_wakeup_fd(sink)

    def noted(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, noted)
    loop.add_reader(source, lambda: (os.read(source, LINE_BYTES), told()))


def _on_lines(loop: asyncio.AbstractEventLoop, told: Callable[[str], object]) -> None:
    """Have `told(line)` called for each line of the standard input."""
    kept = bytearray()
    source = sys.stdin.fileno()

    def look() -> None:
        chunk = os.read(source, LINE_BYTES)
        kept.extend(chunk)
        while b"\n" in kept:
            line, _, rest = bytes(kept).partition(b"\n")
            kept[:] = rest
            told(line.decode(errors="replace"))
        if not chunk:
            loop.remove_reader(source)

    loop.add_reader(source, look)
