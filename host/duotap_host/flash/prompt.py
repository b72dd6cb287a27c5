# SPDX-License-Identifier: Apache-2.0
"""The prompt of a board whose firmware does not come up: files that are missing or not whole are
put there again, through mpremote, by the board's own LittleFS; nothing else is touched.

It can end in three ways: there is no prompt (NoPrompt); every file is as it shall be, and the
board restarts; it breaks off, and the same again goes on. Speaks to mpremote's transport; its
command is called by `flash/develop.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial import SerialException

from duotap_host.flash.failures import FlashError, FlashFailed
from duotap_host.flash.image import DIGEST_FILE, Firmware

STARTERS = ("boot.py", "main.py")  # gone first and there last, so that no mixture ever runs
PIECE_BYTES = 256
PROMPT_S = 5

Progress = Callable[[str, int, int], object]


class NoPrompt(FlashError):
    """No MicroPython waits for commands there."""


def put(port: str, firmware: Firmware, progress: Progress) -> int:
    """Make the firmware's files what they shall be; returns how many it wrote. NoPrompt,
    FlashFailed."""
    board = _opened(port)
    try:
        files = {**dict(firmware.files), DIGEST_FILE: firmware.digest}
        wrong = [path for path in files if not _holds(board, path, files[path])]
        if wrong:
            for path in filter(board.fs_exists, STARTERS):
                board.fs_rmfile(path)
            wrong = [*(path for path in wrong if path not in STARTERS), *STARTERS]
        for count, path in enumerate(wrong, 1):
            folder = path.rpartition("/")[0]
            if folder and not board.fs_exists(folder):
                board.fs_mkdir(folder)
            board.fs_writefile(path, files[path], PIECE_BYTES)
            progress("files", count, len(wrong))
        board.exec_raw_no_follow(b"import machine; machine.reset()")
        return len(wrong)
    except (TransportError, SerialException, OSError) as error:
        raise FlashFailed(f"the board broke off: {' '.join(str(error).split())}") from None
    finally:
        board.close()


def _opened(port: str) -> SerialTransport:
    try:
        board = SerialTransport(port)
    except (TransportError, SerialException, OSError):
        raise NoPrompt(f"cannot open {port}") from None
    try:
        with redirect_stdout(StringIO()):  # it prints what it did not expect
            board.enter_raw_repl(soft_reset=False, timeout_overall=PROMPT_S)
    except (TransportError, SerialException, OSError):
        board.close()
        raise NoPrompt(f"there is no prompt at {port}") from None
    return board


def _holds(board: SerialTransport, path: str, content: bytes) -> bool:
    try:
        there: bytes = board.fs_hashfile(path, "sha256", PIECE_BYTES)
    except (TransportError, OSError):
        return False
    return there == hashlib.sha256(content).digest()
