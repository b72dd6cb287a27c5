# SPDX-License-Identifier: Apache-2.0
"""Writes firmware/port/thumb_p256.py: the field of P-256 in Thumb instructions (ARMv6-M, RP2040).

MicroPython's inline assembler has no macros and no loops over lines, so what repeats is written
here once. Pages: `listing` (lines of assembler), `product` (256 by 256 bits), `residue` (modulo
P), `choice` (a table read uniformly), `inversion`, `runner` (all of it as one function).
`python -m duotap_host.thumb [--check]`
"""
