# SPDX-License-Identifier: Apache-2.0
"""`duotap virtual field` as a process, and other people's programs that are run against it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

READY = "Ready."
DUOTAP = [str(Path(sys.executable).with_name("duotap")), "virtual", "field"]


class Running:
    """The command as a process; `with` ends it, by Ctrl-C if it has not ended."""

    def __init__(self, *options: str, command: Sequence[str] = DUOTAP) -> None:
        environment = {**os.environ, "COLUMNS": "200"}
        self.process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.opening = self.until(READY)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.communicate()

    def until(self, text: str) -> list[str]:
        """Its lines up to the one that begins with `text`."""
        lines = []
        while line := self._out().readline():
            lines.append(line.rstrip("\n"))
            if line.startswith(text):
                return lines
        raise AssertionError(f"it ended: {lines} {self.process.communicate()}")

    def _out(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until_doing(self, name: str, state: str) -> None:
        """Wait until this part's radio is listening, activated, polling or idle."""
        self.tell(f"until {name} {state}")
        self.until(f"{name} is {state}")

    def until_shows(self, name: str, word: str) -> None:
        """Wait until a device's screen shows this."""
        self.tell(f"shows {name} {word}")
        self.until(f"{name} shows {word}")

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        out, error = self.process.communicate()
        return self.process.returncode, out + error


# Other people's programs

Program = tuple[list[str], dict[str, str]]  # command and environment

PEERS = Path(__file__).resolve().parents[2] / ".venv-peers" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "scripts"
RUN_S = 20  # of a program that ends by itself; none needs half of it


def libnfc(path: Path | str, *command: str) -> Program:
    """The command and environment of a libnfc program on the chip at `path`."""
    device = {"LIBNFC_DEVICE": f"pn532_uart:{path}", "LIBNFC_AUTO_SCAN": "false"}
    return list(command), {**os.environ, **device}


def script(name: str, *arguments: Path | str) -> Program:
    """The command and environment of a script in .venv-peers."""
    command = [str(PEERS), str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    return command, {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run(program: Program, asked: str = "") -> subprocess.CompletedProcess[str]:
    """A program to its end, with `asked` to read; its stdout and stderr are one text."""
    command, environment = program
    return subprocess.run(
        command,
        env=environment,
        input=asked,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def told(program: Program, asked: str = "") -> list[str]:
    """The lines of a program that has to succeed."""
    ended = run(program, asked)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout.splitlines()


class Started:
    """A program beside the test; `with` ends it if it has not ended."""

    def __init__(self, program: Program, **settings: Any) -> None:
        command, environment = program
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **settings,
        )

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        """Its next line; empty once it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def until(self, text: str) -> list[str]:
        """Its lines up to one with `text` in it."""
        lines = []
        while text not in (line := self.line()):
            assert line or self.process.poll() is None, lines
            lines.append(line)
        return [*lines, line]

    def ended(self) -> tuple[int, str]:
        """Its status and the rest of what it says; it is ended when that takes too long."""
        assert self.process.stdout is not None
        alarm = threading.Timer(RUN_S, self.process.kill)
        alarm.start()
        rest = self.process.stdout.read()
        status = self.process.wait()
        alarm.cancel()
        return status, rest
