# SPDX-License-Identifier: Apache-2.0
"""The command `duotap`: the operator's hands. Nothing else in `duotap_host` prints or asks."""
