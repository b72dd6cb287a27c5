# SPDX-License-Identifier: Apache-2.0
"""What every boards/X/modules/board.py has."""

from port.parts import Parts

def build() -> Parts: ...
