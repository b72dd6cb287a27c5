# SPDX-License-Identifier: Apache-2.0
"""Amounts on the command line: `type=amount` on an argument or option."""

from __future__ import annotations

import rich_click as click

from duotap_host import money

# For a command's context: a negative amount looks like an option, and is to be told as what it is.
TAKES_AMOUNT = {"ignore_unknown_options": True}


def amount(text: str) -> int:
    """Units with at most two decimals, as minor units."""
    try:
        return money.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
