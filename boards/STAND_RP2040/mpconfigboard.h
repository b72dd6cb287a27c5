// SPDX-License-Identifier: Apache-2.0
#define MICROPY_HW_BOARD_NAME "duotap stand (Raspberry Pi Pico)"
// The console is the cable of the device: nobody needs to halt it or to boot it by a touch of 1200 baud.
#define MICROPY_HW_USB_CDC_1200BPS_TOUCH (0)
// No second console, no other USB device, no prompt over a network.
#define MICROPY_PY_OS_DUPTERM (0)
#define MICROPY_HW_ENABLE_USB_RUNTIME_DEVICE (0)
#define MICROPY_PY_WEBREPL (0)
