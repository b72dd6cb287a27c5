# SPDX-License-Identifier: Apache-2.0
"""A linker for the device's Python: many modules become a few, without what a device never asks.

A board's heap holds what its modules are made of: names, tables of names, constants that could
stand in the code. So a firmware image is not the tree of sources but what `link.linker.link`
makes of it, as other languages do. It changes no behaviour, and the tests of both interpreters
also run linked. The pages, in order: `source` (modules without their types), `scopes` (what a
name means), `program` (what is defined where), `constants`, `reach` (what is used, and in which
file it lies), `names`, `emit`.
"""
