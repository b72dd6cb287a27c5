# SPDX-License-Identifier: Apache-2.0
"""What tests of two devices share."""

from __future__ import annotations

import pytest

from duet import radio_pair


@pytest.fixture(params=radio_pair.BUSES)
def bus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every board's PN532 is on this bus."""
    name: str = request.param
    monkeypatch.setattr(radio_pair, "BUS", name)
    return name
