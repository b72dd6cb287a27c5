# SPDX-License-Identifier: Apache-2.0
"""The AES of this interpreter: the one that ships for it."""

import sys

if sys.implementation.name == "micropython":
    from port.cipher import Aes
else:
    from duotap_host.cipher import Aes

__all__ = ["Aes"]
