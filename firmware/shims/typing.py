# SPDX-License-Identifier: Apache-2.0
"""The part of `typing` that firmware names at run time; on a device's path only."""

TYPE_CHECKING = False
