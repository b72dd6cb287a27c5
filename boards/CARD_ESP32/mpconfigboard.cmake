# SPDX-License-Identifier: Apache-2.0
# A build of its own for the duotap card on an ESP32 with 4 MB of flash.
include(boards/mpconfigboard_esp32_common.cmake)

list(APPEND SDKCONFIG_DEFAULTS
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)

if(NOT "$ENV{DUOTAP_SECURE}" STREQUAL "")
    list(APPEND SDKCONFIG_DEFAULTS ${MICROPY_BOARD_DIR}/../locked/sdkconfig.secure)
endif()

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
include(${MICROPY_BOARD_DIR}/../locked/locked.cmake)
