# SPDX-License-Identifier: Apache-2.0
"""Encode the tests' URIs with ndeflib, a line of octets each."""

from __future__ import annotations

import ndef

URIS = (
    "https://example.org/x",
    "https://example.org/" + "y" * 60,
    "https://www.example.org/" + "z" * 300,
)

for uri in URIS:
    print(b"".join(ndef.message_encoder([ndef.UriRecord(uri)])).hex())
