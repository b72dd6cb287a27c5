# SPDX-License-Identifier: Apache-2.0
"""The flash of a build of its own: the journal's sectors first, then the file system.

Frozen in such a build only: the file system of a stock interpreter lies on all of the flash.
"""

import rp2

# 1,000 payments of four pages (250 sectors), the reserve for closings and a deposit, and the
# sectors that are erased ahead; leaves 208 KiB of 1408 to the file system, which holds few files.
JOURNAL_BYTES = 300 * 4096


def journal() -> rp2.Flash:
    """The journal's sectors, raw."""
    return rp2.Flash(start=0, len=JOURNAL_BYTES)


def files() -> rp2.Flash:
    """Where the file system lies."""
    return rp2.Flash(start=JOURNAL_BYTES)
