# SPDX-License-Identifier: Apache-2.0
"""`duotap flash` asks the device that runs on a board, a real MicroPython here, and never
overwrites a purse."""

from __future__ import annotations

from pathlib import Path

from duotap_host.virtual.boot_drive import BootDrive
from duotap_host.virtual.device import VirtualDevice
from duotap_host.virtual.unix import UnixDevice
from host.plugged_in import looked_at
from upy.forms import UNIX, play
from upy.stand_in import interpreter
from upy.test_cable import Desk, state  # noqa: F401  (a fixture)


def test_a_purse_is_not_flashed_over(state: Path) -> None:  # noqa: F811
    (state / "pico.uf2").write_bytes(interpreter())
    drive = BootDrive(state / "RPI-RP2")

    async def story(device: VirtualDevice) -> None:
        assert isinstance(device, UnixDevice)
        desk, port = Desk(state), device.path
        flash = (
            "flash",
            port,
            "--board",
            "CARD_RP2040",
            "--micropython",
            "pico.uf2",
            "--unsigned",
        )
        flash = (*flash, "--drive", str(drive.folder))
        await desk.run("provision", port, "--role", "person", "--holder", "7")
        await desk.run("load", port, "10")
        drive.plug_in()
        assert "holds 10.00" in await desk.fails(*flash)
        assert drive.is_there
        assert drive.flash == b"\xff" * len(drive.flash)

    with looked_at(drive):
        play(story, UNIX)


def test_a_purse_that_holds_nothing_is_deposited_first(state: Path) -> None:  # noqa: F811
    (state / "pico.uf2").write_bytes(interpreter())
    drive = BootDrive(state / "RPI-RP2")

    async def story(device: VirtualDevice) -> None:
        assert isinstance(device, UnixDevice)
        desk, port = Desk(state), device.path
        flash = (
            "flash",
            port,
            "--board",
            "CARD_RP2040",
            "--micropython",
            "pico.uf2",
            "--unsigned",
        )
        flash = (*flash, "--drive", str(drive.folder))
        assert "not provisioned" in await desk.run("doctor", port)
        await desk.run("provision", port, "--role", "person", "--holder", "7")
        assert "not provisioned" not in await desk.run("doctor", port)
        drive.plug_in()
        assert "CARD_RP2040 is flashed" in await desk.run(*flash)
        assert drive.restarts == 1
        assert "0 handed over" in await desk.run("deposit", port), "it was deposited"

    with looked_at(drive):
        play(story, UNIX)
