# SPDX-License-Identifier: Apache-2.0
# The PC as a board, as a variant of MicroPython's Unix port: make -C ports/unix VARIANT_DIR=…/boards/UNIX_SIM
FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py
