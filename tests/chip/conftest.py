# SPDX-License-Identifier: Apache-2.0
"""An emulated chip takes minutes for what takes a test of another tier seconds."""

from __future__ import annotations

import faulthandler

import pytest


@pytest.fixture(autouse=True)
def patience() -> None:
    """No traces of a test that merely takes its time."""
    faulthandler.cancel_dump_traceback_later()
