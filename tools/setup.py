# SPDX-License-Identifier: Apache-2.0
"""Builds .venv with everything that `make check`, `make test` and `make demo` need.

Runs on a bare Python, so it imports the standard library only. A second run does nothing: a stamp
keyed on pyproject.toml, this file and the place of the checkout says that .venv is complete.
It can end in four ways:
1. ready at once: the stamp fits;
2. built (or brought up to date) and stamped;
3. Missing: something on this machine has to change first, status 1;
4. interrupted: no stamp is written and the next run goes on from what is there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "setup.stamp"
LOG = VENV / "setup.log"
EXTRAS = "sim,postgresql,esp32,test,bench"
# What the interpreters of the two chips bring, for the type checker. Modules share names: each
# lies in a folder of its own.
STUBS = {port: f"micropython-{port}-stubs==1.29.*" for port in ("rp2", "esp32")}
# manylinux_2_28 is the tag of the MicroPython wheel.
GLIBC_MIN = (2, 28)
# Enough to ride over one lost packet, few enough to say "no network" within seconds.
PIP_RETRIES_MAX = 2

NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|ProxyError"
    r"|ConnectTimeout|Read timed out|Network is unreachable|Connection refused|SSLError"
)
NO_WHEEL = re.compile(r"No matching distribution found for ([^\s;]+)")
# pip settings of a shell that would install somewhere else than into .venv
STRAY = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")


class Missing(Exception):
    """Set-up cannot go on; the text is the one line that says what this machine lacks."""


def check_platform() -> None:
    """Virtual boards run a real MicroPython; its wheel exists for x86-64 Linux with glibc."""
    here = f"{platform.system()} {platform.machine()} {platform.architecture()[0]}"
    if here != "Linux x86_64 64bit":
        raise Missing(f"there is no MicroPython wheel for {here}; needs x86-64 Linux")
    name, version = platform.libc_ver()
    if name != "glibc" or tuple(int(n) for n in version.split(".")[:2]) < GLIBC_MIN:
        raise Missing(
            f"there is no MicroPython wheel for C library {name or 'unknown'} {version};"
            " needs glibc 2.28 or newer"
        )


def key() -> str:
    """What .venv was built from; a changed key means that it has to be brought up to date."""
    digest = hashlib.sha256()
    for part in (ROOT / "pyproject.toml", Path(__file__)):
        digest.update(part.read_bytes())
    digest.update(f"{VENV} {EXTRAS} {STUBS}".encode())
    return digest.hexdigest()


def is_ready() -> bool:
    """PYTHON exists only while the interpreter behind it does: it is a link."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == key()


def works() -> bool:
    """Whether .venv was made here, by an interpreter that is still installed and new enough."""
    if not PYTHON.exists():
        return False
    ask = "import sys, pip; print(sys.prefix if sys.version_info >= (3, 11) else '')"
    answer = subprocess.run([PYTHON, "-I", "-c", ask], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == str(VENV)


def make_venv() -> None:
    """A broken or moved .venv is replaced: scripts in it carry the path it was made at."""
    if works():
        return
    if VENV.exists():
        say("replacing .venv, which does not work here")
        shutil.rmtree(VENV)
    say(f"making .venv with Python {platform.python_version()}")
    try:
        venv.create(VENV, with_pip=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Missing(f"cannot make .venv: {error}") from error


def install() -> None:
    """The project with what its tests need, and the stubs of both chips."""
    LOG.write_text("")
    pip_install("--editable", f"{ROOT}[{EXTRAS}]")
    for port, requirement in STUBS.items():
        folder = VENV / "stubs" / port
        shutil.rmtree(folder, ignore_errors=True)
        pip_install("--target", str(folder), requirement)


def pip_install(*arguments: str) -> None:
    """Everything pip says goes to LOG; what a waiting person wants to see goes to the terminal."""
    command = [str(PYTHON), "-I", "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "--retries", str(PIP_RETRIES_MAX), *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in STRAY}
    pip = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
    )
    assert pip.stdout is not None
    lines = []
    with LOG.open("a") as log:
        for line in pip.stdout:
            log.write(line)
            lines.append(line)
            show(line)
    if pip.wait() != 0:
        raise Missing(what_failed("".join(lines)))


def show(line: str) -> None:
    """pip tells a step a line; the ones that take time are shown."""
    words = line.split()
    if words[:1] == ["Collecting"]:
        say(f"resolving {words[1]}")
    elif words[:1] == ["Downloading"] and not words[1].endswith(".metadata"):
        say(" ".join(words).replace("Downloading", "downloading"))
    elif words[:2] == ["Installing", "collected"]:
        say(f"installing {len(words) - 3} packages")


def what_failed(output: str) -> str:
    """One line out of pip's many."""
    log = LOG.relative_to(ROOT)
    if "No space left on device" in output:
        return "no space left on this disk"
    if NO_NETWORK.search(output):
        return f"no network: the package index cannot be reached (pip's words are in {log})"
    if wheel := NO_WHEEL.search(output):
        return f"there is no {wheel[1]} for Python {platform.python_version()} (see {log})"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return f"pip failed: {errors[-1][7:] if errors else 'no error told'} (see {log})"


def say(text: str) -> None:
    """On a terminal one line that is overwritten, in a log a line each."""
    if not sys.stdout.isatty():
        print(f"setup: {text}", flush=True)
        return
    width = shutil.get_terminal_size().columns - 1
    print("\r" + f"setup: {text}"[:width].ljust(width), end="", flush=True)


def main() -> int:
    """Two set-ups at once would spoil .venv; the second waits for the first and finds it ready."""
    with (ROOT / "pyproject.toml").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if is_ready():
            return 0
        started = time.monotonic()
        try:
            check_platform()
            make_venv()
            STAMP.unlink(missing_ok=True)
            install()
        except Missing as missing:
            end = "\n" if sys.stdout.isatty() else ""
            print(f"{end}setup: {missing}", file=sys.stderr)
            return 1
        STAMP.write_text(key())
        say(f"ready in {time.monotonic() - started:.0f} s")
        print(end="\n" if sys.stdout.isatty() else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
