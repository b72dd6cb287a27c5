# SPDX-License-Identifier: Apache-2.0
"""A command's way to a device: PORT, the visit, and what is shown while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import rich_click as click
from rich.status import Status

from duotap_host.cli.desk import Desk
from duotap_host.device.client import Client
from duotap_host.device.serial_line import SerialLine
from duotap_host.device.visit import Step, Tell

T = TypeVar("T")

PORT = click.argument("port", metavar="PORT")
SAID = {
    Step.CONNECTED: "connected",
    Step.PULLED: "pulled {} records",
    Step.HEAD: "signed head over record {}",
    Step.HANDED: "handed over {}",
}


def visit(
    desk: Desk, port: str, work: Callable[[Client, Tell], Coroutine[Any, Any, T]], doing: str
) -> T:
    """Open the port and do `work` with the device there. DeviceError."""
    with SerialLine(port) as line, desk.console.status(f"{doing} at {port}") as status:
        return asyncio.run(work(Client(line), _shown(status, doing)))


def _shown(status: Status, doing: str) -> Tell:
    return lambda step, count: status.update(f"{doing}: {SAID[step].format(count)}")
