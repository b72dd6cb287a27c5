# SPDX-License-Identifier: Apache-2.0
"""Virtual hardware and the devices made of it.

It runs the firmware itself, whose packages are no part of the installed host: they are found in
the checkout, behind everything else.
"""

from __future__ import annotations

import sys
from pathlib import Path

FIRMWARE = str(Path(__file__).resolve().parents[3] / "firmware")
if FIRMWARE not in sys.path:
    sys.path.append(FIRMWARE)
