# SPDX-License-Identifier: Apache-2.0
"""The issuer's keys: made, kept encrypted, and used (PROTOCOL.md §3)."""

from duotap_host.issuer.issuer import Issuer as Issuer
from duotap_host.issuer.seal import Seal as Seal
from duotap_host.issuer.store import IssuerError as IssuerError
