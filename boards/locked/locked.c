// SPDX-License-Identifier: Apache-2.0
// A production build has no prompt: where MicroPython would open one, the chip restarts, and no
// character at the console interrupts a program. The linker puts these functions in the place of
// MicroPython's (locked.cmake), so those are not in the image at all.

#if defined(ESP_PLATFORM)
#include "esp_system.h"
#else
#include "hardware/watchdog.h"
#endif

static int restart(void) {
    #if defined(ESP_PLATFORM)
    esp_restart();
    #else
    watchdog_reboot(0, 0, 0);
    #endif
    for (;;) {
    }
    return 0;
}

int __wrap_pyexec_friendly_repl(void);
int __wrap_pyexec_raw_repl(void);
void __wrap_mp_hal_set_interrupt_char(int c);

int __wrap_pyexec_friendly_repl(void) {
    return restart();
}

int __wrap_pyexec_raw_repl(void) {
    return restart();
}

// mp_interrupt_char stays what it is before boot.py: -1, none.
void __wrap_mp_hal_set_interrupt_char(int c) {
    (void)c;
}
