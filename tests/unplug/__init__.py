# SPDX-License-Identifier: Apache-2.0
"""Pull the cable at any byte of what a workbench does with a board, and do the same again."""
