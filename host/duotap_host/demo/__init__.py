# SPDX-License-Identifier: Apache-2.0
"""The main story between virtual boards, from factory to ledger, and what is told of it.

It plays people: presses, touches, cables and the operator's commands. Whatever decides about
money is the shipped code.
"""
