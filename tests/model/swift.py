# SPDX-License-Identifier: Apache-2.0
"""Runs the shipped modules faster without changing what they do: decoding a message or certificate
is a function of its bytes, so each is decoded once."""

from __future__ import annotations

import gc
from functools import lru_cache
from typing import Any

from duotap import certificate, messages

KEPT = 1 << 16


def remember() -> None:
    """Put a memory before the decoders; may be called again."""
    if not hasattr(messages.decode, "cache_info"):
        messages.decode = _remembering(messages.decode)
        certificate.decode_keycert = _remembering(certificate.decode_keycert)
        certificate.decode_certificate = _remembering(certificate.decode_certificate)
    gc.set_threshold(100_000, 50, 100)  # states have no cycles


def _remembering(decode: Any) -> Any:
    """A Refusal is not remembered; what is returned is made of tuples."""
    kept = lru_cache(KEPT)(decode)

    def remembering(raw: Any, *more: Any, **named: Any) -> Any:
        return kept(bytes(raw), *more, **named)

    remembering.cache_info = kept.cache_info
    return remembering
