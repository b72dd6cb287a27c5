# SPDX-License-Identifier: Apache-2.0
"""A journal that is too small for anything but what must always work."""

from board_flash import Flash
from duotap import status
from duotap.statements import Statements
from issuing import Bench, Issuer, refused

ISSUER = Issuer()


def test_a_journal_of_nothing_but_its_reserve_is_full():
    for blocks in (8, 16):
        bench = Bench(Flash(blocks), ISSUER)
        assert bench.purse.full_percent() == 100 and bench.purse.warns()
        load = ISSUER.load(bench.device.id, 1, 1)
        assert refused(status.JOURNAL_FULL, Statements(bench.device).take, load)
