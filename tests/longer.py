# SPDX-License-Identifier: Apache-2.0
"""More of the same: cases that `make test` leaves to `make test-long`."""

from __future__ import annotations

from typing import Any

import pytest


def long(*cases: Any) -> list[Any]:
    """These parameters of a test, marked."""
    return [pytest.param(case, marks=pytest.mark.long) for case in cases]
