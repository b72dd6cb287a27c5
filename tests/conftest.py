# SPDX-License-Identifier: Apache-2.0
"""Hypothesis for every tier: no deadlines (they would time the machine), failures replayable."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("duotap", deadline=None, print_blob=True)
settings.load_profile("duotap")
