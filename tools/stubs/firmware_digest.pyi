# SPDX-License-Identifier: Apache-2.0
"""What boards/firmware.py writes for a board's own build."""

DIGEST: bytes
