# SPDX-License-Identifier: Apache-2.0
"""Names that cost a board nothing, and then short ones.

MicroPython keeps each name that it meets in the heap for ever (about 26 bytes on 64 bits), unless
its own C code has that name already. So what is renamed takes names of builtins' methods and of
functions in modules that every port has; which ones does not matter to whoever runs the code.
"""

from __future__ import annotations

import builtins
import string
from collections.abc import Iterator

LETTERS = string.ascii_lowercase + string.ascii_uppercase

# Methods of types, functions of gc, sys, time, os, math, struct, json, re, random, binascii,
# micropython and select: with stock builds for ESP32 and RP2040 as with the Unix port.
NAMES = (
    "append args bytecode callable clear close collect const copy count decode dict_view "
    "digest disable enable encode end endswith extend find format from_bytes get heap_lock "
    "heap_unlock hexlify index insert isalpha isdigit isenabled islower isspace isupper items "
    "join key keys little localtime lower lstrip mem_alloc mem_free mem_info micropython "
    "native opt_level pop popitem pend_throw print_exception ptr ptr16 ptr32 ptr8 qstr_info "
    "readline readlines remove replace rfind rindex rsplit rstrip schedule sep setdefault "
    "sleep sleep_ms sleep_us sort split stack_use start startswith step stop strip threshold "
    "ticks_add ticks_diff ticks_ms ticks_us to_bytes unhexlify update upper value values "
    "viper function generator module closure iterator bound_method partition rpartition "
    "discard difference intersection isdisjoint issubset issuperset symmetric_difference "
    "union add real imag big path argv version name implementation modules stdin stdout "
    "stderr byteorder maxsize exit acos asin atan atan2 ceil copysign cos degrees e exp fabs "
    "floor fmod frexp isfinite isinf isnan ldexp log modf pi radians sin sqrt tan trunc "
    "calcsize pack pack_into unpack unpack_from dump dumps load loads match search sub group "
    "compile choice getrandbits randint randrange random seed uniform a2b_base64 b2a_base64 "
    "crc32 heapify heappop heappush poll ipoll register unregister modify mount umount time "
    "sha256 deque namedtuple OrderedDict errorcode errno"
)
RESERVED = {*dir(builtins), "const"}


def short_names() -> Iterator[str]:
    """First what costs nothing, then _a, _b ... _Z, _aa, _ab ..."""
    yield from (name for name in NAMES.split() if name not in RESERVED)
    yield from (f"_{letter}" for letter in LETTERS)
    yield from (f"_{first}{second}" for first in LETTERS for second in LETTERS)
