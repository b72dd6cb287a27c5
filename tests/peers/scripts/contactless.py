# SPDX-License-Identifier: Apache-2.0
"""Opens a chip with nfcpy, by name where it lies in /dev and by its path elsewhere.

Runs in .venv-peers, like every file of this folder.
"""

from __future__ import annotations

from pathlib import Path

import nfc
import nfc.clf
import nfc.clf.pn532
import nfc.clf.transport
import nfc.tag

TRIES = 10  # a card whose host is a program may be late for its ATS


def open_chip(path: str) -> nfc.ContactlessFrontend:
    """The frontend at `path`. OSError when no PN532 answers there."""
    if Path(path).parent == Path("/dev"):
        return nfc.ContactlessFrontend(f"tty:{Path(path).name}:pn532")
    frontend = nfc.ContactlessFrontend()
    frontend.device = nfc.clf.pn532.init(nfc.clf.transport.TTY(path))
    return frontend


def sense_tag(frontend: nfc.ContactlessFrontend, uid: str = "") -> nfc.tag.Tag:
    """The type A tag that comes, the one with this UID if given. LookupError if none does."""
    wanted = nfc.clf.RemoteTarget("106A", sel_req=bytes.fromhex(uid) or None)
    for _ in range(TRIES):
        target = frontend.sense(wanted, iterations=2, interval=0.1)
        tag = nfc.tag.activate(frontend, target) if target else None
        if tag is not None:
            return tag
    raise LookupError("no tag came")
