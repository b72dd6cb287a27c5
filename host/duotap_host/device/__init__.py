# SPDX-License-Identifier: Apache-2.0
"""Devices at the end of a cable: the serial link, the commands, and what is done with them."""
