# SPDX-License-Identifier: Apache-2.0
"""A display that is not there: what is drawn goes nowhere. Imported when none answers.

Whoever asks a person for more than a press has to look at `seen` first.
"""

from __future__ import annotations

from drivers.ssd1306 import Ssd1306


class Dark(Ssd1306):
    """Draws for nobody."""

    seen = False

    def _write(self, buf: bytes | memoryview) -> None:
        """Nobody is there to take it."""
