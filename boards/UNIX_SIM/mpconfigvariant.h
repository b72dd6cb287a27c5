// SPDX-License-Identifier: Apache-2.0
// As the standard variant: its `machine` may be extended, and the frozen modules/machine.py is found first.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#include "ports/unix/variants/mpconfigvariant_common.h"
