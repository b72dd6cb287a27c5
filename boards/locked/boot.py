# SPDX-License-Identifier: Apache-2.0
"""Frozen in a build of its own, so that no file is run: neither /boot.py, in whose place this is,
nor one that has the name of a frozen or built-in module."""

import sys

sys.path[:] = [".frozen"]
