// SPDX-License-Identifier: Apache-2.0
#define MICROPY_HW_BOARD_NAME "duotap card (ESP32)"
#define MICROPY_HW_MCU_NAME "ESP32"
// A card and a stand have one radio, and it is not this chip's.
#define MICROPY_PY_BLUETOOTH (0)
#define MICROPY_PY_ESPNOW (0)
