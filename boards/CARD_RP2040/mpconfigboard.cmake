# SPDX-License-Identifier: Apache-2.0
# A build of its own for the duotap card on a Raspberry Pi Pico: firmware frozen, journal reserved.
set(PICO_BOARD "pico")
set(PICO_PLATFORM "rp2040")
# As on the stock Pico, so that either build finds a program area of 640 KiB.
set(MICROPY_HW_FLASH_STORAGE_BYTES 1441792)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
include(${MICROPY_BOARD_DIR}/../locked/locked.cmake)
